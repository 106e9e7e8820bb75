//! `hours.csv`: the usage of replications for each hour of the run. `meters.csv` has the sums. Only meters that were used in an
//! hour have a row.

use std::collections::BTreeMap;
use std::io::Read;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::stored::{Hour, Stored};
use crate::units::{SimDuration, SimTime};

#[derive(Debug, Deserialize)]
struct Line {
    scenario: String,
    variant: String,
    service: String,
    replication: usize,
    from_s: String,
    length_s: String,
    meter: String,
    quantity: String,
}

const NS_PER_S: u64 = 1_000_000_000;

/// Reads the file and adds its hours to `stored`, which was read from `meters.csv`; `name` is for error messages.
///
/// # Errors
/// The first problem, with its line.
pub fn read(name: &str, table: impl Read, stored: &mut [Stored]) -> Result<(), String> {
    let mut reader = csv::Reader::from_reader(table);
    // By variant, replication and beginning of the hour.
    let mut hours: BTreeMap<(usize, usize, u64), Hour> = BTreeMap::new();
    for (line, row) in reader.deserialize().enumerate() {
        let line = line + 2;
        let row: Line = row.map_err(|error| format!("{name}: {error}"))?;
        let number =
            |text: &str| Decimal::from_str_exact(text).map_err(|_| format!("{name}:{line}: `{text}` is not a number"));
        let ns = |text: &str| {
            let ns = number(text)?.checked_mul(Decimal::from(NS_PER_S));
            let ns = ns.and_then(|ns| ns.to_u64());
            ns.ok_or_else(|| format!("{name}:{line}: `{text}` is not a length of time"))
        };
        let variant = stored
            .iter()
            .position(|stored| stored.scenario == row.scenario && stored.variant == row.variant);
        let place = variant.and_then(|variant| {
            let services = &stored[variant].services;
            let service = services.iter().position(|service| *service == row.service)?;
            (row.replication < stored[variant].replications.len()).then_some((variant, service))
        });
        let (variant, service) = place.ok_or_else(|| {
            format!(
                "{name}:{line}: meters.csv has no such scenario, variant, service and replication; take both files from the same run"
            )
        })?;
        let from = ns(&row.from_s)?;
        let length = SimDuration(ns(&row.length_s)?);
        let hour = hours.entry((variant, row.replication, from)).or_insert_with(|| Hour {
            from: SimTime(from),
            length,
            by_service: vec![BTreeMap::new(); stored[variant].services.len()],
        });
        hour.by_service[service].insert(row.meter, number(&row.quantity)?);
    }
    for ((variant, replication, _), hour) in hours {
        stored[variant].replications[replication].hours.push(hour);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::stored::ReplicationUsage;

    #[test]
    fn hours_are_read_by_replication_and_service() {
        let requests = |number: i64| BTreeMap::from([("lambda.requests".to_string(), Decimal::from(number))]);
        let hour = |from: u64, counts: [i64; 2]| Hour {
            from: SimTime(from * NS_PER_S),
            length: SimDuration::from_secs(3_600),
            by_service: counts.map(requests).to_vec(),
        };
        let metered = |hours: Vec<Hour>| ReplicationUsage {
            window: SimDuration::from_secs(7_200),
            by_service: vec![requests(9), requests(9)],
            hours,
        };
        let stored = Stored {
            scenario: "s".into(),
            variant: "v".into(),
            services: vec!["b".into(), "a".into()],
            replications: vec![
                metered(vec![hour(600, [1, 2]), hour(3_600, [3, 4])]),
                metered(vec![hour(3_600, [5, 6])]),
            ],
        };
        let text = "scenario,variant,service,replication,from_s,length_s,meter,quantity\n\
                    s,v,b,0,600,3600,lambda.requests,1\n\
                    s,v,a,0,600,3600,lambda.requests,2\n\
                    s,v,b,0,3600,3600,lambda.requests,3\n\
                    s,v,a,0,3600,3600,lambda.requests,4\n\
                    s,v,b,1,3600,3600,lambda.requests,5\n\
                    s,v,a,1,3600,3600,lambda.requests,6";
        let bare = |stored: &Stored| {
            let mut bare = stored.clone();
            bare.replications.iter_mut().for_each(|metered| metered.hours.clear());
            vec![bare]
        };
        let mut again = bare(&stored);
        read("h.csv", text.as_bytes(), &mut again).unwrap();
        assert_eq!(again, vec![stored.clone()]);
        let problem = |text: &str| read("h.csv", text.as_bytes(), &mut bare(&stored)).unwrap_err();
        assert!(problem(&text.replace("s,v,a,1", "s,v,a,2")).contains("take both files from the same run"));
        assert!(problem(&text.replace(",600,", ",x,")).contains("h.csv:2: `x` is not a number"));
    }
}
