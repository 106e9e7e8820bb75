//! Stored usage of replications, by meter: `meters.csv`, and `hours.csv`, which has the same for each hour. A stored result can
//! be repriced by another list without a new simulation. The bill depends only on these quantities, a price list, a month and
//! commitments.
//!
//! The rounding rules (steps, minimums) are those of the list of the run.

use std::collections::BTreeMap;
use std::io::Read;

use indexmap::IndexMap;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::bill::{Bill, BillError, Terms};
use super::commitment::Commitment;
use super::{Slice, bill_committed, bill_groups};
use crate::model::price::PriceList;
use crate::units::{SimDuration, SimTime};

/// The usage of one replication.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicationUsage {
    /// Length of the time that was counted.
    pub window: SimDuration,
    /// Quantities by meter, for each service.
    pub by_service: Vec<BTreeMap<String, Decimal>>,
    /// The same by hour. Hours without usage may be missing.
    pub hours: Vec<Hour>,
}

/// The usage of one replication in one hour of the run, or in the part of the hour that was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    /// The beginning.
    pub from: SimTime,
    /// The length.
    pub length: SimDuration,
    /// Quantities by meter, for each service.
    pub by_service: Vec<BTreeMap<String, Decimal>>,
}

const NS_PER_HOUR: u64 = 3_600_000_000_000;

impl ReplicationUsage {
    /// The bill of each service for a month.
    ///
    /// # Errors
    /// A meter without a price, or an amount beyond a decimal.
    pub fn bills(&self, list: &PriceList, terms: Terms, commitments: &[Commitment]) -> Result<Vec<Bill>, BillError> {
        let terms = self.terms(terms);
        let bills = if commitments.is_empty() {
            bill_groups(list, &groups(&self.by_service), &terms)?
        } else {
            bill_committed(list, &self.slices(), &terms, commitments, terms.month.hours())?
        };
        Ok(bills.into_values().collect())
    }

    /// Returns the terms with the window of this usage.
    pub fn terms(&self, terms: Terms) -> Terms {
        Terms {
            window: Some(self.window),
            ..terms
        }
    }

    /// The usage by hour, from which commitments are drawn. The slices add up to the whole usage.
    pub fn slices(&self) -> Vec<Slice> {
        // Usage that belongs to no hour. It also keeps meters with quantity 0 on the bill.
        let mut rest = groups(&self.by_service);
        let mut slices = Vec::with_capacity(self.hours.len() + 1);
        for hour in &self.hours {
            let usage = groups(&hour.by_service);
            for (group, quantities) in &usage {
                for (meter, quantity) in quantities {
                    if let Some(left) = rest.get_mut(group).and_then(|own| own.get_mut(meter)) {
                        *left = (*left - quantity).max(Decimal::ZERO);
                    }
                }
            }
            slices.push(Slice {
                hours: Decimal::from(hour.length.0) / Decimal::from(NS_PER_HOUR),
                usage,
            });
        }
        slices.push(Slice {
            hours: Decimal::ZERO,
            usage: rest,
        });
        slices
    }
}

/// Quantities by names that sort in the order of the services.
fn groups(by_service: &[BTreeMap<String, Decimal>]) -> BTreeMap<String, BTreeMap<String, Decimal>> {
    let numbered = by_service.iter().enumerate();
    numbered
        .map(|(i, quantities)| (format!("{i:05}"), quantities.clone()))
        .collect()
}

/// The usage of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Name of its scenario.
    pub scenario: String,
    /// Its name.
    pub variant: String,
    /// Names of its services.
    pub services: Vec<String>,
    /// The usage of each replication.
    pub replications: Vec<ReplicationUsage>,
}

#[derive(Debug, Deserialize)]
struct Line {
    scenario: String,
    variant: String,
    service: String,
    replication: u32,
    window_s: String,
    meter: String,
    quantity: String,
}

/// Reads the file; `name` is for error messages.
///
/// # Errors
/// The first problem, with its line.
pub fn read(name: &str, table: impl Read) -> Result<Vec<Stored>, String> {
    type Replications = BTreeMap<u32, (SimDuration, BTreeMap<String, BTreeMap<String, Decimal>>)>;
    let mut variants: IndexMap<(String, String), (Vec<String>, Replications)> = IndexMap::new();
    let mut reader = csv::Reader::from_reader(table);
    for (line, row) in reader.deserialize().enumerate() {
        let line = line + 2;
        let row: Line = row.map_err(|error| format!("{name}: {error}"))?;
        let number =
            |text: &str| Decimal::from_str_exact(text).map_err(|_| format!("{name}:{line}: `{text}` is not a number"));
        let ns = number(&row.window_s)?.checked_mul(Decimal::from(1_000_000_000_u64));
        let window = ns.and_then(|ns| ns.to_u64()).map(SimDuration);
        let window = window.ok_or_else(|| format!("{name}:{line}: `{}` is not a length of time", row.window_s))?;
        let quantity = number(&row.quantity)?;
        let (services, replications) = variants.entry((row.scenario, row.variant)).or_default();
        if !services.contains(&row.service) {
            services.push(row.service.clone());
        }
        let (_, by_service) = replications
            .entry(row.replication)
            .or_insert_with(|| (window, BTreeMap::new()));
        by_service.entry(row.service).or_default().insert(row.meter, quantity);
    }
    let stored = variants
        .into_iter()
        .map(|((scenario, variant), (services, replications))| {
            let metered = replications
                .into_values()
                .map(|(window, mut by_service)| ReplicationUsage {
                    window,
                    by_service: services
                        .iter()
                        .map(|service| by_service.remove(service).unwrap_or_default())
                        .collect(),
                    hours: Vec::new(),
                });
            Stored {
                replications: metered.collect(),
                scenario,
                variant,
                services,
            }
        });
    Ok(stored.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_by_replication_and_service() {
        let quantities = |requests: i64| BTreeMap::from([("lambda.requests".to_string(), Decimal::new(requests, 3))]);
        let metered = |requests| ReplicationUsage {
            window: SimDuration(1_500_000_001),
            by_service: vec![quantities(requests), quantities(7)],
            hours: Vec::new(),
        };
        let stored = Stored {
            scenario: "s".into(),
            variant: "v".into(),
            services: vec!["b".into(), "a".into()],
            replications: vec![metered(1), metered(2)],
        };
        let text = "scenario,variant,service,replication,window_s,meter,quantity\n\
                    s,v,b,0,1.500000001,lambda.requests,0.001\n\
                    s,v,a,0,1.500000001,lambda.requests,0.007\n\
                    s,v,b,1,1.500000001,lambda.requests,0.002\n\
                    s,v,a,1,1.500000001,lambda.requests,0.007";
        assert_eq!(read("m.csv", text.as_bytes()), Ok(vec![stored]));
        let bad = text.replace(",0.001", ",x");
        assert_eq!(
            read("m.csv", bad.as_bytes()),
            Err("m.csv:2: `x` is not a number".into())
        );
        let long = text.replace(",1.500000001,", ",99999999999999999999999999,");
        assert!(
            read("m.csv", long.as_bytes())
                .unwrap_err()
                .contains("is not a length of time")
        );
    }
}
