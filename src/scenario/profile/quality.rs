//! The weak points of a measurement, told by every result that uses its profile.

use crate::assumption::{Assumption, Topic};
use crate::model::profile::{FrameworkProfile, MeasuredConfig};

/// The number of cold starts at a size below which p90 has no interval.
const FEW_STARTS: usize = 29;
/// The ratio of a block's reading to that of the quiet machine from which on the block is noisy.
const NOISY: f64 = 1.10;
/// The share of cold starts in noisy blocks above which the noise is told.
const MUCH_NOISE: f64 = 0.10;
/// The range in milliseconds of an answer that waits for a delayed acknowledgement. Linux delays one for at least 40 ms
/// (`TCP_DELACK_MIN`).
const DELAYED_MS: std::ops::Range<f64> = 39.0..50.0;
/// The share of answers in that range above which the wait is told.
const MANY_DELAYED: f64 = 0.25;

/// The assumptions that the measurement of a profile brings with it.
pub fn assumptions(profile: &FrameworkProfile) -> Vec<Assumption> {
    let name = &profile.name;
    let mut found = Vec::new();
    let fewest = profile
        .runs
        .iter()
        .map(|run| run.counted().count())
        .filter(|&starts| starts > 0)
        .min();
    let is_quick = profile.quick
        || profile
            .provenance
            .notes
            .iter()
            .any(|note| note.starts_with("quick run"));
    if is_quick {
        found.push(Topic::Profile.large(format!(
            "{name} was measured with --quick: few samples and short loads, which are not for decisions"
        )));
    }
    if let Some(starts) = fewest.filter(|&starts| starts < FEW_STARTS) {
        found.push(Topic::ColdStart.large(format!(
            "{name} has only {starts} measured cold starts at one of its sizes: rare slow starts are not among them (measure at least \
             {FEW_STARTS}: --samples)"
        ))
        .source("binomial interval of a quantile: 1 - 0.9^n reaches 95% at n = 29", "2026-11"));
    }
    let share = noisy_share(profile);
    // Earlier versions compared a block with the run itself and not with the quiet machine.
    if profile.schema >= 2 && share > MUCH_NOISE {
        found.push(Topic::Profile.large(format!(
            "{:.0} % of the cold starts of {name} were measured while other work ran on the machine",
            100.0 * share
        )));
    }
    if profile.cold_proven == Some(false) {
        found.push(Topic::ColdStart.small(format!(
            "nothing proves that the starts of {name} were cold: its answers do not name their process"
        )));
    }
    if delayed_share(&profile.runs) > MANY_DELAYED {
        found.push(Topic::Work.factor(format!(
            "many answers of {name} took 40 ms, as if they waited for the delayed acknowledgement of a client: a server that sends the \
             head and the body of an answer in two writes does; set TCP_NODELAY or write both at once, and measure again"
        ))
        .source("Linux, include/net/tcp.h, TCP_DELACK_MIN", "2026-11"));
    }
    found
}

/// The share of the counted cold starts that began in a noisy block.
fn noisy_share(profile: &FrameworkProfile) -> f64 {
    let counted = || profile.runs.iter().flat_map(MeasuredConfig::counted);
    let noisy = counted().filter(|sample| sample.spin_ratio > NOISY).count();
    noisy as f64 / counted().count().max(1) as f64
}

/// The share of answers on a warm instance that took as long as a delayed acknowledgement.
fn delayed_share(runs: &[MeasuredConfig]) -> f64 {
    let routes = || {
        runs.iter()
            .flat_map(|run| &run.warm)
            .flat_map(|warm| warm.routes.values())
    };
    let times = || routes().flat_map(|route| &route.service_time_ms);
    times().filter(|time| DELAYED_MS.contains(time)).count() as f64 / times().count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{catalog, profile};

    fn texts(change: impl FnOnce(&mut FrameworkProfile)) -> String {
        let mut profile = profile::parse(catalog::profile("gin").unwrap()).unwrap();
        profile.name = "shop".into();
        profile.cold_proven = Some(true);
        change(&mut profile);
        assumptions(&profile)
            .iter()
            .map(|assumption| format!("{}\n", assumption.text))
            .collect()
    }

    #[test]
    fn a_thorough_measurement_has_nothing_to_tell() {
        assert_eq!(texts(|_| {}), "");
    }

    #[test]
    fn each_weak_point_is_told() {
        let quick = texts(|profile| {
            profile.quick = true;
            profile.runs[0].cold.truncate(5);
        });
        assert!(
            quick.contains("shop was measured with --quick") && quick.contains("only 5 measured cold starts"),
            "{quick}"
        );
        let old = texts(|profile| profile.provenance.notes.push("quick run: few samples".into()));
        assert!(old.contains("--quick"), "{old}");
        let noisy = |schema| {
            texts(move |profile| {
                profile.schema = schema;
                let samples = profile.runs.iter_mut().flat_map(|run| &mut run.cold);
                samples.step_by(4).for_each(|sample| sample.spin_ratio = 1.5);
            })
        };
        assert!(noisy(2).contains("25 % of the cold starts of shop"), "{}", noisy(2));
        assert_eq!(noisy(1), "", "the readings of that time do not tell");
        let unproven = texts(|profile| profile.cold_proven = Some(false));
        assert!(unproven.contains("nothing proves"), "{unproven}");
        let delayed = texts(|profile| {
            let warm = profile.runs.iter_mut().filter_map(|run| run.warm.as_mut());
            let routes = warm.flat_map(|warm| warm.routes.values_mut());
            routes.for_each(|route| route.service_time_ms.iter_mut().for_each(|time| *time += 40.5));
        });
        assert!(delayed.contains("delayed acknowledgement"), "{delayed}");
    }
}
