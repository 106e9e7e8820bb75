//! `[cluster.karpenter]`: Karpenter's keys. They are those of its NodePool and of its settings, in kebab-case.

use serde::Deserialize;

use crate::sim::platform::kubernetes::{ConsolidationPolicy, KarpenterPlan};
use crate::units::SimDuration;

/// `[cluster.karpenter]`
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KarpenterSpec {
    /// `BATCH_IDLE_DURATION`: nodes are made when no pod has come for so long.
    pub batch_idle_duration: SimDuration,
    /// `BATCH_MAX_DURATION`: or after so long at the latest.
    pub batch_max_duration: SimDuration,
    /// Which nodes Karpenter may remove or replace to save money (`disruption.consolidationPolicy`).
    pub consolidation_policy: ConsolidationPolicySpec,
    /// `disruption.consolidateAfter`: time since a pod came to or left a node.
    pub consolidate_after: SimDuration,
    /// `disruption.budgets`: share of nodes that may be disrupted at a time, rounded up.
    pub budget: f64,
    /// `expireAfter`: age at which a node is drained, whatever budgets say.
    pub expire_after: SimDuration,
    /// Times since the start of the run at which the node class changes, for example to a new machine image. Nodes that were
    /// launched before have drifted from then on.
    pub drifts: Vec<SimDuration>,
}

/// `consolidationPolicy`: the nodes that consolidation looks at. The names are upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ConsolidationPolicySpec {
    /// Nodes without pods.
    WhenEmpty,
    /// Also nodes whose pods fit elsewhere for less.
    WhenEmptyOrUnderutilized,
    /// The same, if the saving is worth the disruption: the share of the nodes' cost that is saved is at least half of the
    /// share of the disruption of all nodes.
    Balanced,
}

impl Default for KarpenterSpec {
    fn default() -> Self {
        let KarpenterPlan {
            batch_idle_duration,
            batch_max_duration,
            consolidation_policy,
            consolidate_after,
            budget,
            expire_after,
            drifts,
        } = KarpenterPlan::default();
        Self {
            batch_idle_duration,
            batch_max_duration,
            consolidation_policy: match consolidation_policy {
                ConsolidationPolicy::WhenEmpty => ConsolidationPolicySpec::WhenEmpty,
                ConsolidationPolicy::WhenEmptyOrUnderutilized => ConsolidationPolicySpec::WhenEmptyOrUnderutilized,
                ConsolidationPolicy::Balanced => ConsolidationPolicySpec::Balanced,
            },
            consolidate_after,
            budget,
            expire_after,
            drifts,
        }
    }
}

impl KarpenterSpec {
    /// Everything that is wrong with the settings, each with the way out.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.budget) {
            problems.push(format!(
                "`budget` is {}; it is a share of the nodes, from 0 to 1, such as 0.1",
                self.budget
            ));
        }
        if self.batch_max_duration < self.batch_idle_duration {
            problems.push("`batch-max-duration` must not be below `batch-idle-duration`".into());
        }
        problems
    }

    /// The settings for the simulator.
    pub fn plan(&self) -> KarpenterPlan {
        let Self {
            batch_idle_duration,
            batch_max_duration,
            consolidation_policy,
            consolidate_after,
            budget,
            expire_after,
            ref drifts,
        } = *self;
        KarpenterPlan {
            batch_idle_duration,
            batch_max_duration,
            consolidation_policy: match consolidation_policy {
                ConsolidationPolicySpec::WhenEmpty => ConsolidationPolicy::WhenEmpty,
                ConsolidationPolicySpec::WhenEmptyOrUnderutilized => ConsolidationPolicy::WhenEmptyOrUnderutilized,
                ConsolidationPolicySpec::Balanced => ConsolidationPolicy::Balanced,
            },
            consolidate_after,
            budget,
            expire_after,
            drifts: drifts.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> KarpenterSpec {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_left_out_is_karpenters() {
        assert_eq!(read("").plan(), KarpenterPlan::default());
    }

    #[test]
    fn every_key_reaches_the_simulator() {
        let spec = read(
            "batch-idle-duration = '2s'\nbatch-max-duration = '20s'\nconsolidation-policy = 'Balanced'\n\
             consolidate-after = '5m'\nbudget = 0.25\nexpire-after = '24h'\ndrifts = ['1h', '3h']",
        );
        assert_eq!(spec.problems(), [""; 0]);
        let plan = KarpenterPlan {
            batch_idle_duration: SimDuration::from_secs(2),
            batch_max_duration: SimDuration::from_secs(20),
            consolidation_policy: ConsolidationPolicy::Balanced,
            consolidate_after: SimDuration::from_secs(300),
            budget: 0.25,
            expire_after: SimDuration::from_secs(86_400),
            drifts: vec![SimDuration::from_secs(3600), SimDuration::from_secs(10_800)],
        };
        assert_eq!(spec.plan(), plan);
    }

    #[test]
    fn what_cannot_be_is_a_problem() {
        for (text, wrong) in [
            ("budget = 0.0", 0),
            ("budget = 1.0", 0),
            ("budget = 1.5", 1),
            ("budget = -0.1", 1),
            ("budget = nan", 1),
            ("batch-idle-duration = '10s'", 0),
            ("batch-idle-duration = '11s'", 1),
        ] {
            assert_eq!(read(text).problems().len(), wrong, "{text}");
        }
    }
}
