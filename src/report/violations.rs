//! `violations.csv`: why the latency promise was broken. And the same as a sentence for each variant.

use super::Report;
use super::column::{Cell, Column, ColumnDoc, column, csv, docs};
use super::manifest::Manifest;
use crate::study::row::ALL;
use crate::study::violation_row::ViolationRow;
use crate::study::{Study, VariantResult};

/// The causes that a sentence names.
const NAMED: usize = 2;

/// `violations.csv`.
#[derive(Debug)]
pub struct Violations;

/// A cause with its variant.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The name of the variant.
    pub variant: &'a str,
    /// The cause.
    pub row: &'a ViolationRow,
}

/// The columns in the order of the file.
pub fn columns<'a>() -> [Column<Line<'a>>; 9] {
    [
        column("variant", "", "The name of the variant.", |of| Cell::text(of.variant)),
        column("service", "", "The name of the service, or `all`.", |of| {
            Cell::text(&of.row.service)
        }),
        column(
            "cause",
            "",
            "The cause: the class of time without which the request would have been in time (of several the one that took longest), \
             `combined` if only several together would do, `intrinsic` if the work itself takes longer than the promise; for a request \
             without an answer the reason of its end.",
            |of| Cell::text(&of.row.cause),
        ),
        column(
            "violations",
            "requests",
            "The violations of this cause, in the mean over replications. The rows of a variant and service add up to its \
             `slo_violations`.",
            |of| Cell::decimal(of.row.violations),
        ),
        column(
            "share",
            "share",
            "Their share of the violations of the service.",
            |of| Cell::number(of.row.share),
        ),
        column(
            "low",
            "share",
            "The lower end of the 95% interval of the share.",
            |of| Cell::maybe(of.row.interval, |(low, _)| Cell::number(low)),
        ),
        column("high", "share", "The upper end of it.", |of| {
            Cell::maybe(of.row.interval, |(_, high)| Cell::number(high))
        }),
        column(
            "pivotal",
            "requests",
            "The violations that would be gone without this class alone; one violation can count for several. Requests that queued behind \
             others are not among them.",
            |of| Cell::maybe(of.row.pivotal, Cell::decimal),
        ),
        column(
            "excess_ms_p50",
            "ms",
            "The median of the time that the cause took; empty for requests without an answer.",
            |of| Cell::maybe(of.row.excess_ms_p50, Cell::number),
        ),
    ]
}

impl Report for Violations {
    fn name(&self) -> &str {
        "violations.csv"
    }

    fn doc(&self) -> &str {
        "Why requests violated the SLO, by cause. [Causes of violations](../background/violations.md) says what each means."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs(&columns())
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let lines = study.variants.iter().flat_map(|variant| {
            let name = variant.name();
            variant.violations.iter().map(move |row| Line { variant: name, row })
        });
        Some(csv(&columns(), lines))
    }
}

/// The words for what the requests of a cause did, after "of requests".
fn did(cause: &str) -> &str {
    match cause {
        "pending-node" => "waited for a node",
        "pull" => "waited for an image",
        "boot" => "waited for a new environment",
        "init" => "waited for a start",
        "first-request" => "were the first of their instance",
        "warm-up" => "met an instance that was not warm yet",
        "queue" => "waited for a free instance",
        "throttle" => "were held back by a limit",
        "backoff" => "waited between attempts",
        "lost-attempt" => "lost an attempt",
        "quota" => "were slowed by the CPU limit",
        "contention" => "shared the CPU with others",
        "combined" => "had several of these causes",
        "intrinsic" => "take longer than the promise by their own work",
        "timed-out" => "exceeded a timeout",
        "failed" => "were lost with their instance",
        _ => "were turned away",
    }
}

/// One sentence for each variant that has violations.
pub fn sentences(study: &Study) -> String {
    let lines = study.variants.iter().filter_map(sentence);
    lines.map(|line| line + "\n").collect()
}

fn sentence(variant: &VariantResult) -> Option<String> {
    let all = variant.all();
    let rows = || {
        variant
            .violations
            .iter()
            .filter(|row| row.service == ALL && row.of_requests > 0.0)
    };
    let parts = rows().take(NAMED).map(|row| {
        let each = row.excess_ms_p50.filter(|_| row.cause != "intrinsic").map(time);
        let each = each.map_or(String::new(), |time| format!(" ({time} each)"));
        format!("{} of requests {}{each}", percent(row.of_requests), did(&row.cause))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        return None;
    }
    let verb = match all.slo_met {
        Some(true) => "kept its promise",
        Some(false) => "missed",
        None => "had violations",
    };
    let total: f64 = rows().map(|row| row.of_requests).sum();
    let named: f64 = rows().take(NAMED).map(|row| row.of_requests).sum();
    let others = match rows().count() > NAMED {
        true => format!(", {} violated for other reasons", percent(total - named)),
        false => String::new(),
    };
    let limit = all
        .slo_latency_ms
        .map_or_else(|| "the promise of its service".to_string(), time);
    Some(format!(
        "{} {verb}: {}{others}; the rest was within {limit}.",
        variant.name(),
        parts.join(", ")
    ))
}

/// A share with two significant digits.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = (1.0 - percent.max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{percent:.decimals$}%")
}

/// A time with two significant digits.
fn time(ms: f64) -> String {
    match ms {
        ms if ms >= 10_000.0 => format!("{:.0} s", ms / 1e3),
        ms if ms >= 1_000.0 => format!("{:.1} s", ms / 1e3),
        ms if ms >= 10.0 => format!("{ms:.0} ms"),
        ms => format!("{ms:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_times_have_the_digits_that_count() {
        assert_eq!(
            [0.0031, 0.25, 1.0, 0.000_012].map(percent),
            ["0.31%", "25%", "100%", "0.0012%"]
        );
        assert_eq!(
            [5_912.0, 61_000.0, 300.0, 4.21].map(time),
            ["5.9 s", "61 s", "300 ms", "4.2 ms"]
        );
    }

    #[test]
    fn every_cause_has_its_words() {
        use crate::sim::late::Class;
        for class in Class::ALL.into_iter().filter(|class| class.is_avoidable()) {
            assert_ne!(did(class.name()), did("max-instances"), "{}", class.name());
        }
    }
}
