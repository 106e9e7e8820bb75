//! Results that `simulate` and `compare` wrote, read again.

use std::fs::File;
use std::path::Path;

use anyhow::anyhow;

use super::exit::Failure;
use crate::cost::hours;
use crate::cost::stored::{self, Stored};

/// What the variants in a folder used; by the hour, where that is asked for.
///
/// # Errors
/// A file is missing, or does not fit.
pub fn read(folder: &Path, by_hour: bool) -> Result<Vec<Stored>, Failure> {
    let open = |name: &str, what: &str| {
        let path = folder.join(name);
        let shown = path.display().to_string();
        let file = File::open(&path).map_err(|error| {
            let text = format!("cannot read {shown}: {what}");
            Failure::input(anyhow::Error::new(error).context(text))
        });
        file.map(|file| (shown, file))
    };
    let problem = |problem: String| Failure::Input(anyhow!(problem));
    let (name, file) = open(
        "meters.csv",
        "`simulate` and `compare` write it with --out where the scenario has prices",
    )?;
    let mut stored = stored::read(&name, file).map_err(problem)?;
    if by_hour {
        let (name, file) = open("hours.csv", "commitments are drawn on by the hour")?;
        hours::read(&name, file, &mut stored).map_err(problem)?;
    }
    Ok(stored)
}
