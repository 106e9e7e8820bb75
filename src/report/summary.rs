//! `summary.csv`: one row per variant, and per service where there are several.

use super::Report;
use super::cells;
use super::column::{Cell, Column, ColumnDoc, column};
use super::manifest::Manifest;
use crate::study::row::{Number, Value};
use crate::study::{Metric, Row, Study};

/// `summary.csv`.
#[derive(Debug)]
pub struct Summary;

/// A column of the file.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A column that is the same in every replication.
    Fixed(Column<Row>),
    /// A metric; the ends of its interval stand at the end of the row.
    Varies(Metric),
}
use Place::{Fixed, Varies};

const fn fixed(name: &'static str, unit: &'static str, doc: &'static str, cell: fn(&Row) -> Cell) -> Place {
    Fixed(column(name, unit, doc, cell))
}

/// The columns in the order of the file.
pub const COLUMNS: [Place; 56] = [
    fixed("scenario", "", "The name of the scenario.", |row| {
        Cell::text(&row.scenario)
    }),
    fixed("variant", "", "The name of the variant.", |row| {
        Cell::text(&row.variant)
    }),
    fixed(
        "service",
        "",
        "The name of the service, or `all` for all services together.",
        |row| Cell::text(&row.service),
    ),
    fixed(
        "framework",
        "",
        "The framework, or the frameworks joined by `+`.",
        |row| Cell::text(&row.framework),
    ),
    fixed("platform", "", "The platform.", |row| Cell::text(&row.platform)),
    fixed("replications", "", "The number of replications.", |row| {
        Cell::count(row.replications)
    }),
    fixed("seed", "", "The seed of the random numbers.", |row| {
        Cell::count(row.seed)
    }),
    fixed(
        "horizon_s",
        "s",
        "The end of the counted time, from the start of the run.",
        |row| Cell::number(row.horizon_s),
    ),
    Varies(Metric::Requests),
    Varies(Metric::Completed),
    Varies(Metric::Rejected),
    Varies(Metric::TimedOut),
    Varies(Metric::Failed),
    Varies(Metric::ColdStarts),
    Varies(Metric::FirstUses),
    Varies(Metric::Retries),
    Varies(Metric::ColdStartRatio),
    Varies(Metric::LatencyMean),
    Varies(Metric::LatencyP50),
    Varies(Metric::LatencyP90),
    Varies(Metric::LatencyP95),
    Varies(Metric::LatencyP99),
    Varies(Metric::LatencyP999),
    Varies(Metric::LatencyMax),
    fixed(
        "slo_latency_ms",
        "ms",
        "The latency that the SLO promises; empty where services have different ones.",
        |row| Cell::maybe(row.slo_latency_ms, Cell::number),
    ),
    fixed(
        "slo_objective",
        "share",
        "The share of requests that must keep the latency.",
        |row| Cell::maybe(row.slo_objective, Cell::number),
    ),
    Varies(Metric::SloViolations),
    Varies(Metric::SloViolationRatio),
    fixed(
        "slo_met",
        "",
        "True if the share of violations keeps the objective; empty where the interval of simulation and measurement together holds it.",
        |row| Cell::maybe(row.slo_met, Cell::Flag),
    ),
    Varies(Metric::InstancesMean),
    Varies(Metric::InstancesPeak),
    Varies(Metric::BusyMean),
    Varies(Metric::IdleMean),
    Varies(Metric::InstanceLifespanMean),
    Varies(Metric::InstancesCreated),
    Varies(Metric::NodesMean),
    Varies(Metric::NodesPeak),
    Varies(Metric::CpuUtilisationMean),
    Varies(Metric::MonthlyCost),
    Varies(Metric::RequestsPerMonth),
    Varies(Metric::CostPerMillion),
    Varies(Metric::CostPerMillionGood),
    Varies(Metric::MarginalCostPerMillion),
    Varies(Metric::ColdStartCost),
    Varies(Metric::IdleCost),
    Varies(Metric::CommitmentCost),
    Varies(Metric::UnusedCommitmentCost),
    fixed(
        "monthly_cost_p05_usd",
        "USD",
        "The 5th percentile of the monthly bill over the replications.",
        |row| Cell::maybe(row.cost_percentiles, |of| Cell::number(of[0])),
    ),
    fixed(
        "monthly_cost_p50_usd",
        "USD",
        "The median of the monthly bill over the replications.",
        |row| Cell::maybe(row.cost_percentiles, |of| Cell::number(of[1])),
    ),
    fixed(
        "monthly_cost_p95_usd",
        "USD",
        "The 95th percentile of the monthly bill over the replications.",
        |row| Cell::maybe(row.cost_percentiles, |of| Cell::number(of[2])),
    ),
    fixed(
        "budget_usd",
        "USD",
        "The budget of a month that the scenario gives.",
        |row| {
            // As the scenario writes it.
            Cell::maybe(row.budget, |(budget, _)| Cell::Number(budget.to_string()))
        },
    ),
    fixed(
        "budget_overrun_probability",
        "share",
        "The share of replications whose bill is above the budget.",
        |row| Cell::maybe(row.budget, |(_, share)| Cell::number(share)),
    ),
    fixed("price_list", "", "The price list.", |row| {
        Cell::maybe(row.price_list.as_ref(), Cell::text)
    }),
    fixed("price_date", "", "The day from which the prices hold.", |row| {
        Cell::maybe(row.price_date.as_ref(), Cell::text)
    }),
    fixed("profile_source", "", "Where the profiles come from.", |row| {
        Cell::text(&row.profile_source)
    }),
    fixed(
        "rejected_reasons",
        "requests",
        "The rejected requests by reason, summed over the replications.",
        |row| {
            let reasons = row.rejected_by_reason.iter();
            let reasons: Vec<String> = reasons.map(|(reason, count)| format!("{reason}={count}")).collect();
            Cell::text(reasons.join(";"))
        },
    ),
];

/// The accounts of the columns.
pub fn docs() -> Vec<ColumnDoc> {
    let docs = COLUMNS.iter().map(|place| match place {
        Fixed(column) => ColumnDoc {
            name: column.name,
            unit: column.unit,
            doc: column.doc,
            has_interval: false,
        },
        Varies(metric) => ColumnDoc {
            name: metric.name(),
            unit: metric.unit(),
            doc: metric.doc(),
            has_interval: true,
        },
    });
    docs.collect()
}

/// The header: all columns, then the ends of the intervals of simulation, then those that the measured profiles leave open.
pub fn header() -> Vec<String> {
    let names = COLUMNS.iter().map(|place| match place {
        Fixed(column) => column.name.to_string(),
        Varies(metric) => metric.name().to_string(),
    });
    let ends = varying().flat_map(|metric| ["low", "high"].map(|end| format!("{}_{end}", metric.name())));
    let measured = varying().flat_map(|metric| ["low", "high"].map(|end| format!("{}_meas_{end}", metric.name())));
    names.chain(ends).chain(measured).collect()
}

fn varying() -> impl Iterator<Item = Metric> {
    COLUMNS.into_iter().filter_map(|place| match place {
        Fixed(_) => None,
        Varies(metric) => Some(metric),
    })
}

/// The cells of a row, in the order of [`header`].
pub fn cells(row: &Row) -> Vec<Cell> {
    let places = COLUMNS.iter().map(|place| match place {
        Fixed(column) => (column.cell)(row),
        Varies(metric) => Cell::maybe(row.values.get(metric), mean),
    });
    let ends = varying().flat_map(|metric| {
        let interval = row.interval(metric);
        [interval.map(|(low, _)| low), interval.map(|(_, high)| high)].map(|end| Cell::maybe(end, Cell::number))
    });
    let measured = varying().flat_map(|metric| {
        let interval = row.values.get(&metric).and_then(|value| value.measurement);
        [interval.map(|(low, _)| low), interval.map(|(_, high)| high)].map(|end| Cell::maybe(end, Cell::number))
    });
    places.chain(ends).chain(measured).collect()
}

fn mean(value: &Value) -> Cell {
    match value.mean {
        Number::Exact(decimal) => Cell::decimal(decimal),
        Number::Float(float) => Cell::number(float),
    }
}

impl Report for Summary {
    fn name(&self) -> &str {
        "summary.csv"
    }

    fn doc(&self) -> &str {
        "One row per variant, and per service where there are several. Metrics are means over the replications."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        docs()
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        Some(csv(study))
    }
}

/// The file.
pub fn csv(study: &Study) -> Vec<u8> {
    let header = header();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = study
        .rows()
        .map(|row| cells(row).into_iter().map(Cell::plain).collect());
    cells::csv(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_one_column_in_the_order_of_the_table() {
        assert_eq!(varying().collect::<Vec<_>>(), Metric::ALL);
    }

    #[test]
    fn every_column_has_a_name_of_its_own_and_a_sentence() {
        let header = header();
        let names: std::collections::BTreeSet<&String> = header.iter().collect();
        assert_eq!(names.len(), header.len());
        for column in docs() {
            assert!(column.doc.ends_with('.'), "{column:?}");
        }
    }
}
