//! The part of a long warm run with open loops: the search for the highest stable rate, then the plateaus.

use super::pace::Long;
use super::parallel::Parallel;
use super::{Instance, KILLED, plateaus, stable};
use crate::measure::http::Request;
use crate::model::profile::{CLIENT_TOO_SLOW, MemoryReading, Plateau, StableRate, Trial};

/// The results of the open loops.
#[derive(Debug, Default)]
pub struct Rising {
    /// The search for the highest stable rate.
    pub stable_rate: Option<StableRate>,
    /// The plateaus; none without a stable rate.
    pub plateaus: Vec<Plateau>,
    /// The memory after a rest.
    pub after_rest: Option<MemoryReading>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
}

/// Searches around the closed-loop `throughput` per second, and loads the instance at shares of the rate that it finds.
pub fn run(instance: &mut Instance<'_>, request: &Request, throughput: f64, parallel: &Parallel, pace: Long) -> Rising {
    let cores = parallel.cores(instance.vcpu);
    let found = stable::search(instance, request, throughput, cores, pace);
    let mut rising = Rising {
        notes: killed(&found.trials).into_iter().collect(),
        ..Rising::default()
    };
    if let Some(rate) = found.rate {
        let seen = plateaus::run(instance, request, rate, pace);
        (rising.plateaus, rising.after_rest) = (seen.plateaus, seen.after_rest);
        rising.notes.extend(seen.notes);
    } else {
        rising
            .notes
            .push("no stable rate was found, so there are no plateaus".into());
    }
    let too_slow = |trial: &Trial| trial.broken.starts_with(CLIENT_TOO_SLOW);
    if found.trials.iter().any(too_slow) {
        rising.notes.push(
            "the load generator, which shares the machine's cores, was too slow for the fastest trials: the highest stable rate is a lower bound"
                .into(),
        );
    }
    rising.stable_rate = Some(found);
    rising
}

/// A remark about the trials in which the instance was killed for its memory; `None` if there are none.
fn killed(trials: &[Trial]) -> Option<String> {
    let killed = trials.iter().filter(|trial| trial.broken.starts_with(KILLED));
    let rates: Vec<f64> = killed.map(|trial| trial.rate).collect();
    let lowest = rates.iter().copied().reduce(f64::min)?;
    Some(format!(
        "{KILLED} in {} of {} trials of the search for the highest stable rate, at {lowest:.0} requests per second and \
         more; another instance took its place each time",
        rates.len(),
        trials.len()
    ))
}
