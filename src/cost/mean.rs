//! The mean bill of several replications. Quantities are averaged and priced again, so that each line of the mean is still a
//! product, and the total is still the sum of the lines.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::bill::{Bill, BillLine};
use super::rate::{self, QUANTITY_DECIMALS};

impl Bill {
    /// Returns the mean of bills from the same price lists, line by line. A line that is missing in a bill counts as quantity 0.
    /// Tiers apply to each bill before averaging, because a month lies in a tier and an average of months does not.
    ///
    /// The mean of the totals and the total of the mean differ only by the rounding to nano-units.
    pub fn mean(bills: &[Self]) -> Self {
        let count = Decimal::from(bills.len());
        let mut sums: BTreeMap<_, BillLine> = BTreeMap::new();
        for line in bills.iter().flat_map(|bill| &bill.lines) {
            let key = (
                &line.provider,
                &line.region,
                &line.meter,
                line.tier,
                line.unit_price_usd,
                line.commitment.as_ref().map(|part| &part.name),
            );
            match sums.get_mut(&key) {
                Some(sum) => {
                    sum.quantity += line.quantity;
                    sum.free_quantity += line.free_quantity;
                }
                None => {
                    sums.insert(key, line.clone());
                }
            }
        }
        let mean = |sum: Decimal| (sum / count).round_dp(QUANTITY_DECIMALS).normalize();
        let lines = sums.into_values().map(|mut line| {
            line.quantity = mean(line.quantity);
            line.free_quantity = mean(line.free_quantity);
            // A mean has no more digits than the largest line, whose product was exact.
            line.cost_usd = rate::exact_product(line.quantity, line.unit_price_usd)
                .unwrap_or_else(|| line.quantity * line.unit_price_usd);
            line
        });
        Self { lines: lines.collect() }
    }
}
