//! The account of an import: lines, functions, and everything that the user should know.

use serde::{Deserialize, Serialize};

/// The account of a file that was read. All numbers are 0 for generated traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// The number of lines that were read, without the header.
    pub lines: u64,
    /// The number of lines that were used.
    pub kept: u64,
    /// The number of lines that could not be read and were skipped (`on-bad-line = "skip"`).
    pub skipped: u64,
    /// The first three skipped lines, each with its problem.
    pub examples: Vec<String>,
    /// The number of different functions.
    pub functions: u64,
    /// Notes for the user, such as a shift of the clock.
    pub notes: Vec<String>,
}

impl ImportReport {
    /// Returns the account as sentences.
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
