//! `[cluster.cluster-autoscaler]`: Cluster Autoscaler's keys. They are its flags.

use serde::Deserialize;

use crate::sim::platform::kubernetes::{ClusterAutoscalerPlan, Expander};
use crate::units::SimDuration;

/// `[cluster.cluster-autoscaler]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ClusterAutoscalerSpec {
    /// Time between two looks at the cluster (`--scan-interval`).
    pub scan_interval: SimDuration,
    /// True if nodes are removed (`--scale-down-enabled`).
    pub scale_down_enabled: bool,
    /// Time for which a node must be unneeded before it goes (`--scale-down-unneeded-time`).
    pub scale_down_unneeded_time: SimDuration,
    /// Share of a node's CPU or memory that pods request, below which it is unneeded (`--scale-down-utilization-threshold`).
    pub scale_down_utilization_threshold: f64,
    /// Time after a new node in which none goes (`--scale-down-delay-after-add`).
    pub scale_down_delay_after_add: SimDuration,
    /// Time after a node was deleted in which no other goes (`--scale-down-delay-after-delete`); default: `scan-interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_after_delete: Option<SimDuration>,
    /// `--max-scale-down-parallelism`: empty nodes that go at a time.
    pub max_scale_down_parallelism: u32,
    /// The rule that chooses among kinds of nodes (`--expander`).
    pub expander: ExpanderSpec,
}

/// `--expander`: the rule that chooses one of several groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ExpanderSpec {
    /// The one with the least idle CPU afterwards, then memory.
    LeastWaste,
    /// The one that takes the most pods.
    MostPods,
    /// The one that costs least for what it takes, by the price of its nodes.
    Price,
}

impl Default for ClusterAutoscalerSpec {
    fn default() -> Self {
        let ClusterAutoscalerPlan {
            scan_interval,
            scale_down_enabled,
            scale_down_unneeded_time,
            scale_down_utilization_threshold,
            scale_down_delay_after_add,
            scale_down_delay_after_delete,
            max_scale_down_parallelism,
            expander,
        } = ClusterAutoscalerPlan::default();
        Self {
            scan_interval,
            scale_down_enabled,
            scale_down_unneeded_time,
            scale_down_utilization_threshold,
            scale_down_delay_after_add,
            scale_down_delay_after_delete,
            max_scale_down_parallelism,
            expander: match expander {
                Expander::LeastWaste => ExpanderSpec::LeastWaste,
                Expander::MostPods => ExpanderSpec::MostPods,
                Expander::Price => ExpanderSpec::Price,
            },
        }
    }
}

impl ClusterAutoscalerSpec {
    /// Everything that is wrong with the settings, each with the way out.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.scan_interval < SimDuration::from_secs(1) {
            problems.push("`scan-interval` must be at least 1s".into());
        }
        if !(0.0..=1.0).contains(&self.scale_down_utilization_threshold) {
            problems.push(format!(
                "`scale-down-utilization-threshold` is {}; it is a share of a node, from 0 to 1, such as 0.5",
                self.scale_down_utilization_threshold
            ));
        }
        if self.max_scale_down_parallelism == 0 {
            problems.push(
                "`max-scale-down-parallelism` must be at least 1; write `scale-down-enabled = false` if no node may go"
                    .into(),
            );
        }
        problems
    }

    /// The settings for the simulator.
    pub fn plan(&self) -> ClusterAutoscalerPlan {
        let Self {
            scan_interval,
            scale_down_enabled,
            scale_down_unneeded_time,
            scale_down_utilization_threshold,
            scale_down_delay_after_add,
            scale_down_delay_after_delete,
            max_scale_down_parallelism,
            expander,
        } = *self;
        ClusterAutoscalerPlan {
            scan_interval,
            scale_down_enabled,
            scale_down_unneeded_time,
            scale_down_utilization_threshold,
            scale_down_delay_after_add,
            scale_down_delay_after_delete,
            max_scale_down_parallelism,
            expander: match expander {
                ExpanderSpec::LeastWaste => Expander::LeastWaste,
                ExpanderSpec::MostPods => Expander::MostPods,
                ExpanderSpec::Price => Expander::Price,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ClusterAutoscalerSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_left_out_is_cluster_autoscalers() {
        assert_eq!(read("").plan(), ClusterAutoscalerPlan::default());
    }

    #[test]
    fn every_key_reaches_the_simulator() {
        let spec = read(
            "scan-interval = '20s'\nscale-down-enabled = false\nscale-down-unneeded-time = '5m'\n\
             scale-down-utilization-threshold = 0.7\nscale-down-delay-after-add = '2m'\nscale-down-delay-after-delete = '3m'\nmax-scale-down-parallelism = 3\n\
             expander = 'most-pods'",
        );
        assert_eq!(spec.problems(), [""; 0]);
        let plan = ClusterAutoscalerPlan {
            scan_interval: SimDuration::from_secs(20),
            scale_down_enabled: false,
            scale_down_unneeded_time: SimDuration::from_secs(300),
            scale_down_utilization_threshold: 0.7,
            scale_down_delay_after_add: SimDuration::from_secs(120),
            scale_down_delay_after_delete: Some(SimDuration::from_secs(180)),
            max_scale_down_parallelism: 3,
            expander: Expander::MostPods,
        };
        assert_eq!(spec.plan(), plan);
    }

    #[test]
    fn what_cannot_be_is_a_problem() {
        for (text, wrong) in [
            ("scan-interval = '1s'", 0),
            ("scan-interval = '0s'", 1),
            ("scale-down-utilization-threshold = 1.0", 0),
            ("scale-down-utilization-threshold = 50.0", 1),
            ("scale-down-utilization-threshold = nan", 1),
            ("max-scale-down-parallelism = 0", 1),
        ] {
            assert_eq!(read(text).problems().len(), wrong, "{text}");
        }
    }
}
