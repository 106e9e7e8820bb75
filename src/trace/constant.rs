//! Arrivals at equal distances: at gap, 2 gap, 3 gap and so on. With a gap longer than the keep-alive time every request causes
//! a cold start, which is how cold starts are often measured.

use serde::{Deserialize, Serialize};

use super::error::TraceError;
use super::{BATCH, Open, Opened, Source, TrafficKind};
use crate::model::arrival::Arrival;
use crate::units::{SimDuration, SimTime};

/// `[traffic.constant]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConstantSpec {
    /// The time between two arrivals, and before the first one; above 0.
    pub gap: SimDuration,
}

impl TrafficKind for ConstantSpec {
    fn example() -> &'static str {
        "gap = \"700s\""
    }

    fn problems(&self) -> Vec<String> {
        match self.gap.0 > 0 {
            true => Vec::new(),
            false => vec!["gap is 0: give the time between two arrivals, such as \"700s\"".to_string()],
        }
    }

    fn open(&self, open: &Open<'_>) -> Result<Opened, TraceError> {
        let horizon = open.required_horizon("constant")?;
        let source = Constant {
            gap: self.gap.0,
            at: self.gap.0,
            until: horizon.0,
        };
        Ok(Opened::generated(source, horizon))
    }

    fn scale(&mut self, factor: f64) -> bool {
        self.gap = SimDuration(((self.gap.0 as f64 / factor).round() as u64).max(1));
        true
    }
}

struct Constant {
    gap: u64,
    at: u64,
    until: u64,
}

impl Source for Constant {
    fn refill(&mut self, out: &mut Vec<Arrival>) -> Result<bool, TraceError> {
        let full = out.len() + BATCH;
        let before = out.len();
        while self.at < self.until && out.len() < full {
            out.push(Arrival {
                at: SimTime(self.at),
                duration: None,
                function: 0,
            });
            self.at = self.at.saturating_add(self.gap);
        }
        Ok(out.len() > before)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rng::Draws;
    use crate::trace::collect;

    #[test]
    fn the_first_arrival_comes_after_one_gap() {
        let open = Open {
            base: Path::new("."),
            draws: Draws::new(1, 0),
            entity: 0,
            horizon: Some(SimDuration::from_secs(30)),
        };
        let arrivals = collect(
            ConstantSpec {
                gap: SimDuration::from_secs(10),
            }
            .open(&open)
            .unwrap(),
        )
        .unwrap();
        let seconds: Vec<f64> = arrivals.iter().map(|a| a.at.as_secs_f64()).collect();
        assert_eq!(seconds, [10.0, 20.0]);
    }
}
