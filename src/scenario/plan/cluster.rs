//! The cluster of a scenario, resolved: nodes, images, the scheduler, and who makes nodes and takes them away.

use super::node_kind::node_kind;
use crate::assumption::Topic;
use crate::model::dist::DistSpec;
use crate::model::nodes;
use crate::model::price::PriceList;
use crate::scenario::file::Scenario;
use crate::scenario::file::cluster::{ClusterSpec, ImageDiskSpec, PointSpec, SchedulerSpec, StrategySpec, VendorSpec};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::sim::cluster::scheduler;
use crate::sim::platform::control::Amount;
use crate::sim::platform::kubernetes::{ClusterPlan, FailureModel, ImageDisk, NodeKind, Provisioning, Pulls};
use crate::sim::platform::{RunsOn, TaskMachine};
use crate::units::SimDuration;

/// The cluster below the pods or tasks of the platform; `None` where the platform has neither.
pub(super) fn cluster(scenario: &Scenario, files: Files<'_>) -> Found<Option<ClusterPlan>> {
    let mut findings = Findings::default();
    let platform = scenario.platform.name();
    let cluster = match (scenario.platform.part().runs_on(), &scenario.cluster) {
        (RunsOn::Functions, cluster) => {
            for (key, given, needed) in [
                ("[cluster]", cluster.is_some(), "nodes"),
                ("[autoscaler]", scenario.autoscaler.is_some(), "pods or tasks"),
            ] {
                if given {
                    findings.problem(format!(
                        "{key} has no meaning on the platform `{platform}`; it belongs to a platform with {needed}"
                    ));
                }
            }
            None
        }
        (RunsOn::Tasks(_, machine), cluster) => {
            if cluster.is_some() {
                findings.problem(format!(
                    "[cluster] has no meaning with [platform.{platform}]: every task has a machine of its own"
                ));
            }
            Some(findings.take(on_machines(platform, &machine, files)))
        }
        (RunsOn::Nodes(_), Some(spec)) => Some(findings.take(on_nodes(spec, files))),
        (RunsOn::Nodes(_), None) => {
            findings.problem(format!(
                "[platform.{platform}] needs nodes: [cluster] with nodes = [{{ type = \"m7i.large\", count = 3 }}]"
            ));
            Some(ClusterPlan::default())
        }
    };
    (cluster, findings)
}

/// Machines of single tasks.
fn on_machines(platform: &str, machine: &TaskMachine, files: Files<'_>) -> Found<ClusterPlan> {
    let mut findings = Findings::default();
    let launch = findings.ok(files.dist(&format!("platform.{platform}.launch"), &machine.launch));
    let launch = launch.unwrap_or(ClusterPlan::default().boot);
    findings.assume(Topic::ColdStart.large(format!(
        "a task has a machine {:.0} s after it is asked for in the mean (a choice)",
        launch.mean_s()
    )));
    let cluster = ClusterPlan {
        launch: Some(launch),
        pulls: Pulls {
            registry_bytes_per_s: machine.registry_mb_per_s * 1e6,
            unpack_bytes_per_s: machine.unpack_mb_per_s * 1e6,
            serial: false,
            disk: None,
        },
        ..ClusterPlan::default()
    };
    (cluster, findings)
}

/// Kinds of nodes, each with room for its DaemonSets.
fn kinds(spec: &ClusterSpec) -> Found<Vec<NodeKind>> {
    let mut findings = Findings::default();
    let catalog = nodes::all();
    let prices = PriceList::find(spec.vendor.cloud().price_list()).ok();
    let daemons = spec.daemonsets;
    let mut kinds: Vec<NodeKind> = Vec::new();
    if spec.nodes.is_empty() {
        findings.problem("`cluster.nodes` is empty: name at least one kind of nodes");
    }
    for nodes in &spec.nodes {
        if kinds
            .iter()
            .any(|kind| kind.name == nodes.r#type && kind.spot == nodes.spot)
        {
            findings.problem(format!("`cluster.nodes` names `{}` twice", nodes.r#type));
        }
        kinds.extend(findings.ok(node_kind(nodes, spec.vendor, &catalog, prices.as_ref())));
    }
    for kind in &kinds {
        let (cpu, memory) = (u64::from(spec.daemonsets.cpu.0), u64::from(spec.daemonsets.memory.0));
        if cpu > kind.allocatable.cpu || memory > kind.allocatable.memory || daemons.pods > kind.max_pods {
            findings.problem(format!(
                "`cluster.daemonsets` do not fit onto a node of type {}: pods can have {} vCPU, {}Mi and {} places there",
                kind.name,
                kind.allocatable.cpu as f64 / 1e3,
                kind.allocatable.memory,
                kind.max_pods
            ));
        }
    }
    (kinds, findings)
}

/// Nodes, and what holds on them.
fn on_nodes(spec: &ClusterSpec, files: Files<'_>) -> Found<ClusterPlan> {
    let mut findings = Findings::default();
    let kinds = findings.take(kinds(spec));
    if spec.zones == 0 {
        findings.problem("`cluster.zones` must be at least 1");
    }
    for (key, rate) in [
        ("registry-mb-per-s", spec.registry_mb_per_s),
        ("unpack-mb-per-s", spec.unpack_mb_per_s),
    ] {
        if !(rate.is_finite() && rate > 0.0) {
            findings.problem(format!("`cluster.{key}` must be above 0"));
        }
    }
    let provisioning = match (&spec.cluster_autoscaler, &spec.karpenter) {
        (Some(_), Some(_)) => {
            findings.problem(
                "give either [cluster.cluster-autoscaler] or [cluster.karpenter]: both would fight over nodes",
            );
            Provisioning::None
        }
        (Some(spec), None) => {
            findings.problems_of("cluster.cluster-autoscaler", spec.problems());
            Provisioning::ClusterAutoscaler(spec.plan())
        }
        (None, Some(spec)) => {
            findings.problems_of("cluster.karpenter", spec.problems());
            Provisioning::Karpenter(spec.plan())
        }
        (None, None) => Provisioning::None,
    };
    let disk = spec.image_disk.map(|disk| findings.take(image_disk(disk)));
    let boot = spec.node_boot.clone().unwrap_or_else(default_boot);
    let boot = findings.ok(files.dist("cluster.node-boot", &boot));
    let boot = boot.unwrap_or(ClusterPlan::default().boot);
    findings.merge(assumptions(spec, &kinds, &provisioning, boot.mean_s()));
    findings.assume(match spec.cpu_sharing_period {
        SimDuration::ZERO => Topic::Cluster.factor("pods on a node never compete for its CPU"),
        period => Topic::Cluster.small(format!(
            "pods that want more CPU than their node has share it by their requests, worked out anew every {period} (a choice); starts are not \
             slowed"
        )),
    });
    let plan = ClusterPlan {
        kinds,
        zones: spec.zones,
        daemons: Amount {
            cpu: u64::from(spec.daemonsets.cpu.0),
            memory: u64::from(spec.daemonsets.memory.0),
        },
        daemon_pods: spec.daemonsets.pods,
        boot,
        cpu_period: spec.cpu_sharing_period,
        pulls: Pulls {
            registry_bytes_per_s: spec.registry_mb_per_s * 1e6,
            unpack_bytes_per_s: spec.unpack_mb_per_s * 1e6,
            serial: spec.serialize_image_pulls.unwrap_or(spec.vendor != VendorSpec::Eks),
            disk,
        },
        scheduler: findings.take(scheduler(&spec.scheduler)),
        provisioning,
        meter: spec.vendor.cloud().cluster_meter().to_string(),
        failures: findings.take(failure_model(spec, files)),
        launch: None,
    };
    (plan, findings)
}

fn image_disk(spec: ImageDiskSpec) -> Found<ImageDisk> {
    let mut findings = Findings::default();
    let ImageDiskSpec {
        size,
        high_threshold,
        low_threshold,
        minimum_age,
    } = spec;
    if size.0 == 0 || low_threshold >= high_threshold || high_threshold > 100 {
        findings.problem(
            "`cluster.image-disk` needs a `size` above 0 and a `low-threshold` below the `high-threshold`, in percent up to 100",
        );
    }
    findings.assume(Topic::Cluster.small(format!(
        "the kubelet deletes images that nobody uses when {high_threshold}% of the {size} for them are full, down to \
         {low_threshold}%"
    )));
    let disk = ImageDisk {
        bytes: size.0,
        high_percent: high_threshold,
        low_percent: low_threshold,
        least_age: minimum_age,
    };
    (disk, findings)
}

fn scheduler(spec: &SchedulerSpec) -> Found<scheduler::SchedulerSettings> {
    let mut findings = Findings::default();
    let shaped = spec.strategy == StrategySpec::RequestedToCapacityRatio;
    let rises = spec
        .shape
        .windows(2)
        .all(|pair| pair[0].utilization < pair[1].utilization);
    let within = |point: &PointSpec| point.utilization <= 100 && point.score <= 10;
    if shaped == spec.shape.is_empty() || !rises || !spec.shape.iter().all(within) {
        findings.problem(
            "`cluster.scheduler.shape` belongs to the strategy `requested-to-capacity-ratio`, which needs it: points such as \
             [{ utilization = 0, score = 0 }, { utilization = 100, score = 10 }], of rising utilization up to 100 and with \
             scores up to 10",
        );
    }
    let point = |point: &PointSpec| scheduler::Point {
        utilisation: i64::from(point.utilization),
        score: 10 * i64::from(point.score),
    };
    let scheduler = scheduler::SchedulerSettings {
        strategy: match spec.strategy {
            StrategySpec::LeastAllocated => scheduler::Strategy::LeastAllocated,
            StrategySpec::MostAllocated => scheduler::Strategy::MostAllocated,
            StrategySpec::RequestedToCapacityRatio => {
                scheduler::Strategy::RequestedToCapacityRatio(spec.shape.iter().map(point).collect())
            }
        },
        balanced_change: spec.balance_by_change,
        spread: spec.spread,
    };
    (scheduler, findings)
}

fn failure_model(spec: &ClusterSpec, files: Files<'_>) -> Found<FailureModel> {
    let mut findings = Findings::default();
    let has_spot = spec.nodes.iter().any(|nodes| nodes.spot);
    if has_spot && spec.spot_lifetime.is_none() {
        findings.problem(
            "how long the cloud leaves spot nodes alone is not known: say it with `cluster.spot-lifetime`, such as \
             { exponential = { mean = \"240h\" } }",
        );
    }
    if !has_spot && spec.spot_lifetime.is_some() {
        findings.problem("`cluster.spot-lifetime` needs nodes with `spot = true`");
    }
    let mut lifetime = |key: &str, given: &Option<DistSpec>| findings.ok(files.dist(key, given.as_ref()?));
    let spot_lifetime = lifetime("cluster.spot-lifetime", &spec.spot_lifetime);
    let node_lifetime = lifetime("cluster.node-lifetime", &spec.node_lifetime);
    if let Some(lifetime) = &spot_lifetime {
        findings.assume(Topic::Cluster.large(format!(
            "the cloud takes a spot node back {:.1} h after it became ready in the mean (given), and its pods are evicted {} before",
            lifetime.mean_s() / 3600.0,
            spec.spot_notice
        )));
    }
    if let Some(lifetime) = &node_lifetime {
        findings.assume(Topic::Cluster.large(format!(
            "a node fails {:.1} h after it became ready in the mean (given), and what is in service there fails",
            lifetime.mean_s() / 3600.0,
        )));
        findings.assume(Topic::Cluster.small(format!(
            "what the pods of a failed node are sent in the next {} fails after {}, and they are replaced {} later",
            spec.node_monitor_grace_period, spec.connect_timeout, spec.unreachable_toleration
        )));
    }
    let failures = FailureModel {
        spot_lifetime,
        spot_notice: spec.spot_notice,
        lifetime: node_lifetime,
        monitor_grace: spec.node_monitor_grace_period,
        toleration: spec.unreachable_toleration,
        connect_timeout: spec.connect_timeout,
    };
    (failures, findings)
}

fn assumptions(spec: &ClusterSpec, kinds: &[NodeKind], provisioning: &Provisioning, boot_s: f64) -> Findings {
    let mut findings = Findings::default();
    let daemons = spec.daemonsets;
    for kind in kinds {
        findings.assume(Topic::Cluster.note(format!(
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
    findings.assume(Topic::Cluster.large(format!(
        "an image comes to a node at up to {} MB/s or what its network has, is unpacked at {} MB/s, and stays",
        spec.registry_mb_per_s, spec.unpack_mb_per_s
    )));
    findings
        .assume(Topic::Cluster.note(
            "services of one framework share an image, and nodes of the beginning have the images of their pods",
        ));
    match provisioning {
        Provisioning::None => {
            findings.assume(Topic::Cluster.note("nobody makes nodes or takes them away: pods that do not fit wait"))
        }
        _ => findings.assume(Topic::Cluster.large(format!(
            "a node is ready {boot_s:.0} s after its launch in the mean (a choice)"
        ))),
    }
    if matches!(provisioning, Provisioning::Karpenter(_)) {
        let list = spec.vendor.cloud().price_list();
        findings.assume(Topic::Cluster.small(format!("Karpenter chooses by the prices of {list}")));
    }
    findings
}

/// Half of all nodes are ready within 45 s, and 99 % within 90 s.
fn default_boot() -> DistSpec {
    DistSpec::lognormal(SimDuration::from_secs(45), SimDuration::from_secs(90))
}
