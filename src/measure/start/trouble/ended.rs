//! The words for a program that has ended.

use super::Trouble;
use super::log::{Cause, cause};
use crate::measure::escape;

/// The meaning of an exit code; empty if it has none of its own.
pub fn meaning(code: i64) -> &'static str {
    match code {
        126 => " (the command may not be executed)",
        127 => " (the command was not found)",
        132 => " (SIGILL: the program needs instructions that this CPU does not have)",
        134 => " (SIGABRT)",
        135 => " (SIGBUS)",
        137 => " (SIGKILL)",
        139 => " (SIGSEGV)",
        143 => " (SIGTERM)",
        159 => " (SIGSYS: the engine's filter forbids a system call)",
        _ => "",
    }
}

/// Puts the end of a program before it was ready into words.
pub fn describe(code: Option<i64>, log: &[String]) -> Trouble {
    let (code_text, meant) = (
        code.map_or_else(|| "unknown".into(), |code| code.to_string()),
        code.map_or("", meaning),
    );
    let mut trouble = Trouble::new(format!("exited with code {code_text}{meant} before it was ready"), &[]);
    let found = cause(log);
    if code == Some(0) && found.is_none() {
        trouble.what += ": process 1 must stay in the foreground";
        trouble.hints.push(
            "start the server in the foreground (nginx: `daemon off;`, Apache: `-D FOREGROUND`; in a script `exec` it, without `&`)"
                .into(),
        );
        return trouble;
    }
    // The line with the cause is most often among the last.
    let last = log.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
    if let Some(last) = last {
        trouble.what += &format!(": \"{}\"", escape::line(last, 160));
    }
    trouble.hints.extend(found.map(|cause| remedy(&cause)));
    trouble
}

/// The remedy for a cause.
pub fn remedy(cause: &Cause) -> String {
    match cause {
        Cause::Setting(Some(name)) => format!("give it the variable: --env {name}=VALUE"),
        Cause::Setting(None) => "give it its settings: --env NAME=VALUE, or --env-file FILE".into(),
        Cause::ReadOnly(Some(path)) => format!(
            "its root file system is read-only and it writes {}: --tmpfs {} for that folder, or --writable for all",
            escape::line(path, 200),
            escape::line(folder_of(path), 200)
        ),
        Cause::ReadOnly(None) => "its root file system is read-only: --tmpfs FOLDER for one folder, or --writable for all".into(),
        Cause::Denied(Some(capability)) => format!("it has no capabilities: --cap-add {capability}"),
        Cause::Denied(None) => {
            "it has no capabilities and runs as the image's user: --cap-add NAME, --user NAME, or --writable if it changes files".into()
        }
        Cause::NoUser => "its user has no entry in /etc/passwd of the image: --user NAME, with a name that has one".into(),
        Cause::NoNetwork => {
            "it has no network to the outside: --network NAME connects it to one of the engine, or a setting lets it start without".into()
        }
        Cause::NotFound => "the program, or the interpreter in its first line, is not in the image".into(),
        Cause::Format => {
            "the program is for another kind of machine: build it for this one (docker build --platform linux/amd64 or arm64)".into()
        }
        Cause::NotExecutable => "the program may not be executed: `chmod +x` it in the image".into(),
        Cause::Memory => "it needs more memory: --memory 1Gi".into(),
        Cause::Processes => "it starts more processes and threads than the limit allows (4096)".into(),
        Cause::Full => "a folder in memory is full: --tmpfs /tmp:256Mi makes it larger".into(),
    }
}

/// The folder of a path: the path itself if its last part has no dot.
fn folder_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((folder, file)) if file.contains('.') && !file.starts_with('.') && !folder.is_empty() => folder,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i64, log: &[&str]) -> Trouble {
        describe(
            Some(code),
            &log.iter().map(|line| (*line).to_string()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn an_end_is_told_with_its_last_line_and_a_remedy() {
        let setting = of(
            1,
            &["starting", "FATAL: environment variable SHOP_SECRET is not set", ""],
        );
        assert_eq!(
            setting.what,
            "exited with code 1 before it was ready: \"FATAL: environment variable SHOP_SECRET is not set\""
        );
        assert_eq!(setting.hints, ["give it the variable: --env SHOP_SECRET=VALUE"]);
        let read_only = of(1, &["OSError: [Errno 30] Read-only file system: '/app/data/shop.db'"]);
        assert!(
            read_only.hints[0].contains("--tmpfs /app/data for that folder"),
            "{read_only:?}"
        );
        let silent = of(139, &[]);
        assert_eq!(
            silent,
            Trouble::new("exited with code 139 (SIGSEGV) before it was ready", &[])
        );
        assert!(of(1, &["\x1b[31mboom\x07"]).what.ends_with("\"\\x1b[31mboom\\x07\""));
    }

    #[test]
    fn a_program_that_goes_to_the_background_is_told_to_stay() {
        let daemon = of(0, &["started in background"]);
        assert!(
            daemon.what.contains("process 1 must stay in the foreground"),
            "{daemon:?}"
        );
        assert!(daemon.hints[0].contains("daemon off;"));
        let unset = of(0, &["PORT_NUMBER is not set, leaving"]);
        assert!(unset.hints[0].contains("--env PORT_NUMBER"), "{unset:?}");
        assert_eq!(describe(None, &[]).what, "exited with code unknown before it was ready");
    }
}
