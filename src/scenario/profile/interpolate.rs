//! A profile at a CPU size between measured ones, by the law `T = a + b / cpu` with neither part negative: a start or a
//! request is mostly CPU time, which is shared out by the CPU, and a rest that it does not change.
//!
//! The law is fitted to the medians of all measured sizes. What is used are the vectors measured at the nearest size (in
//! `1 / cpu`), every phase scaled by the law, so that phases stay together and distributions keep their shape.

use std::collections::BTreeMap;

use super::at_size::{Law, Sized, cpu_ms, empty_ms, overhead, with};
use super::memory::InFlight;
use super::runs::{Point, Runs};
use crate::sim::setup::ColdStart;
use crate::stats::order;
use crate::stats::reciprocal::Reciprocal;
use crate::units::{MilliCpu, SimDuration};

/// One phase of a start.
type Phase = fn(&mut ColdStart) -> &mut SimDuration;

const PHASES: [Phase; 3] = [|c| &mut c.sandbox, |c| &mut c.init, |c| &mut c.first_request];

/// The profile at `cpu`; `None` unless it lies between two sizes measured under the reference memory limit.
pub(super) fn at(runs: &Runs<'_>, cpu: MilliCpu) -> Option<Sized> {
    let points = runs.at_reference();
    let distance = |point: &Point<'_>| (1.0 / point.cpu.as_vcpu() - 1.0 / cpu.as_vcpu()).abs();
    let nearest = points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let scale = Scale {
        points: &points,
        from: nearest.cpu,
        to: cpu,
    };

    let mut cold = nearest.cold.clone();
    let mut start_miss: f64 = 0.0;
    for phase in PHASES {
        let times =
            |point: &Point<'_>| median(point.cold.iter().map(|start| phase(&mut start.clone()).as_millis_f64()));
        let (factor, miss) = scale.by(times)?;
        start_miss = start_miss.max(miss);
        for time in cold.iter_mut().map(phase) {
            *time = time.scale(factor);
        }
    }

    let (factor, overhead_miss) = scale.by(|point| median(empty_ms(point.warm)))?;
    let overhead = overhead(nearest.warm)?.scaled(factor);

    let mut by_route = BTreeMap::new();
    let mut cpu_misses = BTreeMap::new();
    for (route, mean) in cpu_ms(nearest.warm) {
        let batches = |point: &Point<'_>| median(point.warm.routes.get(&route)?.cpu_per_request().iter().copied());
        // A route that was not measured on both sides is not known here.
        if let Some((factor, miss)) = scale.by(batches) {
            cpu_misses.insert(route.clone(), miss);
            by_route.insert(route, mean * factor);
        }
    }

    // A size at which an instance is warm at once says nothing of how long others take.
    let curve = scale.by(|point| point.warm_up().total_ms());
    let code_warm_up = nearest.warm_up().scaled(curve.map_or(1.0, |(factor, _)| factor));
    Some(Sized {
        overhead,
        cpu_ms: by_route,
        memory: InFlight::of(nearest.warm),
        warm_memory: nearest.warm_memory,
        cold,
        cold_memory: nearest.cold_memory,
        starts: with(runs.cpu_mode),
        law: Some(Law {
            sizes: points.iter().map(|point| point.cpu).collect(),
            nearest: nearest.cpu,
            start_miss,
            overhead_miss,
            cpu_misses,
            warm_up_miss: curve.filter(|_| code_warm_up.curve().is_some()).map(|(_, miss)| miss),
        }),
        code_warm_up,
    })
}

/// From one measured size to one that was not.
struct Scale<'a> {
    points: &'a [Point<'a>],
    from: MilliCpu,
    to: MilliCpu,
}

impl Scale<'_> {
    /// The factor for a quantity, from its values at the measured sizes, and how far the law misses them at worst. `None`
    /// unless it was measured on both sides.
    fn by(&self, of: impl Fn(&Point<'_>) -> Option<f64>) -> Option<(f64, f64)> {
        let values = self.points.iter().filter_map(|point| Some((point.cpu, of(point)?)));
        let values: Vec<(MilliCpu, f64)> = values.collect();
        let (smallest, largest) = (values.first()?.0, values.last()?.0);
        if !(smallest < self.to && self.to < largest) {
            return None;
        }
        let values: Vec<(f64, f64)> = values.iter().map(|(cpu, value)| (cpu.as_vcpu(), *value)).collect();
        let law = Reciprocal::fit(&values)?;
        Some((
            law.factor(self.from.as_vcpu(), self.to.as_vcpu()),
            law.worst_miss(&values),
        ))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    order::median(&order::sorted(values))
}
