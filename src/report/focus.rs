//! `focus.csv`: the projected bill in the columns of the FinOps Open Cost and Usage Specification, FOCUS 1.2, so that tools for
//! actual bills can read a projection. Every row says that it is a projection (`x_IsProjection`, and the type of the account).
//!
//! Source: FOCUS 1.2, dataset Cost and Usage: columns, allowed values, formats of numbers, dates and units. Variants are
//! alternatives: a sum makes sense within one `x_Variant`. The `BilledCost` of a variant adds up to its `monthly_cost_usd`, in the
//! currency that the scenario asks for.

mod charge;
mod columns;
mod format;

use jiff::civil::Date;

use super::Report;
use super::cells;
use super::column::{ColumnDoc, docs, names, row};
use super::manifest::Manifest;
use crate::cost::month::Month;
use crate::study::{Study, VariantResult};
use charge::Charge;
use columns::{columns, commitment_columns};

/// `focus.csv`.
#[derive(Debug)]
pub struct Focus;

impl Report for Focus {
    fn name(&self) -> &str {
        "focus.csv"
    }

    fn doc(&self) -> &str {
        "The bill in the columns of FOCUS 1.2, for tools that read actual bills. Its last seven columns are there only where the \
         scenario has commitments."
    }

    fn columns(&self) -> Vec<ColumnDoc> {
        let mut all = docs(&columns());
        all.extend(docs(&commitment_columns()));
        all
    }

    fn write(&self, study: &Study, _: &Manifest) -> Option<Vec<u8>> {
        let committed = study
            .variants
            .iter()
            .filter_map(|variant| variant.billing.as_ref())
            .any(|billing| billing.committed);
        let mut header = names(&columns());
        if committed {
            header.extend(names(&commitment_columns()));
        }
        let rows: Vec<Vec<String>> = study
            .variants
            .iter()
            .flat_map(|variant| rows(variant, committed))
            .collect();
        (!rows.is_empty()).then(|| cells::csv(&header, rows))
    }
}

fn rows(variant: &VariantResult, committed: bool) -> Vec<Vec<String>> {
    let Some(billing) = &variant.billing else {
        return Vec::new();
    };
    let period = &period(billing.month, billing.effective);
    let (columns, commitment_columns) = (columns(), commitment_columns());
    let services = variant.bills.iter().zip(&variant.bill_ranges).enumerate();
    let charges = services.flat_map(|(place, ((service, bill), ranges))| {
        let lines = bill.lines.iter().zip(ranges);
        lines.map(move |(line, range)| Charge {
            variant,
            place,
            service,
            line,
            range: range.as_ref(),
            period,
        })
    });
    let rows = charges.map(|charge| {
        let mut cells = row(&columns, &charge);
        if committed {
            cells.extend(row(&commitment_columns, &charge));
        }
        cells
    });
    rows.collect()
}

/// First day of the billed month and of the next one: that of the calendar, or, where a month is a number of hours, the one in
/// which the price list begins to hold.
fn period(month: Month, effective: Date) -> [String; 2] {
    let first = match month {
        Month::Calendar { year, month } => Date::new(year, month, 1).unwrap_or(effective),
        Month::Hours(_) => effective.first_of_month(),
    };
    let last = first.last_of_month();
    [first, last.tomorrow().unwrap_or(last)].map(|day| format!("{day}T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_hours_is_the_one_in_which_the_list_begins() {
        let day = "2026-11-15".parse().unwrap();
        assert_eq!(
            period(Month::default(), day),
            ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]
        );
        let leap = "calendar:2028-02".parse().unwrap();
        assert_eq!(period(leap, day), ["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"]);
    }
}
