//! The sheet on which extras are written down: quantities by service and meter, for a part of a run.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use crate::cost::meter::{Quantities, Served};
use crate::cost::rate::share_out;
use crate::units::SimDuration;

const GIB: u64 = 1 << 30;
const NS_PER_HOUR: u64 = 3_600_000_000_000;

/// Quantities by service and meter.
pub(super) struct Sheet<'a> {
    /// The served requests and answers, by service.
    pub(super) served: &'a [Served],
    /// Length of the time in hours.
    pub(super) hours: Decimal,
    /// Requests by service: shared quantities are divided in proportion to them.
    weights: Vec<Decimal>,
    quantities: Vec<Quantities>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(served: &'a [Served], length: SimDuration) -> Self {
        Self {
            served,
            hours: Decimal::from(length.0) / Decimal::from(NS_PER_HOUR),
            weights: served.iter().map(|service| Decimal::from(service.requests)).collect(),
            quantities: vec![Quantities::new(); served.len()],
        }
    }

    /// Adds a quantity for each service.
    pub(super) fn add(&mut self, meter: &str, own: Vec<Decimal>) {
        for (quantities, own) in self.quantities.iter_mut().zip(own) {
            *quantities.entry(meter.to_string()).or_default() += own.normalize();
        }
    }

    /// Adds a quantity that is worked out for each service by itself.
    pub(super) fn add_each(&mut self, meter: &str, of: impl Fn(&Served) -> Decimal) {
        self.add(meter, self.served.iter().map(of).collect());
    }

    /// Adds, for each service, so many bytes for each of what is counted.
    pub(super) fn add_bytes(&mut self, meter: &str, count: impl Fn(&Served) -> u64, bytes: u64) {
        self.add_each(meter, |served| gib_each(count(served), bytes));
    }

    /// Adds a quantity that the services share in proportion to their requests.
    pub(super) fn add_shared(&mut self, meter: &str, amount: Decimal) {
        self.add(meter, share_out(amount, &self.weights));
    }

    pub(super) fn into_quantities(self) -> Vec<Quantities> {
        self.quantities
    }
}

/// Converts bytes to GB of 2^30.
pub(super) fn gib(bytes: u128) -> Decimal {
    let bytes = Decimal::from_u128(bytes).unwrap_or(Decimal::MAX);
    bytes / Decimal::from(GIB)
}

/// GB of 2^30 of `count` times so many bytes.
pub(super) fn gib_each(count: u64, bytes: u64) -> Decimal {
    gib(u128::from(count) * u128::from(bytes))
}
