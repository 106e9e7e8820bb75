//! The plateaus: loads at rising rates, one after the other, on one instance. They show memory and CPU by load.

use std::time::Duration;

use crate::measure::http::Request;
use crate::measure::load::offered;
use crate::measure::load::round3;
use crate::measure::usage::Usage;
use crate::measure::warm::pace::Long;
use crate::measure::warm::{Instance, rest};
use crate::model::profile::{MemoryReading, Plateau};

/// The rates as shares of the highest stable rate. The last one comes twice, so that growth under an equal load shows. It lies
/// a tenth below the highest stable rate: at that rate itself a little drift of the machine makes requests pile up, and then
/// the plateau shows a closed loop with all connections and no open one.
const SHARES: [f64; 4] = [0.1, 0.5, 0.9, 0.9];
/// The quantiles that are kept.
const QUANTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 1.0];

/// The results of the plateaus.
pub struct Seen {
    pub plateaus: Vec<Plateau>,
    /// The memory after a rest.
    pub after_rest: Option<MemoryReading>,
    pub notes: Vec<String>,
}

/// Takes the plateaus, and the memory after a rest. Replaces an instance that does not survive a plateau, and keeps the figures
/// until then.
pub fn run(instance: &mut Instance<'_>, request: &Request, stable_rate: f64, pace: Long) -> Seen {
    let mut seen = Seen {
        plateaus: Vec::new(),
        after_rest: None,
        notes: Vec::new(),
    };
    rest(instance.server.stop, pace.settle, instance.usage.as_ref());
    for (share, seed) in SHARES.iter().zip(0..) {
        let rate = round3(share * stable_rate);
        let plateau = plateau(instance, request, rate, pace.plateau, seed);
        let whole = plateau.errors == 0;
        seen.plateaus.push(plateau);
        if whole || instance.is_alive(request) {
            continue;
        }
        let replaced = instance.replace(request, pace.warming);
        let (Ok(why) | Err(why)) = replaced;
        seen.notes
            .push(format!("{why} at the plateau of {rate:.0} requests per second"));
        if replaced.is_err() {
            return seen;
        }
    }
    let usage = instance.usage.as_ref();
    rest(instance.server.stop, pace.afterwards, usage);
    seen.after_rest = usage.map(Usage::memory);
    seen
}

fn plateau(instance: &Instance<'_>, request: &Request, rate: f64, lasting: Duration, seed: u64) -> Plateau {
    let usage = instance.usage.as_ref();
    let mut anon_bytes = Vec::new();
    let seen = offered::offer(instance.server, usage, request, rate, lasting, seed, |seconds| {
        if seconds >= (anon_bytes.len() + 1) as f64 {
            anon_bytes.extend(usage.and_then(Usage::anon_bytes));
        }
    });
    let latencies = seen.latencies();
    Plateau {
        rate,
        seconds: round3(seen.seconds),
        completed: seen.completed,
        errors: seen.errors + seen.due.saturating_sub(seen.completed + seen.errors),
        late_share: round3(seen.late_share),
        cpu_s: seen.cpu.map(|cpu| round3(cpu.as_secs_f64())),
        latency_ms: QUANTILES
            .into_iter()
            .filter_map(|q| Some((q, round3(latencies.quantile(q)? as f64 / 1e6))))
            .collect(),
        anon_bytes,
        end: usage.map(Usage::memory).unwrap_or_default(),
    }
}
