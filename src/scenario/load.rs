//! From a path, or nothing, and `--set` flags to a parsed scenario.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml_edit::DocumentMut;

use super::error::ScenarioError;
use super::file::Scenario;
use super::set;
use crate::model::catalog;
use crate::suggest;

/// A scenario and where it came from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The content of the file.
    pub scenario: Scenario,
    /// The file, or `the built-in scenario`.
    pub name: String,
    /// Folder where its relative paths start.
    pub base: PathBuf,
    /// SHA-256 of the text after the changes, in hexadecimal.
    pub sha256: String,
}

/// Reads a scenario (the built-in one without a path) and applies `--set` flags in order.
///
/// # Errors
/// A file that cannot be read, a flag that cannot be applied, or text that is not a scenario.
pub fn load(path: Option<&Path>, sets: &[String]) -> Result<Loaded, ScenarioError> {
    let (name, text, base) = match path {
        None => (
            "the built-in scenario".to_string(),
            catalog::DEFAULT_SCENARIO.to_string(),
            PathBuf::new(),
        ),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
                path: path.display().to_string(),
                source,
            })?;
            let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
            (path.display().to_string(), text, base)
        }
    };
    let text = if sets.is_empty() {
        text
    } else {
        let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| ScenarioError::Syntax {
            name: name.clone(),
            message: e.to_string(),
            nearest: None,
        })?;
        for given in sets {
            set::apply(&mut document, given)?;
        }
        document.to_string()
    };
    loaded(name, &text, base)
}

/// Reads a scenario from its text. Relative paths in it start at the current folder.
///
/// # Errors
/// Text that is not a scenario.
pub fn from_text(text: &str) -> Result<Loaded, ScenarioError> {
    loaded("the text".to_string(), text, PathBuf::new())
}

fn loaded(name: String, text: &str, base: PathBuf) -> Result<Loaded, ScenarioError> {
    Ok(Loaded {
        scenario: parse(&name, text)?,
        name,
        base,
        sha256: hex(&Sha256::digest(text.as_bytes())),
    })
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    toml::from_str(text).map_err(|error: toml::de::Error| ScenarioError::Syntax {
        name: name.to_string(),
        message: plain(error.to_string().trim_end()),
        nearest: nearest(error.message()),
    })
}

/// The message with the parser's names of types in words.
fn plain(message: &str) -> String {
    const WORDS: [(&str, &str); 4] = [
        ("expected f64", "expected a number without quotes, such as 0.5"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0 on"),
    ];
    let words = WORDS
        .iter()
        .find_map(|(name, words)| Some(message.strip_suffix(name)?.to_string() + words));
    words.unwrap_or_else(|| message.to_string())
}

/// The known name nearest to the unknown one in a message such as "unknown field `a`, expected one of `b`, `c`".
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let typed = message.starts_with("unknown").then(|| quoted.next())??;
    suggest::nearest(typed, quoted).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "schema = 1\nname = \"x\"\nframeworks = [\"theory\"]\n[traffic.poisson]\nrate = \"1/s\"\n\
                         [platform.fixed]\n";

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_nearest_name() {
        assert!(parse("s.toml", SMALL).is_ok());
        for (from, to, line, hint) in [
            ("name =", "nam =", "line 2", "name"),
            ("rate", "rat", "line 5", "rate"),
            ("[platform.fixed]", "[platform.fixd]", "line 6", "fixed"),
            (
                "[platform.fixed]",
                "[platform.fixed]\nreplica = 2",
                "line 7",
                "replicas",
            ),
        ] {
            let error = parse("s.toml", &SMALL.replace(from, to)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("s.toml") && text.contains(line), "{text}");
            assert_eq!(error.hints(), [format!("did you mean `{hint}`?")], "{text}");
        }
    }

    #[test]
    fn a_number_in_quotes_is_refused_in_words() {
        for (from, to, words) in [
            (
                "[platform.fixed]",
                "[platform.fixed]\nreplicas = \"2\"",
                "a whole number",
            ),
            (
                "[traffic",
                "traffic-factor = \"10%\"\n[traffic",
                "a number without quotes, such as 0.5",
            ),
        ] {
            let error = parse("s.toml", &SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_negative_rate_is_shown_with_its_line() {
        let error = parse("s.toml", &SMALL.replace("1/s", "-1/s")).unwrap_err().to_string();
        assert!(error.contains("line 5") && error.contains("negative"), "{error}");
    }
}
