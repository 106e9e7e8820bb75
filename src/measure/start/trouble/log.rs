//! The causes that log lines of a program name in the words of the operating system, of a language or of a framework.

/// The words in capital letters that are no names of variables.
const NO_NAMES: &[&str] = &[
    "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG", "TRACE", "CRITICAL", "SEVERE", "PANIC", "NOTICE", "EMERG",
    "ALERT", "HTTP", "HTTPS", "JSON", "GET", "POST", "NULL", "NONE", "UTC", "EOF", "TCP", "UDP", "SQL", "API", "URL",
    "CONFIG", "ENV",
];
/// The phrases with which a program says that a setting is missing, in small letters.
const MISSING: &[&str] = &[
    "environment variable",
    "env var",
    "environment key",
    "is not set",
    "not set in",
    "must be set",
    "must set",
    "is required",
    "are required",
    "missing required",
    "missing env",
    "is missing",
    "missing setting",
    "missing config",
    "keyerror",
    "is undefined",
    "unbound variable",
    "parameter not set",
    "parameter null or not set",
    "could not resolve placeholder",
    "not provided",
    "must be provided",
    "environ[",
    "getenv",
    "please set",
    "no value for",
    "improperlyconfigured",
    "is not defined in the env",
    "missing value for",
    "must not be empty",
    "cannot be empty",
    "field required",
];

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A setting is missing, with its name if it looks like a variable.
    Setting(Option<String>),
    /// The file system is read-only, with the path.
    ReadOnly(Option<String>),
    /// A right is missing, with the capability that grants it, if that is known.
    Denied(Option<&'static str>),
    /// The user has no entry in `/etc/passwd`.
    NoUser,
    /// Something in the network cannot be reached, by name or at all.
    NoNetwork,
    /// The program, or its interpreter, is not there.
    NotFound,
    /// The program is for another kind of machine.
    Format,
    /// The program may not be executed.
    NotExecutable,
    /// The memory limit.
    Memory,
    /// The number of processes and threads.
    Processes,
    /// A file system is full.
    Full,
}

/// The cause that the lines name; the most specific one if there are several.
pub fn cause(lines: &[String]) -> Option<Cause> {
    let lower: Vec<String> = lines.iter().map(|line| line.to_ascii_lowercase()).collect();
    let line_with = |words: &[&str]| {
        let found = |line: &&String| words.iter().any(|word| line.contains(word));
        lower
            .iter()
            .position(|line| found(&line))
            .map(|position| lines[position].as_str())
    };
    let is_read_only = [
        "read-only file system",
        "erofs",
        "readonly database",
        "read only file system",
    ];
    if let Some(line) = line_with(&is_read_only) {
        return Some(Cause::ReadOnly(path_in(line)));
    }
    if line_with(&["exec format error", "wrong architecture", "cannot execute binary file"]).is_some() {
        return Some(Cause::Format);
    }
    if line_with(&[
        "uid not found",
        "cannot find name for user id",
        "no such user",
        "unable to look up current user",
        "could not look up effective user",
        "getpwnam(",
        "getpwuid",
        "unknown userid",
        "no passwd entry",
    ])
    .is_some()
    {
        return Some(Cause::NoUser);
    }
    if line_with(&[
        "outofmemoryerror",
        "cannot allocate memory",
        "out of memory",
        "heap limit allocation failed",
    ])
    .is_some()
    {
        let threads = line_with(&["unable to create native thread"]).is_some();
        return Some(if threads { Cause::Processes } else { Cause::Memory });
    }
    if line_with(&[
        "can't start new thread",
        "pthread_create",
        "resource temporarily unavailable",
        "fork: retry",
    ])
    .is_some()
    {
        return Some(Cause::Processes);
    }
    if line_with(&["no space left on device", "enospc"]).is_some() {
        return Some(Cause::Full);
    }
    if let Some(denied) = lower.iter().find_map(|line| denied(line)) {
        return Some(Cause::Denied(denied));
    }
    if line_with(&[
        "temporary failure in name resolution",
        "name or service not known",
        "enotfound",
        "eai_again",
        "no such host",
        "network is unreachable",
        "unknownhostexception",
        "could not translate host name",
        "getaddrinfo",
        "econnrefused",
        "host is unreachable",
        "nodename nor servname",
        "connection refused",
        "could not connect to",
    ])
    .is_some()
    {
        return Some(Cause::NoNetwork);
    }
    if let Some(missing) = lower
        .iter()
        .position(|line| MISSING.iter().any(|phrase| line.contains(phrase)))
    {
        return Some(Cause::Setting(name_in(&lines[missing])));
    }
    if line_with(&["executable file not found", "exec: not found", "command not found"]).is_some() {
        return Some(Cause::NotFound);
    }
    None
}

/// The right that a line in small letters says is missing: `Some(None)` if the line does not tell which capability grants it.
fn denied(line: &str) -> Option<Option<&'static str>> {
    const REFUSED: [&str; 5] = [
        "operation not permitted",
        "permission denied",
        "eacces",
        "eperm",
        "access denied",
    ];
    if !REFUSED.iter().any(|word| line.contains(word)) {
        return None;
    }
    let granted = [
        ("bind", "NET_BIND_SERVICE"),
        ("listen eacces", "NET_BIND_SERVICE"),
        ("could not bind", "NET_BIND_SERVICE"),
        ("setgid", "SETGID"),
        ("setgroups", "SETGID"),
        ("initgroups", "SETGID"),
        ("setresgid", "SETGID"),
        ("setegid", "SETGID"),
        ("setuid", "SETUID"),
        ("setresuid", "SETUID"),
        ("seteuid", "SETUID"),
        ("switching user", "SETUID"),
        ("chown", "CHOWN"),
        ("changing ownership", "CHOWN"),
        ("chmod", "FOWNER"),
        ("changing permissions", "FOWNER"),
        ("utime", "FOWNER"),
        ("chroot", "SYS_CHROOT"),
        ("kill", "KILL"),
        ("mknod", "MKNOD"),
        ("setpriority", "SYS_NICE"),
        ("setrlimit", "SYS_RESOURCE"),
        ("raw socket", "NET_RAW"),
        ("icmp", "NET_RAW"),
        ("mlock", "IPC_LOCK"),
        ("cannot set uid", "SETUID"),
        ("cannot set groups", "SETGID"),
        ("failed switching", "SETUID"),
        ("unable to set groups", "SETGID"),
        ("drop privileges", "SETUID"),
        ("setcap", "SETFCAP"),
        ("mount", "SYS_ADMIN"),
    ];
    let found = granted
        .iter()
        .find(|(word, _)| line.contains(word))
        .map(|(_, capability)| *capability);
    Some(found.or_else(|| {
        ["open(", "opening", "open "]
            .iter()
            .any(|word| line.contains(word))
            .then_some("DAC_OVERRIDE")
    }))
}

/// The first absolute path in a line.
fn path_in(line: &str) -> Option<String> {
    let ends = |c: char| c.is_whitespace() || "'\"`,;()[]<>".contains(c);
    let words = line.split(ends).map(|word| word.trim_end_matches([':', '.']));
    words
        .filter(|word| word.starts_with('/') && word.len() > 1 && !word.starts_with("//"))
        .map(str::to_string)
        .next()
}

/// A name of a variable in a line: capital letters, digits and underscores. One with an underscore, or between quotes, comes
/// first.
fn name_in(line: &str) -> Option<String> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_name = |word: &&str| {
        word.len() >= 3
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && !NO_NAMES.contains(word)
    };
    let names: Vec<&str> = words.filter(is_name).collect();
    names
        .iter()
        .find(|name| name.contains('_'))
        .or(names.first())
        .map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Cause> {
        cause(&text.lines().map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_missing_setting_is_named() {
        for (text, name) in [
            (
                "FATAL: environment variable SHOP_SECRET is not set",
                Some("SHOP_SECRET"),
            ),
            (
                "Traceback (most recent call last):\n  File \"/app.py\", line 1\nKeyError: 'DATABASE_URL'",
                Some("DATABASE_URL"),
            ),
            ("panic: missing required env PORT2", Some("PORT2")),
            ("/entrypoint.sh: line 3: API_KEY: unbound variable", Some("API_KEY")),
            (
                "Could not resolve placeholder 'shop.url' in value \"${shop.url}\"",
                None,
            ),
            (
                "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
                Some("SECRET_KEY"),
            ),
            ("ERROR: password is required", None),
        ] {
            assert_eq!(of(text), Some(Cause::Setting(name.map(Into::into))), "{text}");
        }
    }

    #[test]
    fn rules_of_the_confinement_are_recognised() {
        let read_only = |path: &str| Some(Cause::ReadOnly(Some(path.into())));
        for (text, cause) in [
            (
                "OSError: [Errno 30] Read-only file system: '/app/data/shop.db'",
                read_only("/app/data/shop.db"),
            ),
            (
                "Error: EROFS: read-only file system, mkdir '/app/.cache'",
                read_only("/app/.cache"),
            ),
            ("2026 mkdir /data: read-only file system", read_only("/data")),
            (
                "nginx: [emerg] mkdir() \"/var/lib/nginx/body\" failed (30: Read-only file system)",
                read_only("/var/lib/nginx/body"),
            ),
            (
                "sqlite3.OperationalError: attempt to write a readonly database",
                Some(Cause::ReadOnly(None)),
            ),
            (
                "[emerg] chown(\"/var/lib/nginx/body\", 33) failed (1: Operation not permitted)",
                Some(Cause::Denied(Some("CHOWN"))),
            ),
            (
                "[emerg] setgid(33) failed (1: Operation not permitted)",
                Some(Cause::Denied(Some("SETGID"))),
            ),
            (
                "bind() to 0.0.0.0:80 failed (13: Permission denied)",
                Some(Cause::Denied(Some("NET_BIND_SERVICE"))),
            ),
            (
                "error: failed switching to \"app\": operation not permitted",
                Some(Cause::Denied(Some("SETUID"))),
            ),
            (
                "PermissionError: [Errno 13] Permission denied: '/app/x'",
                Some(Cause::Denied(None)),
            ),
            ("whoami: cannot find name for user ID 1234", Some(Cause::NoUser)),
            ("KeyError: 'getpwuid(): uid not found: 1234'", Some(Cause::NoUser)),
            (
                "psycopg2.OperationalError: could not translate host name \"db\" to address",
                Some(Cause::NoNetwork),
            ),
            ("Error: getaddrinfo ENOTFOUND db.internal", Some(Cause::NoNetwork)),
            (
                "dial tcp: lookup db: Temporary failure in name resolution",
                Some(Cause::NoNetwork),
            ),
            ("exec /app/server: exec format error", Some(Cause::Format)),
            ("java.lang.OutOfMemoryError: Java heap space", Some(Cause::Memory)),
            (
                "java.lang.OutOfMemoryError: unable to create native thread",
                Some(Cause::Processes),
            ),
            ("write /tmp/x: no space left on device", Some(Cause::Full)),
            ("sh: gunicorn: command not found", Some(Cause::NotFound)),
            ("ready to serve\nbye", None),
        ] {
            assert_eq!(of(text), cause, "{text}");
        }
    }
}
