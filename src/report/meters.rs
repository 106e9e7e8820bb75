//! `meters.csv` and `hours.csv`: what each replication used, by meter, so that it can be priced anew.

use super::cells;
use crate::cost::hours;
use crate::cost::stored::{self, COLUMNS};
use crate::study::Study;

/// The file; `None` where nothing has a price.
pub fn csv(study: &Study) -> Option<Vec<u8>> {
    let rows = study.variants.iter().flat_map(|variant| {
        let services: Vec<String> = variant.bills.iter().map(|(service, _)| service.clone()).collect();
        let row = &variant.rows[0];
        stored::rows(&row.scenario, &row.variant, &services, &variant.metered)
    });
    let rows: Vec<Vec<String>> = rows.collect();
    (!rows.is_empty()).then(|| cells::csv(&COLUMNS, rows))
}

/// The same hour by hour; `None` where nothing has a price.
pub fn hours_csv(study: &Study) -> Option<Vec<u8>> {
    let rows = study.variants.iter().flat_map(|variant| {
        let services: Vec<String> = variant.bills.iter().map(|(service, _)| service.clone()).collect();
        let row = &variant.rows[0];
        let replications = variant.metered.iter().map(|metered| metered.hours.as_slice());
        hours::rows(&row.scenario, &row.variant, &services, replications)
    });
    let rows: Vec<Vec<String>> = rows.collect();
    (!rows.is_empty()).then(|| cells::csv(&hours::COLUMNS, rows))
}
