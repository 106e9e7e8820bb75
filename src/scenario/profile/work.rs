//! The handler's own work on an instance: its CPU part, stretched to the instance's CPU, and its waiting part.

use std::collections::BTreeMap;

use super::units::Units;
use crate::assumption::{Assumption, Topic};
use crate::model::dist::Dist;
use crate::model::profile::{FrameworkProfile, Redraw};
use crate::model::unit_cost::UnitCost;
use crate::model::work_ratio::{self, WorkRatio};
use crate::scenario::file::work::{CpuSpec, Like, MIXED, UnitsSpec, Work};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::units::SimDuration;

/// The ratio from which a cost on another CPU size is told.
const TOLD: f64 = 0.05;
/// The half width of an interval, as a share, from which it can move an answer by more than 10%.
const WIDE: f64 = 0.10;

/// The time of a handler's own work.
pub(super) struct HandlerTime {
    /// CPU time.
    pub(super) cpu: Dist,
    /// Time without CPU.
    pub(super) wait: Dist,
    /// The mean CPU time on one vCPU in milliseconds.
    pub(super) cpu_ms: f64,
}

/// The handler's work as a scenario asks for it, in a framework on an instance of some size.
pub(super) struct Handler<'a> {
    /// The framework.
    pub(super) framework: &'a str,
    /// The costs of units of work there.
    pub(super) units: Units<'a>,
    /// The costs of units as they were measured, and those of the framework that the scenario compares with.
    pub(super) like: Option<(Units<'a>, &'a FrameworkProfile)>,
    /// The draw of measurements; `None`: as measured.
    pub(super) redraw: Option<Redraw>,
    /// The share of a core that one request has.
    pub(super) share: f64,
    /// Files that distributions name.
    pub(super) files: Files<'a>,
}

impl Handler<'_> {
    /// The time of the work.
    ///
    /// # Errors
    /// A sentence that says which value of `[work]` cannot be used.
    pub(super) fn time(&self, work: Option<&Work>) -> Result<Found<HandlerTime>, String> {
        let mut findings = Findings::default();
        let none = Dist::Constant(SimDuration::ZERO);
        let cpu = match work.and_then(|work| work.cpu.as_ref()) {
            None => none.clone(),
            Some(CpuSpec::Units(units)) => findings.take(self.units(units)?),
            Some(CpuSpec::Like(like)) => findings.take(self.like(like)?),
            Some(CpuSpec::Time(spec)) => self.files.dist("work.cpu", spec)?,
        };
        let wait = match work.and_then(|work| work.io.as_ref()) {
            None => none,
            Some(spec) => self.files.dist("work.io", spec)?,
        };
        let time = HandlerTime {
            cpu_ms: cpu.mean_s() * 1e3,
            cpu: cpu.scaled(1.0 / self.share),
            wait,
        };
        Ok((time, findings))
    }

    /// The CPU time on one vCPU of units of work.
    fn units(&self, asked: &BTreeMap<String, UnitsSpec>) -> Result<Found<Dist>, String> {
        let mut findings = Findings::default();
        let mut total_ms = 0.0;
        let mut drawn = None;
        for (kind, units) in asked {
            let cost = self.units.cost(kind).ok_or_else(|| self.not_measured(kind))?;
            let wrong = |problem: String| format!("`work.cpu.{kind}`: {problem}");
            let mean = units.mean().map_err(wrong)?;
            findings.assume_all(self.of_units(kind, mean, &cost));
            match units {
                UnitsSpec::Number(units) => total_ms += units * cost.ms,
                UnitsSpec::Distribution(_) => drawn = Some(units.times(cost.ms).map_err(wrong)?),
            }
        }
        let constant = || Dist::Constant(SimDuration::from_millis_f64(total_ms));
        Ok((drawn.unwrap_or_else(constant), findings))
    }

    fn not_measured(&self, kind: &str) -> String {
        let kinds = self.units.kinds();
        let framework = self.framework;
        if kinds.is_empty() {
            return format!(
                "`work.cpu` names the kind of work `{kind}`, and no work was measured in {framework}; write a CPU time such as \"5ms\", or \
                 measure it in sizes (`measure docker`; `--route` for an image of your own)"
            );
        }
        format!(
            "`work.cpu` names the kind of work `{kind}`; measured in {framework}: {}",
            kinds.join(", ")
        )
    }

    /// The assumptions behind the cost of so many units.
    fn of_units(&self, kind: &str, units: f64, cost: &UnitCost) -> Vec<Assumption> {
        let (name, total) = (self.framework, units * cost.ms);
        let mut assumptions = Vec::new();
        let text = |range: String| {
            format!(
                "{} units of `{kind}` cost {total:.3} ms of CPU{range} in {name}, on one thread, beside the framework's overhead, \
                 which a request costs once",
                round(units)
            )
        };
        assumptions.push(match cost.interval {
            Some((low, high)) => {
                let range = format!(" [{:.3}, {:.3}]", units * low, units * high);
                let assumption = match (high / low).sqrt() - 1.0 > WIDE {
                    true => Topic::Work.large(text(range)),
                    false => Topic::Work.small(text(range)),
                };
                assumption.figure(total, units * low, units * high)
            }
            None => {
                Topic::Work.large(text(String::new()) + "; the cost of a unit comes from one size of the work alone")
            }
        });
        if let Some((at, share)) = cost.bend {
            assumptions.push(Topic::Work.large(format!(
                "the CPU time of `{kind}` in {name} is not proportional to its units: at {} it is {:+.0}% off the line",
                round(at),
                100.0 * share
            )));
        }
        let (least, most) = cost.sizes;
        if least < most && !(0.5 * least..=2.0 * most).contains(&units) {
            assumptions.push(Topic::Work.large(format!(
                "`{kind}` was measured with {} to {} units in {name}; for {} it is extrapolated",
                round(least),
                round(most),
                round(units)
            )));
        }
        if (self.units.scale - 1.0).abs() > TOLD {
            assumptions.push(Topic::Work.small(format!(
                "work in {name} was measured at another CPU size, and costs {:.2} times as much here, as /items does",
                self.units.scale
            )));
        }
        assumptions
    }

    /// The CPU time on one vCPU of a handler that is known from another framework.
    fn like(&self, asked: &Like) -> Result<Found<Dist>, String> {
        let mut findings = Findings::default();
        let (own, other) = self
            .like
            .as_ref()
            .ok_or_else(|| format!("`work.cpu.like` names `{}`, which was not read", asked.like))?;
        let there = Units::measured(other);
        let time = self.files.dist("work.cpu.time", &asked.time)?;
        if other.name == self.framework {
            findings.assume(Topic::Work.note(format!(
                "`work.cpu.time` is the CPU time of the handler in {}",
                self.framework
            )));
            return Ok((time, findings));
        }
        let only = (asked.kind != MIXED).then_some(asked.kind.as_str());
        let ratio = work_ratio::between(&own.costs(only), &there.costs(only)).ok_or_else(|| {
            format!(
                "`work.cpu.like`: {} and {} have no kind of work in common{}; measured are {} and {}",
                self.framework,
                other.name,
                only.map(|kind| format!(" that is `{kind}`")).unwrap_or_default(),
                listed(&own.kinds()),
                listed(&there.kinds())
            )
        })?;
        findings.assume(self.of_ratio(&other.name, time.mean_s() * 1e3, &ratio));
        let value = self
            .redraw
            .map_or(ratio.value, |redraw| ratio.redrawn(redraw.stream("kinds of work")));
        Ok((time.scaled(value), findings))
    }

    /// The assumption behind a ratio of work.
    fn of_ratio(&self, other: &str, ms: f64, ratio: &WorkRatio) -> Assumption {
        let kinds: Vec<String> = ratio
            .kinds
            .iter()
            .map(|(kind, ratio)| format!("{kind} {ratio:.2}"))
            .collect();
        let range = ratio
            .interval
            .map_or(String::new(), |(low, high)| format!(" [{low:.2}, {high:.2}]"));
        let text = format!(
            "a handler that takes {ms:.1} ms of CPU in {other} takes {:.1} ms in {}: times {:.2}{range}, the mean ratio of the kinds of \
             work ({})",
            ms * ratio.value,
            self.framework,
            ratio.value,
            kinds.join(", ")
        );
        let (low, high) = ratio.interval.unwrap_or((ratio.value, ratio.value));
        let assumption = if ratio.kinds.len() < 2 {
            Topic::Work.factor(text + "; one kind of work says little of another")
        } else if high / low > 2.0 {
            Topic::Work.factor(text)
        } else {
            Topic::Work.large(text)
        };
        assumption.figure(ratio.value, low, high)
    }
}

fn listed(kinds: &[String]) -> String {
    match kinds.is_empty() {
        true => "none".into(),
        false => kinds.join(", "),
    }
}

/// A number of units without needless decimals.
fn round(units: f64) -> f64 {
    (units * 100.0).round() / 100.0
}
