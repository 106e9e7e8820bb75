//! Environment variables for a user's own image. A value can be a secret, so no profile, message or debug output shows it.

use std::fmt;

/// An environment variable with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVar {
    name: String,
    value: String,
}

impl EnvVar {
    /// Reads `NAME=VALUE`, or `NAME` for the value that this variable has in the environment of coldcast.
    ///
    /// # Errors
    /// The reason in words; the text itself may be a secret and is not repeated.
    pub fn read(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(
                "--env: write NAME=VALUE, or NAME to pass a variable on; a name has letters, digits and _".into(),
            );
        }
        let value = value.map_or_else(|| std::env::var(name), Ok);
        let value =
            value.map_err(|_| format!("--env {name}: there is no such variable to pass on; write {name}=VALUE"))?;
        Ok(Self {
            name: name.to_string(),
            value,
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `NAME=VALUE`, for the engine only.
    pub fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }
}

impl fmt::Debug for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvVar({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_passed_on_and_never_shown() {
        let pair = |text: &str| EnvVar::read(text).unwrap().pair();
        assert_eq!(pair("URL=postgres://u:p@h/db?a=b"), "URL=postgres://u:p@h/db?a=b");
        assert_eq!(pair("EMPTY="), "EMPTY=");
        assert_eq!(pair("CARGO_PKG_NAME"), "CARGO_PKG_NAME=coldcast");
        let missing = EnvVar::read("COLDCAST_NO_SUCH_VARIABLE").unwrap_err();
        assert!(missing.contains("COLDCAST_NO_SUCH_VARIABLE=VALUE"), "{missing}");
        for text in ["=secret", "my secret=x", ""] {
            assert!(!EnvVar::read(text).unwrap_err().contains("secret"));
        }
        assert_eq!(format!("{:?}", EnvVar::read("TOKEN=secret").unwrap()), "EnvVar(TOKEN)");
    }
}
