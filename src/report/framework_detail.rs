//! `catalog frameworks NAME`: all measured figures of one framework, with intervals.

use std::fmt::Write;

use super::frameworks::Entry;
use super::table::{Style, draw};
use super::{framework_functions, framework_in_depth};
use crate::model::code_warm_up;
use crate::model::concurrency;
use crate::model::framework::ConcurrencyModel;
use crate::model::profile::{CLIENT_TOO_SLOW, FrameworkProfile, MeasuredConfig, Plateau, WarmRun};
use crate::stats::change_points::Shape;
use crate::stats::{bootstrap, order, outliers, regression};

/// The seed of the resampling: the same profile gives the same intervals.
const SEED: u64 = 1;

/// The tables and sentences about one profile.
pub fn detail(entry: &Entry, style: Style) -> String {
    let framework = &entry.framework;
    let Some(profile) = &entry.profile else {
        return format!(
            "{} {} on {}: not measured yet. Measure it: coldcast measure docker {} --out measured\n",
            framework.title, framework.version, framework.runtime, framework.name
        );
    };
    let heading = format!("{} {} on {}", framework.title, framework.version, framework.runtime);
    figures(&heading, profile, Some(framework.concurrency.model), style)
}

/// The same about a profile that is not built in, such as that of an image of the user.
pub fn of_profile(profile: &FrameworkProfile, style: Style) -> String {
    let mut heading = profile.name.clone();
    for known in profile.framework_version.iter().map(|version| format!(" {version}")) {
        heading += &known;
    }
    for known in profile.runtime.iter().map(|runtime| format!(" on {runtime}")) {
        heading += &known;
    }
    figures(&heading, profile, None, style)
}

fn figures(heading: &str, profile: &FrameworkProfile, declared: Option<ConcurrencyModel>, style: Style) -> String {
    let cores = profile.provenance.host_cores;
    let mut text = format!(
        "{heading}, measured {} with {} on {}{}\n",
        profile.measured_on(),
        profile.provenance.backend,
        profile.provenance.host_cpu,
        cores.map_or_else(String::new, |cores| format!(", {cores} cores")),
    );
    text.push_str(&how(profile));
    text.push('\n');
    if !profile.functions.is_empty() {
        text.push_str(&framework_functions::table(profile, style));
    }
    if profile.runs.is_empty() {
        return text;
    }
    text.push_str(&cold_starts(&profile.runs, style));
    text.push_str(&sizes_without_a_start(&profile.runs));
    text.push('\n');
    text.push_str(&warm(&profile.runs, style));
    for run in &profile.runs {
        let Some(warm) = &run.warm else { continue };
        let label = format!("{} vCPU, {}", run.cpu.as_vcpu(), run.memory);
        let mut lines = vec![warm_up(warm)];
        if let Some(found) = concurrency::detect(warm) {
            let fits = declared.map_or_else(String::new, |declared| {
                let fits = if found.fits(declared, run.cpu.as_vcpu()) {
                    "fits"
                } else {
                    "differs from"
                };
                format!("; {fits} the declared {}", declared.name())
            });
            lines.push(format!("concurrency: {}{fits}", found.label()));
        }
        lines.extend(stable(warm));
        lines.extend(cpu_by_load(&warm.plateaus));
        lines.extend(memory_by_load(&warm.plateaus));
        lines.extend(framework_in_depth::lines(run));
        let _ = write!(text, "\n{label}\n");
        lines.iter().filter(|line| !line.is_empty()).for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    text
}

/// Sentences about the check of the contract, and about the cost of the probe.
fn how(profile: &FrameworkProfile) -> String {
    let mut text = String::new();
    if let Some(check) = &profile.contract {
        let _ = writeln!(
            text,
            "HTTP contract: {} requests over {} routes answered correctly on {} (`{}`)",
            check.requests, check.routes, check.at, check.command
        );
    }
    if let Some(share) = profile.provenance.prober_cpu_share {
        let _ = writeln!(
            text,
            "the probe used {:.1} % of a core during cold starts",
            100.0 * share
        );
    }
    text
}

/// The limits at which no start gave a sample, with the last reason. This is a result as well.
fn sizes_without_a_start(runs: &[MeasuredConfig]) -> String {
    let without = runs.iter().filter(|run| run.cold.is_empty());
    let lines = without.filter_map(|run| {
        let reason = &run.failures.last()?.reason;
        Some(format!(
            "no start at {} vCPU, {}: {reason}\n",
            run.cpu.as_vcpu(),
            run.memory
        ))
    });
    lines.collect()
}

/// The cold starts by configuration. A quantile is blank if there are too few samples for its interval.
fn cold_starts(runs: &[MeasuredConfig], style: Style) -> String {
    let header = [
        "cold start, ms",
        "memory",
        "mode",
        "n",
        "p50",
        "p90",
        "p95",
        "p99",
        "max",
        "outliers",
        "failed",
    ];
    let rows = runs.iter().map(|run| {
        let totals: Vec<(u32, f64)> = run.counted().map(|sample| (sample.block, sample.total_ms)).collect();
        let sorted = order::sorted(totals.iter().map(|total| total.1));
        let quantile = |q: f64| match (order::quantile(&sorted, q), order::interval(&sorted, q)) {
            (Some(value), Some((low, high))) => format!("{value:.0} [{low:.0}, {high:.0}]"),
            _ => String::new(),
        };
        let median = match (order::median(&sorted), bootstrap::median_interval(&totals, SEED)) {
            (Some(median), Some((low, high))) => format!("{median:.0} [{low:.0}, {high:.0}]"),
            (Some(median), None) => format!("{median:.0}"),
            _ => String::new(),
        };
        vec![
            format!("{} vCPU", run.cpu.as_vcpu()),
            run.memory.to_string(),
            format!("{}, {}", run.cold_mode.name(), run.cpu_mode.name()),
            sorted.len().to_string(),
            median,
            quantile(0.90),
            quantile(0.95),
            quantile(0.99),
            sorted.last().map(|max| format!("{max:.0}")).unwrap_or_default(),
            outliers::positions(&sorted).len().to_string(),
            run.failures.len().to_string(),
        ]
    });
    draw(style, &header, rows.collect(), 3)
}

fn warm(runs: &[MeasuredConfig], style: Style) -> String {
    let header = [
        "warm instance",
        "memory",
        "idle, MiB",
        "PSS, MiB",
        "working set, MiB",
        "processes",
        "threads",
        "CPU /json, ms",
        "CPU /items, ms",
        "alone /items, ms",
        "service /json, ms",
    ];
    let mib = |bytes: Option<u64>| {
        bytes
            .map(|bytes| format!("{:.1}", bytes as f64 / 1_048_576.0))
            .unwrap_or_default()
    };
    let rows = runs.iter().filter_map(|run| {
        let warm = run.warm.as_ref()?;
        let mean = |batches: &[f64]| {
            let mean = batches.iter().sum::<f64>() / batches.len() as f64;
            (!batches.is_empty()).then(|| format!("{mean:.3}"))
        };
        let cpu = |route: &str| mean(warm.routes.get(route)?.cpu_per_request());
        let alone = warm.routes.get("items").and_then(|route| mean(&route.cpu_ms));
        let service = warm.routes.get("json").and_then(|route| {
            let sorted = order::sorted(route.service_time_ms.iter().map(|ms| ms - warm.round_trip_ms));
            order::median(&sorted).map(|ms| format!("{ms:.3}"))
        });
        let count = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        Some(vec![
            format!("{} vCPU", run.cpu.as_vcpu()),
            run.memory.to_string(),
            mib(warm.idle.anon_bytes),
            mib(warm.idle.pss_bytes),
            mib(warm.idle.working_set_bytes),
            count(warm.processes),
            count(warm.threads),
            cpu("json").unwrap_or_default(),
            cpu("items").unwrap_or_default(),
            alone.unwrap_or_default(),
            service.unwrap_or_default(),
        ])
    });
    draw(style, &header, rows.collect(), 2)
}

fn warm_up(warm: &WarmRun) -> String {
    let Some(found) = code_warm_up::detect(warm) else {
        return String::new();
    };
    let settling = &found.settling;
    let steady = format!("steady median {:.3} ms", settling.steady);
    match settling.shape {
        Shape::Flat => format!("warm-up: flat from the second request on, {steady}"),
        Shape::NoSteadyState if found.warms() => format!(
            "warm-up: no steady state within {} requests; gets faster, {:.0} ms in all above the mean of the last quarter",
            found.requests,
            found.total_ms()
        ),
        Shape::NoSteadyState => format!("warm-up: no steady state within {} requests", found.requests),
        Shape::Warms | Shape::Slows => format!(
            "warm-up: {} until request {} ({:.1} s at {}/s), {steady}; {:.0} ms in all above that",
            if settling.shape == Shape::Warms {
                "gets faster"
            } else {
                "gets slower"
            },
            settling.until_steady(),
            settling.until_steady() as f64 / warm.warm_up_rate,
            warm.warm_up_rate,
            settling.excess,
        ),
    }
}

fn stable(warm: &WarmRun) -> Option<String> {
    let stable = warm.stable_rate.as_ref()?;
    let late = stable
        .trials
        .iter()
        .any(|trial| trial.broken.starts_with(CLIENT_TOO_SLOW));
    Some(match (stable.rate, stable.in_flight) {
        (Some(rate), Some(inside)) => format!(
            "highest stable rate: {}{rate:.2}/s with {inside:.2} requests in the system, {} trials",
            if late { "at least " } else { "" },
            stable.trials.len()
        ),
        _ => format!("highest stable rate: none found in {} trials", stable.trials.len()),
    })
}

/// The CPU per request by regression of CPU time on requests over the plateaus. The intercept is the CPU without requests.
fn cpu_by_load(plateaus: &[Plateau]) -> Option<String> {
    // Both are divided by the length of the plateau: CPU share on rate.
    let points: Vec<(f64, f64)> = plateaus
        .iter()
        .filter_map(|plateau| {
            Some((
                plateau.completed as f64 / plateau.seconds,
                plateau.cpu_s? / plateau.seconds,
            ))
        })
        .collect();
    let line = regression::line(&points)?;
    let (low, high) = line.slope_interval()?;
    Some(format!(
        "CPU by regression over {} plateaus: {:.4} [{:.4}, {:.4}] ms per request of /json, {:.2} ms per second without requests",
        points.len(),
        1e3 * line.slope,
        1e3 * low,
        1e3 * high,
        1e3 * line.intercept
    ))
}

/// The anonymous memory over the last two thirds of each plateau. Growth is reported only for the second plateau at equal load.
fn memory_by_load(plateaus: &[Plateau]) -> Vec<String> {
    let mib = 1_048_576.0;
    let mut lines = Vec::new();
    let mut before: Option<f64> = None;
    for plateau in plateaus {
        let skip = plateau.anon_bytes.len() / 3;
        let points: Vec<(f64, f64)> = plateau
            .anon_bytes
            .iter()
            .enumerate()
            .skip(skip)
            .map(|(second, bytes)| (second as f64, *bytes as f64))
            .collect();
        let level = order::median(&order::sorted(points.iter().map(|point| point.1)));
        let (Some(level), Some(line)) = (level, regression::line(&points)) else {
            continue;
        };
        let again = before == Some(plateau.rate);
        let slope = line.slope_interval().map_or(String::new(), |(low, high)| {
            format!(
                ", {:+.3} [{:+.3}, {:+.3}] MiB per minute",
                60.0 * line.slope / mib,
                60.0 * low / mib,
                60.0 * high / mib
            )
        });
        let verdict = if again && line.rises() {
            "; still grows at this load"
        } else {
            ""
        };
        let p99 = plateau.latency_ms.iter().find(|pair| pair.0 == 0.99);
        let p99 = p99.map_or(String::new(), |pair| format!(", p99 {:.2} ms", pair.1));
        lines.push(format!(
            "at {:.1}/s{}: {:.1} MiB{slope}{verdict}{p99}",
            plateau.rate,
            if again { " again" } else { "" },
            level / mib
        ));
        before = Some(plateau.rate);
    }
    lines
}
