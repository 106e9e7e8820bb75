//! The words for a container that the engine did not create or start.

use super::Trouble;
use super::ended::remedy;
use super::log::Cause;
use crate::measure::escape;

/// Puts the engine's message into words. `doing` is the call, such as `start`.
pub fn describe(doing: &str, message: &str) -> Trouble {
    let lower = message.to_ascii_lowercase();
    let has = |words: &str| lower.contains(words);
    let cause = if has("exec format error") {
        Some(Cause::Format)
    } else if has("unable to find user") || has("no matching entries in passwd") || has("unable to find group") {
        Some(Cause::NoUser)
    } else if has("executable file not found") || has("no such file or directory") {
        Some(Cause::NotFound)
    } else if has("permission denied") {
        Some(Cause::NotExecutable)
    } else {
        None
    };
    let mut trouble = Trouble::new(
        format!(
            "the engine could not {doing} the container: {}",
            escape::line(message.trim(), 400)
        ),
        &[],
    );
    trouble.hints.extend(cause.as_ref().map(remedy));
    if has("no command specified") {
        trouble
            .hints
            .push("the image names no program: add ENTRYPOINT or CMD to its Dockerfile".into());
    }
    if has("network") && has("not found") {
        trouble
            .hints
            .push("`docker network ls` shows the networks for --network".into());
    }
    if has("minimum memory limit") || (has("memory") && has("limit") && cause.is_none()) {
        trouble.hints.push("give it more memory: --memory 512Mi".into());
    }
    trouble
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_messages_have_remedies() {
        for (message, hint) in [
            (
                "OCI runtime create failed: exec: \"serve\": executable file not found in $PATH: unknown",
                "not in the image",
            ),
            (
                "OCI runtime create failed: exec: \"/app\": permission denied: unknown",
                "chmod +x",
            ),
            ("exec /entry.sh: no such file or directory", "interpreter"),
            ("exec /app: exec format error", "another kind of machine"),
            (
                "unable to find user shop: no matching entries in passwd file",
                "--user NAME",
            ),
            ("No command specified", "ENTRYPOINT"),
            ("network shop_default not found", "docker network ls"),
        ] {
            let trouble = describe("start", message);
            assert!(trouble.what.contains(message), "{trouble:?}");
            assert!(
                trouble.hints.len() == 1 && trouble.hints[0].contains(hint),
                "{trouble:?}"
            );
        }
        assert_eq!(
            describe("create", "boom\x1b").what,
            "the engine could not create the container: boom\\x1b"
        );
    }
}
