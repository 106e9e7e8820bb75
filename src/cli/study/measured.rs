//! The share of the measured profiles in the uncertainty: the study again, with profiles drawn anew from their own samples.

use super::{Draw, watch};
use crate::cli::Common;
use crate::cli::exit::Failure;
use crate::model::profile::Redraw;
use crate::scenario::Variant;
use crate::study::measurement::{FEWEST, USUAL};
use crate::study::{Options, Study};

/// Adds what the measurement leaves open to a study. `redrawn` gives its variants with profiles drawn anew; `draws` is how often,
/// the usual number where nobody says.
pub(super) fn add(
    study: &mut Study,
    draws: Option<u32>,
    redrawn: impl Fn(Draw<'_>) -> Result<Vec<Variant>, Failure>,
    common: &Common,
) -> Result<(), Failure> {
    let draws = draws.unwrap_or(USUAL);
    if draws == 0 {
        return Ok(());
    }
    if (draws as usize) < FEWEST {
        return Err(Failure::Input(anyhow::anyhow!(
            "--measurement-draws {draws} gives no interval: at least {FEWEST}, or 0 for none"
        )));
    }
    let options = Options {
        threads: common.threads.map(usize::from),
        ..Options::default()
    };
    let mut drawn = Vec::new();
    for number in 0..u64::from(draws) {
        let mut variants = redrawn(&|seed: u64| Redraw { seed, number })?;
        for variant in &mut variants {
            variant.replications = 1.into();
        }
        drawn.push(watch::watched(&variants, &options, common.quiet)?);
    }
    study.add_measurement(&drawn);
    Ok(())
}
