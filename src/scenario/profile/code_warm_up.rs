//! From the warm-up curve of a profile to the simulator's, and what is assumed about it in words.

use crate::assumption::{Assumption, Topic};
use crate::model::code_warm_up;
use crate::model::profile::WarmRun;
use crate::sim::setup::CodeWarmUpCurve;
use crate::stats::change_points::Shape;
use crate::units::SimDuration;

/// The extra cost of the requests after the first of an instance, as the profile shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum CodeWarmUp {
    /// They cost more until the instance is warm.
    Curve {
        /// How much more.
        curve: CodeWarmUpCurve,
        /// Requests per second while it was measured.
        rate: f64,
        /// The same in milliseconds of CPU time, where it was read.
        cpu_ms: Option<f64>,
        /// Requests after which they had not come to rest; `None` if they had.
        unsettled_after: Option<usize>,
    },
    /// They cost what later ones cost.
    Flat,
    /// Later ones cost more.
    Slows,
    /// Latencies went up and down.
    NoSteadyState,
    /// The curve is too short.
    Unknown,
}

impl CodeWarmUp {
    /// Returns the extra cost that a warm run shows after the first `skipped` requests of its curve.
    pub fn after(warm: &WarmRun, skipped: usize) -> Self {
        let Some(found) = code_warm_up::detect_after(warm, skipped) else {
            return Self::Unknown;
        };
        let shape = found.settling.shape;
        if found.warms() {
            let mut stretches: Vec<(u32, SimDuration)> = found
                .extra_ms
                .iter()
                .map(|&(end, ms)| (end, SimDuration::from_millis_f64(ms)))
                .collect();
            while stretches.pop_if(|(_, extra)| *extra == SimDuration::ZERO).is_some() {}
            if let Some(curve) = CodeWarmUpCurve::new(stretches) {
                return Self::Curve {
                    curve,
                    rate: warm.warm_up_rate,
                    cpu_ms: found.cpu_ms,
                    unsettled_after: (shape == Shape::NoSteadyState).then_some(found.requests),
                };
            }
        }
        match shape {
            Shape::NoSteadyState => Self::NoSteadyState,
            Shape::Slows => Self::Slows,
            Shape::Flat | Shape::Warms => Self::Flat,
        }
    }

    /// The simulator's share.
    pub fn curve(&self) -> Option<CodeWarmUpCurve> {
        match self {
            Self::Curve { curve, .. } => Some(curve.clone()),
            _ => None,
        }
    }

    /// Returns the total extra cost of the curve, in milliseconds.
    pub fn total_ms(&self) -> Option<f64> {
        self.curve().map(|curve| curve.total().as_millis_f64())
    }

    /// The same curve with times multiplied by `factor`. Its CPU time is no longer what was read.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Curve {
                curve,
                rate,
                unsettled_after,
                ..
            } => Self::Curve {
                curve: curve.scaled(factor),
                rate,
                cpu_ms: None,
                unsettled_after,
            },
            other => other,
        }
    }

    /// Returns the assumption about instances of `name`.
    pub fn assumption(&self, name: &str) -> Assumption {
        let same = format!("{name}: a warm instance costs the same from its second request on");
        match self {
            Self::Flat => Topic::ColdStart.note(format!("{same}, as measured on /json")),
            Self::Unknown => {
                Topic::ColdStart.large(format!("{same}: its warm-up curve was not measured, or is too short"))
            }
            Self::Slows => Topic::ColdStart.small(format!("{same}, though /json was measured to get slower")),
            Self::NoSteadyState => Topic::ColdStart.small(format!(
                "{same}: latencies of /json went up and down without coming to rest"
            )),
            Self::Curve {
                curve,
                rate,
                cpu_ms,
                unsettled_after,
            } => {
                let requests = curve.stretches().last().map_or(0, |stretch| stretch.0);
                let total = ms(curve.total().as_millis_f64());
                let cpu = cpu_ms.map_or(String::new(), |cpu| format!("; CPU time says {}", ms(cpu)));
                let bound = unsettled_after.map_or(String::new(), |after| {
                    format!("; at least, for they had not come to rest after {after}")
                });
                Topic::ColdStart.small(format!(
                    "{name}: the first {requests} requests of an instance after its very first cost {total} more in all, the handler's \
                     own work not included (measured on /json at {rate}/s{cpu}{bound})"
                ))
            }
        }
    }
}

/// Milliseconds to three digits.
fn ms(ms: f64) -> String {
    match ms.abs() {
        size if size < 10.0 => format!("{ms:.2} ms"),
        size if size < 100.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}
