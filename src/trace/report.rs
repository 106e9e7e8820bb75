//! What an import saw, to be shown to whoever asked for it.

use serde::Serialize;

/// What was read from a file so far. All zero for generated traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Data lines read, the header not counted.
    pub lines: u64,
    /// Lines that were used.
    pub kept: u64,
    /// Lines that could not be read and were skipped (`on-bad-line = "skip"`).
    pub skipped: u64,
    /// The first three skipped lines and what was wrong with each.
    pub examples: Vec<String>,
    /// Distinct functions seen.
    pub functions: u64,
    /// Everything else worth knowing, such as a shift of the clock.
    pub notes: Vec<String>,
}

impl ImportReport {
    /// The report as sentences, one a line.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = Vec::new();
        if self.lines > 0 {
            all.push(format!(
                "read {} lines, used {}, functions: {}",
                self.lines, self.kept, self.functions
            ));
        }
        if self.skipped > 0 {
            all.push(format!(
                "skipped {} lines that could not be read; the first:",
                self.skipped
            ));
            all.extend(self.examples.iter().map(|e| format!("  {e}")));
        }
        all.extend(self.notes.iter().cloned());
        all
    }
}
