//! Traces that are built in, so that a scenario runs without a file at hand. They lie in `traces/`, whose README says
//! where each comes from.

use super::error::TraceError;

const PREFIX: &str = "embedded:";

/// A built-in trace.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its name after `embedded:`.
    pub name: &'static str,
    /// What it shows, in one line.
    pub about: &'static str,
    /// The file: requests per bin of time, for `[traffic.counts]`.
    pub bytes: &'static [u8],
}

/// All built-in traces.
pub const ALL: &[Embedded] = &[Embedded {
    name: "web-shop-week",
    about: "a synthetic week of a web shop, Monday to Sunday, requests per minute, with a flash sale on Friday",
    bytes: include_bytes!("../../traces/web-shop-week.csv"),
}];

/// The built-in trace that `path` names, if it names one.
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
            format!("there is {}", names.join(", ")),
        )
    })
}
