//! A table of metered quantities, as finance takes them from a bill: CSV with the header `meter,quantity[,group][,hour]`.
//!
//! The hour is any text that identifies the hour. Commitments are drawn on by the hour.
//!
//! Quantities are those of a month, in the units of the price list (`requests` are single requests). Lines of the same meter
//! and group are added up. A missing quantity is an error and not 0.

use std::collections::BTreeMap;
use std::io::Read;

use rust_decimal::Decimal;

use crate::model::price::{PriceError, PriceList};

/// Quantities by group and meter. A table without groups has one group with an empty name.
pub type GroupUsage = BTreeMap<String, BTreeMap<String, Decimal>>;

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageTable {
    /// The usage of the month.
    pub usage: GroupUsage,
    /// The same by hour; `None` if the table has no hours.
    pub hours: Option<BTreeMap<String, GroupUsage>>,
}

/// The problems of a table.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct UsageTableError {
    /// The problems, each with the name of the table and the line.
    pub problems: Vec<String>,
}

/// The most problems that are reported at once.
const MOST_PROBLEMS: usize = 20;

/// Reads a table; `name` is for error messages. Every meter must have a price in the list.
///
/// # Errors
/// All problems, each with its line.
pub fn read(name: &str, table: impl Read, list: &PriceList) -> Result<UsageTable, UsageTableError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(table);
    let single = |problem: String| UsageTableError {
        problems: vec![problem],
    };
    let header = reader
        .headers()
        .map_err(|error| single(format!("{name}: {error}")))?
        .clone();
    let column = |wanted: &str| {
        header
            .iter()
            .position(|name| name.trim_start_matches('\u{feff}') == wanted)
    };
    let (Some(meter), Some(quantity)) = (column("meter"), column("quantity")) else {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(single(format!(
            "{name}:1: the first line is `{found}`; it must have the columns `meter` and `quantity`, and may have `group` and `hour`"
        )));
    };
    let (group, hour) = (column("group"), column("hour"));
    let known = [Some(meter), Some(quantity), group, hour];
    if let Some(other) = (0..header.len()).find(|i| !known.contains(&Some(*i))) {
        return Err(single(format!(
            "{name}:1: unknown column `{}`; the columns are meter, quantity, group and hour",
            &header[other]
        )));
    }
    let mut table = UsageTable {
        hours: hour.map(|_| BTreeMap::new()),
        ..UsageTable::default()
    };
    let mut problems = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| single(format!("{name}: {error}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut problem = |text: String| problems.push(format!("{name}:{line}: {text}"));
        if record.len() != header.len() {
            problem(format!(
                "{} cells, but the header has {}; write numbers without commas",
                record.len(),
                header.len()
            ));
            continue;
        }
        let amount = match number(&record[quantity]) {
            Ok(amount) => amount,
            Err(reason) => {
                problem(format!(
                    "quantity `{}` of `{}` {reason}",
                    &record[quantity], &record[meter]
                ));
                continue;
            }
        };
        if let Err(error) = list.price(&record[meter]) {
            problem(without_price(&error));
            continue;
        }
        let group = group.map_or("", |group| &record[group]);
        let hour = match (&mut table.hours, hour) {
            (Some(_), Some(hour)) if record[hour].is_empty() => {
                problem(format!("`{}` has no hour", &record[meter]));
                continue;
            }
            (Some(hours), Some(hour)) => Some(hours.entry(record[hour].to_string()).or_default()),
            _ => None,
        };
        let all = [Some(&mut table.usage), hour];
        for usage in all.into_iter().flatten() {
            let own = usage.entry(group.to_string()).or_default();
            let sum = own.entry(record[meter].to_string()).or_default();
            match sum.checked_add(amount) {
                Some(more) => *sum = more,
                None => problem(format!(
                    "the sum of the quantities of `{}` is too large",
                    &record[meter]
                )),
            }
        }
    }
    if problems.is_empty() && table.usage.is_empty() {
        problems.push(format!("{name}: the table has no lines below the header"));
    }
    if problems.is_empty() {
        return Ok(table);
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    if more > 0 {
        problems.push(format!("... and {more} more"));
    }
    Err(UsageTableError { problems })
}

fn without_price(error: &PriceError) -> String {
    let hints = error.hints();
    format!("{error}; {}", hints.join("; "))
}

/// Reads a quantity.
///
/// # Errors
/// The reason why the text is not one.
fn number(text: &str) -> Result<Decimal, &'static str> {
    if text.is_empty() {
        return Err("is missing: leave out the line if the quantity is unknown");
    }
    let parsed = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    match parsed {
        Ok(number) if number < Decimal::ZERO => Err("is negative: bills here have no credits"),
        Ok(number) => Ok(number.normalize()),
        Err(_) if text.contains(',') => Err("has commas: write 1234.5"),
        Err(_) => Err("is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> PriceList {
        PriceList::find("aws-us-east-1").unwrap()
    }

    fn problems(table: &str) -> String {
        read("u.csv", table.as_bytes(), &list()).unwrap_err().to_string()
    }

    #[test]
    fn lines_of_a_meter_are_added_up() {
        let table = "\u{feff}quantity, meter ,group\n1e3,lambda.requests,a\n0.5,lambda.requests,a\n7,elb.alb.hour,b\n";
        let usage = read("u.csv", table.as_bytes(), &list()).unwrap().usage;
        assert_eq!(usage["a"]["lambda.requests"].to_string(), "1000.5");
        assert_eq!(usage["b"]["elb.alb.hour"].to_string(), "7");
    }

    #[test]
    fn hours_are_kept_separate() {
        let table = "meter,quantity,hour\nelb.alb.hour,1,b\nelb.alb.hour,2,a\nelb.alb.hour,4,b\n";
        let table = read("u.csv", table.as_bytes(), &list()).unwrap();
        let hours = table.hours.unwrap();
        assert_eq!(hours["a"][""]["elb.alb.hour"].to_string(), "2");
        assert_eq!(hours["b"][""]["elb.alb.hour"].to_string(), "5");
        assert_eq!(table.usage[""]["elb.alb.hour"].to_string(), "7");
        assert!(problems("meter,quantity,hour\nelb.alb.hour,1,\n").contains("u.csv:2: `elb.alb.hour` has no hour"));
    }

    #[test]
    fn problems_have_their_line() {
        let all = problems(
            "meter,quantity\nlambda.requests,\nlambda.requests,NaN\nlambda.requests,-1\nlambda.request,1\n\
             lambda.requests,\"1,000\"\nlambda.requests,1,000\n",
        );
        for part in [
            "u.csv:2: quantity `` of `lambda.requests` is missing",
            "u.csv:3: quantity `NaN` of `lambda.requests` is not a number",
            "u.csv:4: quantity `-1` of `lambda.requests` is negative",
            "u.csv:5: price list aws-us-east-1-2026-11-01 has no price for meter `lambda.request`; did you mean: lambda.requests",
            "u.csv:6: quantity `1,000` of `lambda.requests` has commas",
            "u.csv:7: 3 cells, but the header has 2",
        ] {
            assert!(all.contains(part), "{all}");
        }
        assert!(problems("").contains("u.csv:1: the first line is ``"));
        assert!(problems("meter,amount\n").contains("the first line is `meter,amount`"));
        assert!(problems("meter,quantity,team\n").contains("unknown column `team`"));
        assert!(problems("meter,quantity\n").contains("the table has no lines below the header"));
    }

    #[test]
    fn a_long_list_of_problems_is_cut() {
        let table = format!("meter,quantity\n{}", "x,1\n".repeat(50));
        assert!(problems(&table).ends_with("... and 30 more"));
    }
}
