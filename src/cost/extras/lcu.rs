//! Load balancer capacity units (LCU) of an Application Load Balancer: the largest of four dimensions.
//!
//! Source: Elastic Load Balancing pricing page. One LCU is 25 new connections a second, 3,000 active connections, 1 GB an hour
//! (0.4 GB if the targets are functions), or 1,000 evaluated rules a second. Ten rules are free for each request.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use crate::cost::meter::Served;

const NS_PER_HOUR: u64 = 3_600_000_000_000;
const FREE_RULES: u32 = 10;

/// The load that each request puts on a load balancer.
pub(super) struct Load {
    /// New connections.
    pub(super) connections: Decimal,
    /// Rules that it is compared with.
    pub(super) rules: u32,
    /// Bytes of the request.
    pub(super) request_bytes: u64,
    /// Bytes of the answer.
    pub(super) response_bytes: u64,
    /// True if the targets are functions.
    pub(super) functions: bool,
}

impl Load {
    /// LCU-hours of all services together.
    pub(super) fn lcu_hours(&self, served: &[Served]) -> Decimal {
        let requests: u64 = served.iter().map(|served| served.requests).sum();
        let in_flight: u128 = served.iter().map(|served| served.in_flight_ns).sum();
        let bytes: u128 = served
            .iter()
            .map(|served| {
                u128::from(served.requests) * u128::from(self.request_bytes)
                    + u128::from(served.answered) * u128::from(self.response_bytes)
            })
            .sum();
        let whole = |number: u128| Decimal::from_u128(number).unwrap_or(Decimal::MAX);
        // Each dimension is a mean of an hour times the hours, so what counts by the second is divided by 3,600.
        let per_second = Decimal::from(requests) / Decimal::from(3_600);
        let new = per_second * self.connections / Decimal::from(25);
        let active = whole(in_flight) / Decimal::from(NS_PER_HOUR) / Decimal::from(3_000);
        let gb_per_lcu = if self.functions {
            Decimal::new(4, 1)
        } else {
            Decimal::ONE
        };
        let gb = whole(bytes) / Decimal::from(1_000_000_000_u64) / gb_per_lcu;
        let rules = per_second * Decimal::from(self.rules.saturating_sub(FREE_RULES)) / Decimal::from(1_000);
        new.max(active).max(gb).max(rules)
    }
}
