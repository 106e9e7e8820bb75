//! Built-in traces, so that a scenario runs without any file. They are in the folder `traces/`, whose README names the source
//! of each.

use super::error::TraceError;

const PREFIX: &str = "embedded:";

/// A built-in trace.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// The name after `embedded:`.
    pub name: &'static str,
    /// A description in one line.
    pub about: &'static str,
    /// The content of the file: requests per bin of time.
    pub bytes: &'static [u8],
}

/// All built-in traces.
pub const ALL: &[Embedded] = &[Embedded {
    name: "web-shop-week",
    about: "a synthetic week of a web shop, Monday to Sunday, requests per minute, with a flash sale on Friday",
    bytes: include_bytes!("../../traces/web-shop-week.csv"),
}];

/// Returns the built-in trace that `path` names; `None` if it names a file.
///
/// # Errors
/// The path begins with `embedded:`, but there is no such trace.
pub fn find(path: &str) -> Result<Option<&'static Embedded>, TraceError> {
    let Some(name) = path.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let found = ALL.iter().find(|e| e.name == name);
    found.map(Some).ok_or_else(|| {
        let names: Vec<String> = ALL.iter().map(|e| format!("{PREFIX}{}", e.name)).collect();
        TraceError::file(
            path,
            "there is no built-in trace of this name",
            format!("the built-in traces are: {}", names.join(", ")),
        )
    })
}
