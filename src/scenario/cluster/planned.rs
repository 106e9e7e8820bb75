//! The cluster of a scenario, resolved.

use std::collections::BTreeMap;

use super::node_kind::node_kind;
use super::{ClusterSpec, ImageDiskSpec, PointSpec, SchedulerSpec, StrategySpec, VendorSpec};
use crate::assumption::Topic;
use crate::model::dist::DistSpec;
use crate::model::nodes;
use crate::model::price::PriceList;
use crate::scenario::plan::Planner;
use crate::sim::cluster::scheduler;
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::{
    ClusterPlan, FailureModel, ImageDisk, NodeKind, Plan, Provisioning, Pulls, Spec,
};
use crate::sim::platform::{PlatformSpec, fargate};

impl Planner<'_> {
    /// The platform with its cluster, where it has one.
    pub(in crate::scenario) fn platform(&mut self) -> PlatformSpec {
        let scenario = self.scenario;
        let pods = match &scenario.platform {
            PlatformSpec::Kubernetes(spec) => Some(spec.clone()),
            PlatformSpec::Knative(spec) => Some(spec.pods()),
            PlatformSpec::Fargate(spec) => {
                if scenario.cluster.is_some() {
                    self.problem(
                        "[cluster] has no meaning with [platform.fargate]: every task has a machine of its own",
                    );
                }
                return self.tasks(spec);
            }
            _ => None,
        };
        let Some(pods) = pods else {
            for (key, given, of) in [
                (
                    "[cluster]",
                    scenario.cluster.is_some(),
                    "[platform.kubernetes] or [platform.knative]",
                ),
                (
                    "[autoscaler]",
                    scenario.autoscaler.is_some(),
                    "[platform.kubernetes] or [platform.fargate]",
                ),
            ] {
                if given {
                    self.problem(format!(
                        "{key} has no meaning on the platform `{}`; it belongs to {of}",
                        scenario.platform.name()
                    ));
                }
            }
            return scenario.platform.clone();
        };
        let Some(cluster) = &scenario.cluster else {
            self.problem(format!(
                "[platform.{}] needs nodes: [cluster] with nodes = [{{ type = \"m7i.large\", count = 3 }}]",
                scenario.platform.name()
            ));
            return scenario.platform.clone();
        };
        let plan = Plan {
            cluster: self.cluster(cluster),
            workloads: Vec::new(),
        };
        let mut platform = scenario.platform.clone();
        if let Some(below) = platform.pods_mut() {
            *below = Spec { plan, ..pods };
        }
        platform
    }

    /// Fargate with what its tasks are.
    fn tasks(&mut self, spec: &fargate::Spec) -> PlatformSpec {
        let launch = spec
            .launch
            .clone()
            .unwrap_or_else(|| written("launch", fargate::DEFAULT_LAUNCH));
        let launch = self.dist("platform.fargate.launch", &launch).unwrap_or_else(|problem| {
            self.problem(problem);
            ClusterPlan::default().boot
        });
        self.assume(Topic::ColdStart.large(format!(
            "a Fargate task has a machine {:.0} s after it is asked for in the mean (a choice)",
            launch.mean_s()
        )));
        let cluster = ClusterPlan {
            launch: Some(launch),
            pulls: Pulls {
                registry_bytes_per_s: spec.registry_mb_per_s * 1e6,
                unpack_bytes_per_s: spec.unpack_mb_per_s * 1e6,
                serial: false,
                disk: None,
            },
            ..ClusterPlan::default()
        };
        let plan = Plan {
            cluster,
            workloads: Vec::new(),
        };
        PlatformSpec::Fargate(fargate::Spec {
            below: Spec { plan, ..spec.pods() },
            ..spec.clone()
        })
    }

    fn cluster(&mut self, spec: &ClusterSpec) -> ClusterPlan {
        let catalog = nodes::all();
        let cloud = spec.vendor.cloud();
        let prices = PriceList::find(cloud.price_list()).ok();
        let daemons = spec.daemonsets;
        let mut kinds: Vec<NodeKind> = Vec::new();
        if spec.nodes.is_empty() {
            self.problem("`cluster.nodes` is empty: name at least one kind of nodes");
        }
        for nodes in &spec.nodes {
            if kinds
                .iter()
                .any(|kind| kind.name == nodes.r#type && kind.spot == nodes.spot)
            {
                self.problem(format!("`cluster.nodes` names `{}` twice", nodes.r#type));
            }
            match node_kind(nodes, spec.vendor, &catalog, prices.as_ref()) {
                Ok(kind) => kinds.push(kind),
                Err(problem) => self.problem(problem),
            }
        }
        for kind in &kinds {
            let (cpu, memory) = (u64::from(daemons.cpu.0), u64::from(daemons.memory.0));
            if cpu > kind.allocatable.cpu || memory > kind.allocatable.memory || daemons.pods > kind.max_pods {
                self.problem(format!(
                    "`cluster.daemonsets` do not fit onto a node of type {}: pods can have {} vCPU, {}Mi and {} places there",
                    kind.name,
                    kind.allocatable.cpu as f64 / 1e3,
                    kind.allocatable.memory,
                    kind.max_pods
                ));
            }
        }
        if spec.zones == 0 {
            self.problem("`cluster.zones` must be at least 1");
        }
        for (key, rate) in [
            ("registry-mb-per-s", spec.registry_mb_per_s),
            ("unpack-mb-per-s", spec.unpack_mb_per_s),
        ] {
            if !(rate.is_finite() && rate > 0.0) {
                self.problem(format!("`cluster.{key}` must be above 0"));
            }
        }
        let provisioning = match (&spec.cluster_autoscaler, &spec.karpenter) {
            (Some(_), Some(_)) => {
                self.problem(
                    "give either [cluster.cluster-autoscaler] or [cluster.karpenter]: both would fight over nodes",
                );
                Provisioning::None
            }
            (Some(spec), None) => Provisioning::ClusterAutoscaler(spec.clone()),
            (None, Some(spec)) => Provisioning::Karpenter(spec.clone()),
            (None, None) => Provisioning::None,
        };
        let disk = spec.image_disk.map(|disk| self.image_disk(disk));
        let boot = spec.node_boot.clone().unwrap_or_else(default_boot);
        let boot = self.dist("cluster.node-boot", &boot).unwrap_or_else(|problem| {
            self.problem(problem);
            ClusterPlan::default().boot
        });
        self.assume_cluster(spec, &kinds, &provisioning, boot.mean_s());
        let failures = self.failure_model(spec);
        ClusterPlan {
            kinds,
            zones: spec.zones,
            daemons: Amount {
                cpu: u64::from(daemons.cpu.0),
                memory: u64::from(daemons.memory.0),
            },
            daemon_pods: daemons.pods,
            boot,
            pulls: Pulls {
                registry_bytes_per_s: spec.registry_mb_per_s * 1e6,
                unpack_bytes_per_s: spec.unpack_mb_per_s * 1e6,
                serial: spec.serialize_image_pulls.unwrap_or(spec.vendor != VendorSpec::Eks),
                disk,
            },
            scheduler: self.scheduler(&spec.scheduler),
            provisioning,
            meter: cloud.cluster_meter().to_string(),
            failures,
            launch: None,
        }
    }

    fn image_disk(&mut self, spec: ImageDiskSpec) -> ImageDisk {
        let ImageDiskSpec {
            size,
            high_threshold,
            low_threshold,
            minimum_age,
        } = spec;
        if size.0 == 0 || low_threshold >= high_threshold || high_threshold > 100 {
            self.problem(
                "`cluster.image-disk` needs a `size` above 0 and a `low-threshold` below the `high-threshold`, in percent up to 100",
            );
        }
        self.assume(Topic::Cluster.small(format!(
            "the kubelet deletes images that nobody uses when {high_threshold}% of the {size} for them are full, down to \
             {low_threshold}%; a pod that needs one again waits for it again"
        )));
        ImageDisk {
            bytes: size.0,
            high_percent: high_threshold,
            low_percent: low_threshold,
            least_age: minimum_age,
        }
    }

    fn scheduler(&mut self, spec: &SchedulerSpec) -> scheduler::SchedulerSettings {
        let shaped = spec.strategy == StrategySpec::RequestedToCapacityRatio;
        let rises = spec
            .shape
            .windows(2)
            .all(|pair| pair[0].utilization < pair[1].utilization);
        let within = |point: &PointSpec| point.utilization <= 100 && point.score <= 10;
        if shaped == spec.shape.is_empty() || !rises || !spec.shape.iter().all(within) {
            self.problem(
                "`cluster.scheduler.shape` belongs to the strategy `requested-to-capacity-ratio`, which needs it: points such as \
                 [{ utilization = 0, score = 0 }, { utilization = 100, score = 10 }], of rising utilization up to 100 and with \
                 scores up to 10",
            );
        }
        let point = |point: &PointSpec| scheduler::Point {
            utilisation: i64::from(point.utilization),
            score: 10 * i64::from(point.score),
        };
        scheduler::SchedulerSettings {
            strategy: match spec.strategy {
                StrategySpec::LeastAllocated => scheduler::Strategy::LeastAllocated,
                StrategySpec::MostAllocated => scheduler::Strategy::MostAllocated,
                StrategySpec::RequestedToCapacityRatio => {
                    scheduler::Strategy::RequestedToCapacityRatio(spec.shape.iter().map(point).collect())
                }
            },
            balanced_change: spec.balance_by_change,
            spread: spec.spread,
        }
    }

    fn failure_model(&mut self, spec: &ClusterSpec) -> FailureModel {
        let has_spot = spec.nodes.iter().any(|nodes| nodes.spot);
        if has_spot && spec.spot_lifetime.is_none() {
            self.problem(
                "how long the cloud leaves spot nodes alone is not known: say it with `cluster.spot-lifetime`, such as \
                 { exponential = { mean = \"240h\" } }",
            );
        }
        if !has_spot && spec.spot_lifetime.is_some() {
            self.problem("`cluster.spot-lifetime` needs nodes with `spot = true`");
        }
        let mut lifetime = |key: &str, given: &Option<DistSpec>| {
            let given = given.as_ref()?;
            match self.dist(key, given) {
                Ok(dist) => Some(dist),
                Err(problem) => {
                    self.problem(problem);
                    None
                }
            }
        };
        let spot_lifetime = lifetime("cluster.spot-lifetime", &spec.spot_lifetime);
        let node_lifetime = lifetime("cluster.node-lifetime", &spec.node_lifetime);
        if let Some(lifetime) = &spot_lifetime {
            self.assume(Topic::Cluster.large(format!(
                "the cloud takes a spot node back {:.1} h after it became ready in the mean (given), whatever the time of day and \
                 the other nodes do, and says so {} before: its pods are evicted then",
                lifetime.mean_s() / 3600.0,
                spec.spot_notice
            )));
        }
        if let Some(lifetime) = &node_lifetime {
            self.assume(Topic::Cluster.large(format!(
                "a node fails {:.1} h after it became ready in the mean (given): what is in service there fails, what its pods are \
                 sent in the next {} fails after {}, and its pods are replaced {} later",
                lifetime.mean_s() / 3600.0,
                spec.node_monitor_grace_period,
                spec.connect_timeout,
                spec.unreachable_toleration
            )));
        }
        FailureModel {
            spot_lifetime,
            spot_notice: spec.spot_notice,
            lifetime: node_lifetime,
            monitor_grace: spec.node_monitor_grace_period,
            toleration: spec.unreachable_toleration,
            connect_timeout: spec.connect_timeout,
        }
    }

    fn assume_cluster(&mut self, spec: &ClusterSpec, kinds: &[NodeKind], provisioning: &Provisioning, boot_s: f64) {
        let daemons = spec.daemonsets;
        for kind in kinds {
            self.assume(Topic::Cluster.note(format!(
                "of a node of type {} pods can have {} vCPU, {}Mi and {} places, DaemonSets included ({} vCPU, {}, {} pods)",
                kind.name,
                kind.allocatable.cpu as f64 / 1e3,
                kind.allocatable.memory,
                kind.max_pods,
                daemons.cpu.as_vcpu(),
                daemons.memory,
                daemons.pods
            )));
        }
        self.assume(Topic::Cluster.large(format!(
            "an image comes to a node at up to {} MB/s or what its network has, is unpacked at {} MB/s, and stays; services of \
             one framework share an image; nodes of the beginning have those of their pods",
            spec.registry_mb_per_s, spec.unpack_mb_per_s
        )));
        match provisioning {
            Provisioning::None => {
                self.assume(Topic::Cluster.note("nobody makes nodes or takes them away: pods that do not fit wait"))
            }
            _ => self.assume(Topic::Cluster.large(format!(
                "a node is ready {boot_s:.0} s after its launch in the mean (a choice)"
            ))),
        }
        if matches!(provisioning, Provisioning::Karpenter(_)) {
            let list = spec.vendor.cloud().price_list();
            self.assume(Topic::Cluster.small(format!("Karpenter chooses by the prices of {list}")));
        }
    }
}

/// Half of all nodes are ready within 45 s, and 99% within 90 s.
fn default_boot() -> DistSpec {
    written("boot", "boot = { lognormal = { median = '45s', p99 = '90s' } }")
}

/// A distribution that is written here, under a key.
fn written(key: &str, text: &str) -> DistSpec {
    let mut table: BTreeMap<String, DistSpec> =
        toml::from_str(text).unwrap_or_else(|error| unreachable!("a distribution: {error}"));
    table
        .remove(key)
        .unwrap_or_else(|| unreachable!("`{key}` is in `{text}`"))
}
