//! Work in sizes: what a request costs by the number of units that it works on, on a busy server. All sizes of all kinds take
//! turns, so that they share the state of the machine and of the runtime.

use std::collections::BTreeMap;

use crate::measure::http::Request;
use crate::measure::load::{self, round3};
use crate::measure::warm::pace::InDepth;
use crate::measure::warm::routes::Kind;
use crate::measure::warm::{Instance, SATURATION_CLIENTS};
use crate::model::profile::{Settling, WorkSize};
use crate::stats::histogram::Histogram;

/// The quantiles of the latency that are kept.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// The work in sizes.
#[derive(Debug, Default)]
pub struct Work {
    /// The sizes by kind.
    pub kinds: BTreeMap<String, Vec<WorkSize>>,
    /// The way in which they settled; `None` without kinds.
    pub settling: Option<Settling>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
    /// The wrong answers and broken connections.
    pub errors: u32,
}

/// One size of one kind, with the answers of each round.
struct Item<'a> {
    kind: &'a str,
    units: u32,
    request: &'a Request,
    /// The correct answers and the latencies, round by round.
    rounds: Vec<(u32, Histogram)>,
    errors: u32,
}

/// Measures the kinds. A kind that is not answered with a status from 200 to 299 is left out, with a remark. Nothing is measured
/// without CPU times.
pub fn run(instance: &Instance<'_>, kinds: &[Kind], pace: InDepth, idle_cpu_ms_per_s: Option<f64>) -> Work {
    let mut work = Work::default();
    let Some(usage) = instance.usage.as_ref() else {
        return work;
    };
    let mut items: Vec<Item<'_>> = Vec::new();
    for kind in kinds {
        if let Some(problem) = problem(instance, kind) {
            work.notes
                .push(format!("work of the kind {} was not measured: {problem}", kind.name));
            continue;
        }
        items.extend(kind.sizes.iter().map(|(units, request)| Item {
            kind: &kind.name,
            units: *units,
            request,
            rounds: Vec::new(),
            errors: 0,
        }));
    }
    if items.is_empty() {
        return work;
    }
    let rounds = pace.work.rounds(items.len(), instance.server.stop, |item| {
        let item = &mut items[item];
        let seen = load::closed_loop(
            instance.server,
            Some(usage),
            item.request,
            SATURATION_CLIENTS,
            pace.batch,
            || {},
        );
        item.errors += seen.errors;
        let cpu_ms = seen.cpu_ms(idle_cpu_ms_per_s)?;
        item.rounds.push((seen.completed, seen.latencies));
        Some(cpu_ms)
    });
    let counted = rounds.settling.counted_from as usize;
    for (item, cpu_ms) in items.into_iter().zip(rounds.cpu_ms) {
        work.errors += item.errors;
        let mut latencies = Histogram::new();
        let mut requests = 0;
        // A round that failed has answers for some sizes only. Those are the first ones to be left out.
        let from = item.rounds.len().saturating_sub(cpu_ms.len() - counted);
        for (completed, seen) in &item.rounds[from..] {
            requests += u64::from(*completed);
            latencies.merge(seen);
        }
        let latency = |q: f64| Some((q, round3(latencies.quantile(q)? as f64 / 1e6)));
        work.kinds.entry(item.kind.to_string()).or_default().push(WorkSize {
            units: item.units,
            requests,
            errors: item.errors,
            unsettled_cpu_ms: cpu_ms[..counted].to_vec(),
            cpu_ms: cpu_ms[counted..].to_vec(),
            latency_ms: QUANTILES.into_iter().filter_map(latency).collect(),
        });
    }
    work.settling = Some(rounds.settling);
    work
}

/// The reason why a kind cannot be measured: the answer to its smallest or largest size is no success.
fn problem(instance: &Instance<'_>, kind: &Kind) -> Option<String> {
    let ends = [kind.sizes.first()?, kind.sizes.last()?];
    ends.into_iter().find_map(|(units, request)| {
        let answer = instance
            .server
            .connect()
            .and_then(|mut connection| instance.server.answer(&mut connection, request));
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(answer) => Some(format!("{units} units are answered with status {}", answer.status)),
            Err(error) => Some(format!("{units} units are not answered: {error}")),
        }
    })
}
