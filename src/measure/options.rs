//! The settings of a user's own image: those of its container, and the headers of the requests to it.
//!
//! A value of an environment variable or of a header can be a secret. So no profile, message or debug output shows one. A
//! profile keeps the name and a digest of 16 bits, which tells two values apart and is too short to guess a value from.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::measure::Measurement;
use crate::measure::env::EnvVar;
use crate::measure::error::MeasureError;
use crate::measure::http::Request;
use crate::measure::subject::Subject;
use crate::model::profile;

/// The size of a tmpfs without a size of its own, in MiB.
const TMPFS_MIB: u32 = 64;
/// The capabilities of Linux 6.x (`capabilities(7)`, read on 2026-11-30), without the prefix `CAP_`.
const CAPABILITIES: &[&str] = &[
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

/// The settings of the container of a user's own image, beyond those of every container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerOptions {
    /// The environment, in addition to that of the image.
    pub env: Vec<EnvVar>,
    /// The folders in memory that can be written to.
    pub tmpfs: Vec<Tmpfs>,
    /// True if the root file system can be written to.
    pub writable: bool,
    /// The capabilities that are not dropped.
    pub cap_add: Vec<Capability>,
    /// The user that runs the program, in place of the image's own.
    pub user: Option<String>,
    /// A network of the engine to which the container is connected as well.
    pub network: Option<String>,
}

impl ContainerOptions {
    /// The flags that repeat these settings, without values of variables.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .env
            .iter()
            .map(|variable| format!("--env {}", variable.name()))
            .collect();
        words.extend(
            self.tmpfs
                .iter()
                .map(|tmpfs| format!("--tmpfs {}", quoted(&tmpfs.to_string()))),
        );
        words.extend(self.writable.then(|| "--writable".to_string()));
        if !self.cap_add.is_empty() {
            let names: Vec<&str> = self.cap_add.iter().map(Capability::name).collect();
            words.push(format!("--cap-add {}", names.join(",")));
        }
        words.extend(self.user.iter().map(|user| format!("--user {}", quoted(user))));
        words.extend(
            self.network
                .iter()
                .map(|network| format!("--network {}", quoted(network))),
        );
        words
    }
}

/// A word for a shell, in quotes if it needs them.
pub fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_string(), std::borrow::Cow::into_owned)
}

/// The settings of a subject as its profile keeps them. A framework has none.
pub fn of(measurement: &Measurement, subject: &Subject) -> profile::ContainerOptions {
    match subject {
        Subject::Framework { .. } => profile::ContainerOptions::default(),
        Subject::Image(own) => recorded(&measurement.options, &own.headers, own.health_port),
    }
}

/// The settings as a profile keeps them.
fn recorded(options: &ContainerOptions, headers: &Headers, health_port: Option<u16>) -> profile::ContainerOptions {
    profile::ContainerOptions {
        env: options
            .env
            .iter()
            .map(|variable| (variable.name().to_string(), digest(&variable.pair())))
            .collect(),
        headers: headers
            .0
            .iter()
            .map(|(name, value)| (name.clone(), digest(&format!("{name}: {value}"))))
            .collect(),
        health_port,
        tmpfs: options.tmpfs.iter().map(ToString::to_string).collect(),
        writable: options.writable,
        cap_add: options.cap_add.iter().map(|capability| capability.0.clone()).collect(),
        user: options.user.clone(),
        network: options.network.clone(),
    }
}

/// The first 16 bits of the SHA-256 of a text, in hexadecimal digits.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(2)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The headers that each request carries in addition.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Reads `NAME: VALUE` of each text.
    ///
    /// # Errors
    /// The reason in words; a text may be a secret and is not repeated.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let one = |text: &String| {
            let (name, value) = text.split_once(':').ok_or("--header: write 'NAME: VALUE'")?;
            let value = value.trim();
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                return Err("--header: write 'NAME: VALUE'; a name has letters, digits and -".to_string());
            }
            if ["content-length", "transfer-encoding", "connection"]
                .iter()
                .any(|own| name.eq_ignore_ascii_case(own))
            {
                return Err(format!("--header {name}: coldcast sets this header itself"));
            }
            if !value.chars().all(|c| c == '\t' || (' '..='~').contains(&c)) {
                return Err(format!(
                    "--header {name}: a value has printable characters of ASCII only"
                ));
            }
            Ok((name.to_string(), value.to_string()))
        };
        texts.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The request with these headers.
    pub fn on(&self, request: &Request) -> Request {
        self.0
            .iter()
            .fold(request.clone(), |request, (name, value)| request.with(name, value))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A folder in memory, as in `/app/data` or `/app/data:128Mi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// The absolute path.
    pub path: String,
    /// The largest size in MiB. What it holds counts as memory of the container.
    pub mib: u32,
}

impl FromStr for Tmpfs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, size) = text
            .split_once(':')
            .map_or((text, None), |(path, size)| (path, Some(size)));
        let usual = |part: std::path::Component<'_>| !matches!(part, std::path::Component::ParentDir);
        if !path.starts_with('/') || path == "/" || path.contains(',') || !Path::new(path).components().all(usual) {
            return Err("write an absolute path such as /app/data, or with a size /app/data:128Mi".into());
        }
        let mib = size.map_or(Ok(TMPFS_MIB), |size| {
            let size: crate::units::MemoryMib = size.parse().map_err(|error| format!("{error}"))?;
            Ok::<u32, String>(size.0)
        })?;
        if mib == 0 {
            return Err("a folder in memory needs at least 1Mi".into());
        }
        Ok(Self {
            path: path.trim_end_matches('/').to_string(),
            mib,
        })
    }
}

impl fmt::Display for Tmpfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mib {
            TMPFS_MIB => f.write_str(&self.path),
            mib => write!(f, "{}:{mib}Mi", self.path),
        }
    }
}

/// A capability of Linux, without the prefix `CAP_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capability(String);

impl Capability {
    /// The name in capital letters.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Capability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_ascii_uppercase();
        let name = name.strip_prefix("CAP_").unwrap_or(&name);
        if name == "ALL" {
            return Err("name the capabilities one by one, such as CHOWN,SETUID,SETGID".into());
        }
        if !CAPABILITIES.contains(&name) {
            let near = crate::suggest::did_you_mean(name, CAPABILITIES.iter().copied());
            return Err(format!("there is no capability `{name}`{near}"));
        }
        Ok(Self(name.to_string()))
    }
}

/// A user as the engine takes it: a name or a number, and a group after a colon.
///
/// # Errors
/// If it is neither.
pub fn user(text: &str) -> Result<String, String> {
    let fits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    match text.split_once(':') {
        Some((user, group)) if fits(user) && fits(group) => Ok(text.into()),
        None if fits(text) => Ok(text.into()),
        _ => Err("write a name or a number, with a group after a colon if there is one, such as 1000:1000".into()),
    }
}

/// A network of the engine by its name.
///
/// # Errors
/// If it is a mode of the engine and no network.
pub fn network(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if matches!(text, "host" | "none") || text.starts_with("container:") {
        return Err(format!(
            "`{text}` is no network of its own; name one of `docker network ls`, such as bridge"
        ));
    }
    if text.is_empty() || !text.chars().all(fits) {
        return Err("write the name of a network; `docker network ls` shows them".into());
    }
    Ok(text.into())
}

/// The environment variables in a file: `NAME=VALUE` or `NAME` on each line; empty lines and lines with `#` do not count.
///
/// # Errors
/// If the file cannot be read, or a line is no variable. The message has the number of the line and not its text.
pub fn env_file(path: &Path) -> Result<Vec<EnvVar>, MeasureError> {
    let text = std::fs::read_to_string(path).map_err(MeasureError::io(path))?;
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim_start()));
    let used = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    used.map(|(number, line)| {
        let bad = |reason: String| MeasureError::BadRequest(format!("{} line {number}: {reason}", path.display()));
        EnvVar::read(line).map_err(bad)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&str]) -> Result<Headers, String> {
        Headers::read(&texts.iter().map(|text| (*text).to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn values_of_headers_are_sent_and_never_shown() {
        let read = headers(&["Authorization: Bearer s3cret", "Host:shop.example"]).unwrap();
        assert_eq!(format!("{read:?}"), r#"["Authorization", "Host"]"#);
        let sent = format!("{:?}", read.on(&Request::get("/")));
        let bytes = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_string();
        assert!(sent.contains(&bytes("Authorization: Bearer s3cret")) && !sent.contains(&bytes("Host: app")));
        for text in [
            "s3cret",
            ": s3cret",
            "a b: s3cret",
            "X: s3cret\r\nY: 1",
            "Content-Length: s3cret",
        ] {
            let error = headers(&[text]).unwrap_err();
            assert!(error.contains("--header") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_profile_tells_values_apart_and_keeps_none() {
        let options = |value: &str| ContainerOptions {
            env: vec![EnvVar::read(&format!("DATABASE_URL={value}")).unwrap()],
            tmpfs: vec!["/data:8Mi".parse().unwrap()],
            writable: true,
            cap_add: vec!["cap_chown".parse().unwrap(), "SETUID".parse().unwrap()],
            user: Some("1000:1000".into()),
            network: Some("bridge".into()),
        };
        let kept = |value: &str| recorded(&options(value), &headers(&["X-Key: s3cret"]).unwrap(), Some(9090));
        let text = serde_json::to_string(&kept("s3cret")).unwrap();
        assert!(
            text.contains("DATABASE_URL") && text.contains("X-Key") && !text.contains("s3cret"),
            "{text}"
        );
        assert_eq!(kept("a"), kept("a"));
        assert_ne!(kept("a"), kept("b"));
        assert_eq!(kept("a").env["DATABASE_URL"].len(), 4);
        assert_eq!(
            options("s3cret").words().join(" "),
            "--env DATABASE_URL --tmpfs /data:8Mi --writable --cap-add CHOWN,SETUID --user 1000:1000 --network bridge"
        );
    }

    #[test]
    fn flags_are_checked() {
        let tmpfs = |text: &str| text.parse::<Tmpfs>().map(|tmpfs| (tmpfs.path, tmpfs.mib)).ok();
        assert_eq!(tmpfs("/app/data/"), Some(("/app/data".into(), 64)));
        assert_eq!(tmpfs("/run:1Gi"), Some(("/run".into(), 1024)));
        for wrong in ["data", "/", "/a/../etc", "/a,exec", "/a:", "/a:0Mi"] {
            assert_eq!(tmpfs(wrong), None, "{wrong}");
        }
        assert!("ALL".parse::<Capability>().unwrap_err().contains("one by one"));
        assert!("SETUIDS".parse::<Capability>().unwrap_err().contains("SETUID"));
        assert!(user("www-data:33").is_ok() && user("1000").is_ok());
        assert!(user("a b").is_err() && user(":1").is_err());
        assert!(network("bridge").is_ok() && network("shop_default").is_ok());
        assert!(network("host").is_err() && network("container:x").is_err() && network("").is_err());
    }

    #[test]
    fn a_file_of_variables_is_read_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "# comment\n\nA=1\n  B = 2\n").unwrap();
        let error = env_file(&path).unwrap_err().to_string();
        assert!(error.contains("line 4") && error.contains(".env"), "{error}");
        std::fs::write(&path, "A=1\nB=x=y # kept\n").unwrap();
        let pairs: Vec<String> = env_file(&path).unwrap().iter().map(EnvVar::pair).collect();
        assert_eq!(pairs, ["A=1", "B=x=y # kept"]);
        assert!(env_file(&folder.path().join("none")).is_err());
    }
}
