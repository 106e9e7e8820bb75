//! The cost of a unit of work on an instance of some size. Work was measured in sizes under one CPU limit; elsewhere its cost
//! changes as that of the route `/items` does.

use std::collections::BTreeMap;

use super::EMPTY_ROUTE;
use crate::model::profile::{FrameworkProfile, RouteRun, WarmRun};
use crate::model::unit_cost::{self, UnitCost};

/// The routes by which costs under two CPU limits are compared, the best one first.
const COMPARED: [&str; 2] = ["items", EMPTY_ROUTE];

/// The costs of units of work in a framework on an instance of some size.
pub(super) struct Units<'a> {
    warm: Option<&'a WarmRun>,
    /// The cost on this instance over the measured one.
    pub(super) scale: f64,
}

impl<'a> Units<'a> {
    /// The costs on an instance whose routes take `cpu_ms` of CPU time.
    pub(super) fn on(profile: &'a FrameworkProfile, cpu_ms: &BTreeMap<String, f64>) -> Self {
        let warm = unit_cost::measured_in(profile);
        let scale = COMPARED.into_iter().find_map(|route| {
            let there = warm?.routes.get(route).map(RouteRun::cpu_per_request)?;
            let mean = there.iter().sum::<f64>() / there.len() as f64;
            cpu_ms
                .get(route)
                .map(|here| here / mean)
                .filter(|scale| scale.is_finite() && *scale > 0.0)
        });
        Self {
            warm,
            scale: scale.unwrap_or(1.0),
        }
    }

    /// The costs as they were measured.
    pub(super) fn measured(profile: &'a FrameworkProfile) -> Self {
        Self {
            warm: unit_cost::measured_in(profile),
            scale: 1.0,
        }
    }

    /// The kinds of work.
    pub(super) fn kinds(&self) -> Vec<String> {
        self.warm.map(unit_cost::kinds).unwrap_or_default()
    }

    /// The cost of a unit of a kind; `None` if it was not measured.
    pub(super) fn cost(&self, kind: &str) -> Option<UnitCost> {
        let cost = unit_cost::of(self.warm?, kind)?;
        Some(UnitCost {
            ms: cost.ms * self.scale,
            interval: cost.interval.map(|(low, high)| (low * self.scale, high * self.scale)),
            ..cost
        })
    }

    /// The costs of all kinds, or of one.
    pub(super) fn costs(&self, only: Option<&str>) -> BTreeMap<String, UnitCost> {
        let kinds = self
            .kinds()
            .into_iter()
            .filter(|kind| only.is_none_or(|only| only == kind));
        kinds
            .filter_map(|kind| Some((kind.clone(), self.cost(&kind)?)))
            .collect()
    }
}
