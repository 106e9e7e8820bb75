//! Pods on a cluster: bills, nodes and packing worked out by hand.

use crate::common::{Sandbox, table};

/// A request each 100 ms of 50 ms for two hours, on pods that request 500 m and 1 GiB.
fn scenario(autoscaler: &str, cluster: &str) -> String {
    format!(
        "schema = 1\nname = \"shop\"\nreplications = 2\nwarm-up = \"10m\"\nhorizon = \"130m\"\nframeworks = [\"steady\"]\n\
         [traffic.constant]\ngap = \"100ms\"\n[prices]\nlist = \"aws-us-east-1\"\n\
         [profile.steady]\nservice-time = \"50ms\"\ncold-start = \"4s\"\n\
         [platform.kubernetes]\ncpu = \"1\"\ncpu-request = \"500m\"\nmemory = \"1Gi\"\n{autoscaler}\n{cluster}\n"
    )
}

/// Returns the messages about a scenario that is refused.
#[track_caller]
fn refused(sandbox: &Sandbox) -> String {
    let ran = sandbox.run("simulate s.toml --quiet --out out");
    assert_eq!(ran.code, Some(2), "{ran}");
    ran.stderr
}

const TWO_NODES: &str = "[cluster]\nnodes = [{ type = \"m7i.large\", count = 2 }]";

fn number(row: &std::collections::BTreeMap<String, String>, column: &str) -> f64 {
    row[column]
        .parse()
        .unwrap_or_else(|_| panic!("{column} is `{}`", row[column]))
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
        "{found} and not {expected}"
    );
}

/// Two nodes of 0.1008 dollars an hour and a cluster of 0.10. Of each node of 2 vCPU and 8 GiB pods can have 1.93 vCPU and
/// 7,518 MiB (EKS, 29 pods), of which kube-proxy and the network plugin ask for 150 m.
#[test]
fn nodes_are_billed_and_packed() {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", &scenario("[autoscaler.fixed]\nreplicas = 3", TWO_NODES));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    close(number(row, "monthly_cost_usd"), 730.0 * (2.0 * 0.1008 + 0.1));
    assert_eq!((number(row, "nodes_mean"), number(row, "nodes_peak")), (2.0, 2.0));
    assert_eq!(
        (
            number(row, "instances_mean"),
            number(row, "failed"),
            number(row, "rejected")
        ),
        (3.0, 0.0, 0.0)
    );
    assert_eq!(number(row, "requests"), number(row, "completed"));
    // Half a request in flight, on three pods.
    close(number(row, "busy_mean"), 0.5);
    assert_eq!(row["idle_cost_usd"], "");
    let packing = table(&sandbox.read("out/packing.csv"));
    // Three pods of 0.5 vCPU and 1 GiB: 1.5 + 0.15 vCPU and 3,072 MiB fit onto one node of 2 vCPU and 4 GiB (3,422 MiB with
    // places for 29 pods), of which a c5.large at 0.085 dollars is the cheapest that is not burstable.
    assert_eq!(
        (packing[0]["best_node_type"].as_str(), packing[0]["best_nodes"].as_str()),
        ("c5.large", "1")
    );
    close(number(&packing[0], "best_nodes_monthly_cost_usd"), 730.0 * 0.085);
    let [cpu, memory] = [&packing[0], &packing[1]];
    close(number(cpu, "allocatable"), 2.0 * 1.93);
    close(number(cpu, "daemonsets"), 0.3);
    close(number(cpu, "requested"), 1.5);
    close(number(cpu, "free"), 2.0 * 1.93 - 0.3 - 1.5);
    close(number(memory, "allocatable"), 2.0 * 7_518.0);
    close(number(memory, "requested"), 3.0 * 1_024.0);
    // Three pods of 0.5 vCPU fit onto one node of 1.78.
    assert_eq!((number(cpu, "nodes_least_mean"), number(cpu, "pods_mean")), (1.0, 3.0));
    assert_eq!((number(cpu, "pods_pending_peak"), cpu["used"].as_str()), (0.0, ""));
    let timeline = table(&sandbox.read("out/timeline.csv"));
    assert!(timeline.iter().all(|bin| bin["nodes"] == "2"), "{:?}", timeline[0]);
}

/// The bill of nodes is shared by what pods request: one of 500 m and 1 GiB, three of 500 m and 3 GiB. Parts of CPU 1/4 and
/// 3/4, of memory 1/10 and 9/10.
#[test]
fn services_share_nodes_by_their_requests() {
    let sandbox = Sandbox::new();
    let service = |name: &str, replicas: u32, memory: &str| {
        format!(
            "[[service]]\nname = \"{name}\"\nframework = \"steady\"\nautoscaler = {{ fixed = {{ replicas = {replicas} }} }}\n\
             pod = {{ memory = \"{memory}\" }}\n"
        )
    };
    let text = scenario("", TWO_NODES).replace("frameworks = [\"steady\"]\n", "");
    let text = format!("{text}{}{}", service("small", 1, "1Gi"), service("large", 3, "3Gi"));
    sandbox.write("s.toml", &text);
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let rows = table(&sandbox.read("out/summary.csv"));
    let of = |service: &str| rows.iter().find(|row| row["service"] == service).unwrap();
    let all = 730.0 * (2.0 * 0.1008 + 0.1);
    close(number(of("all"), "monthly_cost_usd"), all);
    close(number(of("small"), "monthly_cost_usd"), all * (0.25 + 0.1) / 2.0);
    close(number(of("large"), "monthly_cost_usd"), all * (0.75 + 0.9) / 2.0);
    // Nodes are nobody's in particular.
    assert_eq!(
        (of("all")["nodes_mean"].as_str(), of("small")["nodes_mean"].as_str()),
        ("2", "")
    );
}

/// Without pods requests are turned away, or wait as long as they may.
#[test]
fn without_a_ready_pod_requests_are_answered_with_503_or_held() {
    let run = |hold: &str| {
        let sandbox = Sandbox::new();
        let autoscaler = format!(
            "hold = \"{hold}\"\n[autoscaler.fixed]\nreplicas = 0\nschedule = [{{ at = \"70m\", replicas = 1 }}]"
        );
        sandbox.write("s.toml", &scenario(&autoscaler, TWO_NODES));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        table(&sandbox.read("out/summary.csv"))[0].clone()
    };
    let refused = run("0s");
    // An hour at ten a second, and a readiness probe every 10 s.
    let rejected = number(&refused, "rejected");
    assert!((36_000.0..=36_110.0).contains(&rejected), "{rejected}");
    let both = format!("no-ready-instance={}", 2.0 * rejected);
    assert_eq!(refused["rejected_reasons"], both);
    let held = run("30s");
    // Those of the last half minute and of the start got an answer.
    let difference = rejected - number(&held, "rejected");
    assert!((300.0..=410.0).contains(&difference), "{difference}");
    assert!(held["rejected_reasons"].starts_with("pending-too-long="));
}

/// Ten times the traffic from an hour on: the autoscaler asks for pods by the rate, Karpenter for nodes, and both go back.
#[test]
fn pods_and_nodes_follow_the_traffic() {
    let sandbox = Sandbox::new();
    let text = scenario(
        "[autoscaler.hpa]\nmin-replicas = 2\nmax-replicas = 40\nrate = \"10/s\"",
        "[cluster]\nnodes = [{ type = \"m7i.large\", count = 1 }, { type = \"m7i.xlarge\" }]\n[cluster.karpenter]",
    );
    let crowd = "[traffic.flash-crowd]\nbase-rate = \"20/s\"\npeak-factor = 10\nstart = \"60m\"\nrise = \"2m\"\nplateau = \"20m\"\n\
                 decay = \"2m\"";
    let text = text.replace("[traffic.constant]\ngap = \"100ms\"", crowd);
    sandbox.write("s.toml", &text);
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    assert!(number(row, "instances_peak") >= 18.0, "{}", row["instances_peak"]);
    assert!(number(row, "nodes_peak") >= 3.0, "{}", row["nodes_peak"]);
    let timeline = table(&sandbox.read("out/timeline.csv"));
    let mean = |from: f64, to: f64, column: &str| {
        let bins = timeline.iter().filter(|bin| (from..to).contains(&number(bin, "t_s")));
        let values: Vec<f64> = bins.map(|bin| number(bin, column)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let before = mean(1_800.0, 3_500.0, "instances");
    let during = mean(4_200.0, 4_800.0, "instances");
    assert!(
        (2.0..=3.0).contains(&before) && (18.0..=24.0).contains(&during),
        "{before} and {during}"
    );
    assert_eq!(mean(1_800.0, 3_500.0, "nodes").round(), 1.0);
    assert!(mean(7_000.0, 7_790.0, "nodes") < mean(4_200.0, 4_800.0, "nodes"));
    // The same for any number of threads.
    let summary = sandbox.read("out/summary.csv");
    sandbox.run("simulate s.toml --quiet --threads 1 --out again").ok();
    assert_eq!(summary, sandbox.read("again/summary.csv"));
}

/// Knative: nothing runs while nobody asks, and the first request waits for a pod.
#[test]
fn knative_goes_to_zero_between_bursts() {
    let sandbox = Sandbox::new();
    let text = "schema = 1\nname = \"bursts\"\nreplications = 1\nhorizon = \"1h\"\nframeworks = [\"steady\"]\n\
                [traffic.constant]\ngap = \"600s\"\n[profile.steady]\nservice-time = \"50ms\"\ncold-start = \"4s\"\n\
                [platform.knative]\n[cluster]\nnodes = [{ type = \"m7i.large\", count = 1 }]\n";
    sandbox.write("s.toml", text);
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    assert_eq!((number(row, "requests"), number(row, "completed")), (5.0, 5.0));
    // The image is not known, so that a pod takes its 4 s, and the request its 50 ms.
    close(number(row, "latency_mean_ms"), 4_050.0);
    // The pod of the beginning, and one for each burst.
    assert_eq!(number(row, "instances_created"), 6.0);
    // Each lives for some 64 to 100 s of 600.
    let mean = number(row, "instances_mean");
    assert!((0.08..0.2).contains(&mean), "{mean}");
}

#[test]
fn what_a_cluster_cannot_be_is_said() {
    let refused = |text: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("s.toml", text);
        let ran = sandbox.run("check s.toml").to_string();
        assert!(ran.starts_with("exit 2"), "{ran}");
        ran
    };
    let says = |text: &str, part: &str| {
        let ran = refused(text);
        assert!(ran.contains(part), "{ran}");
    };
    says(&scenario("", ""), "needs nodes: [cluster]");
    let nodes = |nodes: &str| scenario("", &format!("[cluster]\nnodes = [{nodes}]"));
    says(&nodes(""), "`cluster.nodes` is empty");
    says(&nodes("{ type = \"m7i.lage\" }"), "did you mean `m7i.large`?");
    says(
        &nodes("{ type = \"t3.nano\" }"),
        "no kind of nodes in [cluster] has room for",
    );
    says(
        &nodes("{ type = \"m7i.large\", count = 3, max = 2 }"),
        "more nodes in `min` or `count` than in `max`",
    );
    says(
        &scenario("[autoscaler.hpa]", TWO_NODES),
        "the CPU of `steady` is not known",
    );
    says(
        &scenario("[autoscaler.hpa]\nmax-replicas = 0", TWO_NODES),
        "`max-replicas` must not be below",
    );
    let lambda = scenario("", TWO_NODES).replace(
        "[platform.kubernetes]\ncpu = \"1\"\ncpu-request = \"500m\"\nmemory = \"1Gi\"",
        "[platform.fixed]",
    );
    says(&lambda, "[cluster] has no meaning on the platform `fixed`");
    says(
        &scenario(
            "",
            "[cluster]\nnodes = [{ type = \"own\", cpu = \"4\", memory = \"8Gi\" }]",
        ),
        "ec2.own",
    );
}

/// Tasks on Fargate: two of 1 vCPU and 2 GB all along are 2 x 730 hours; by hand 0.04048 + 2 x 0.004445 dollars each.
#[test]
fn fargate_bills_tasks_by_the_second() {
    let sandbox = Sandbox::new();
    let fixed = |replicas: &str| {
        scenario(&format!("[autoscaler.fixed]\n{replicas}"), "").replace(
            "[platform.kubernetes]\ncpu = \"1\"\ncpu-request = \"500m\"\nmemory = \"1Gi\"",
            "[platform.fargate]\ncpu = \"1\"\nmemory = \"2Gi\"\nlaunch = \"15s\"\nhealth-check-interval = \"0s\"",
        )
    };
    sandbox.write("s.toml", &fixed("replicas = 2"));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let hour = 0.04048 + 2.0 * 0.004445;
    close(number(row, "monthly_cost_usd"), 2.0 * 730.0 * hour);
    assert_eq!((row["nodes_mean"].as_str(), row["nodes_peak"].as_str()), ("", ""));
    assert!(!sandbox.path("out/packing.csv").exists());
    // A second task from 70 min on: machine after 15 s, then it is billed, and up 4 s later. It ends at 100 min. Of the two
    // hours that are counted it has 30 min less 15 s.
    sandbox.write(
        "t.toml",
        &fixed("replicas = 1\nschedule = [{ at = \"70m\", replicas = 2 }, { at = \"100m\", replicas = 1 }]"),
    );
    sandbox.run("simulate t.toml --quiet --out more").ok();
    let row = &table(&sandbox.read("more/summary.csv"))[0];
    let hours = 2.0 + 0.5 - 15.0 / 3_600.0;
    close(number(row, "monthly_cost_usd"), 730.0 / 2.0 * hours * hour);
    assert_eq!(number(row, "instances_created"), 1.0);
    assert_eq!(number(row, "completed"), number(row, "requests"));
}

/// Ten requests a second are 600 in a minute on one task, with a target of 300: after three minutes two tasks, and no more.
#[test]
fn target_tracking_meets_its_target() {
    let sandbox = Sandbox::new();
    let text = scenario("[autoscaler.target-tracking]\nrequests-per-target = 300.0", "").replace(
        "[platform.kubernetes]\ncpu = \"1\"\ncpu-request = \"500m\"\nmemory = \"1Gi\"",
        "[platform.fargate]",
    );
    sandbox.write("s.toml", &text);
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    assert_eq!(
        (number(row, "instances_mean"), number(row, "instances_peak")),
        (2.0, 2.0)
    );
}

/// A new version every so often: pods take 9 s to start, and with a surge nobody notices; without one, and with all pods
/// allowed to be away, nobody is there for a while.
#[test]
fn a_rolling_update_costs_nothing_if_enough_pods_stay() {
    let run = |strategy: &str| {
        let sandbox = Sandbox::new();
        let text = scenario(
            &format!(
                "rollouts = [\"60m\", \"80m\"]\nreadiness-period = \"0s\"\n{strategy}\n[autoscaler.fixed]\nreplicas = 3"
            ),
            TWO_NODES,
        );
        sandbox.write("s.toml", &text.replace("cold-start = \"4s\"", "cold-start = \"9s\""));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        table(&sandbox.read("out/summary.csv"))[0].clone()
    };
    let rolling = run("");
    assert_eq!((number(&rolling, "rejected"), number(&rolling, "failed")), (0.0, 0.0));
    // Two versions of three pods.
    assert_eq!(number(&rolling, "instances_created"), 6.0);
    assert_eq!(number(&rolling, "instances_peak"), 4.0);
    // All at once: nine seconds at ten requests a second, twice.
    let at_once = run("max-surge = 0.0\nmax-unavailable = 1.0");
    assert_eq!(number(&at_once, "failed"), 0.0);
    assert_eq!(number(&at_once, "rejected"), 180.0);
}

/// A new version that takes 25 s to listen, asked each ten seconds and killed at the third failure: 20 s after its start, then again
/// at once, after 10 s more, 20 s and so on. The old pods stay, as the strategy wants three at a time; where all may go at once
/// nobody answers for the rest of the run. With an initial delay of 6 s the limit is 30 s, and all is well.
#[test]
fn a_liveness_probe_that_is_too_strict_for_a_slow_start_never_ends() {
    let run = |probe: &str, strategy: &str| {
        let sandbox = Sandbox::new();
        let text = scenario(
            &format!(
                "rollouts = [\"60m\"]\nreadiness-period = \"0s\"\n{probe}\n{strategy}\n[autoscaler.fixed]\nreplicas = 3"
            ),
            TWO_NODES,
        );
        sandbox.write("s.toml", &text.replace("cold-start = \"4s\"", "cold-start = \"25s\""));
        let ran = sandbox.run("simulate s.toml --assumptions --out out").ok();
        (table(&sandbox.read("out/summary.csv"))[0].clone(), ran.stderr)
    };
    let (strict, patient) = ("liveness-probe = {}", "liveness-probe = { initial-delay = \"6s\" }");
    let at_once = "max-surge = 0.0\nmax-unavailable = 1.0";
    let (stuck, said) = run(strict, "");
    assert_eq!((number(&stuck, "rejected"), number(&stuck, "failed")), (0.0, 0.0));
    // One more pod than there should be, an instance for each of its starts. By hand, it is killed 20, 40, 70, 110, 170, 270 and
    // 450 s after the update and each 320 s from there on, for 70 min.
    assert_eq!(number(&stuck, "instances_created"), 1.0 + 7.0 + 11.0);
    assert!(said.contains("does not listen 20s after its start"), "{said}");
    let (gone, _) = run(strict, at_once);
    assert_eq!(number(&gone, "rejected"), 70.0 * 600.0);
    let (well, _) = run(patient, at_once);
    assert_eq!(number(&well, "rejected"), 250.0);
    assert_eq!(number(&well, "instances_created"), 3.0);
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", &scenario("liveness-probe = { period = \"0s\" }", TWO_NODES));
    assert!(refused(&sandbox).contains("`liveness-probe` needs a `period`"));
}

#[test]
fn compare_takes_any_number_of_scenarios() {
    let sandbox = Sandbox::new();
    for replicas in 1..=3 {
        let text = scenario(&format!("[autoscaler.fixed]\nreplicas = {replicas}"), TWO_NODES);
        let text = text.replace("name = \"shop\"", &format!("name = \"shop-{replicas}\""));
        sandbox.write(&format!("{replicas}.toml"), &text);
    }
    let ran = sandbox.run("compare 1.toml 2.toml 3.toml --format csv --quiet").ok();
    let rows = table(&ran.stdout);
    let names: Vec<&str> = rows.iter().map(|row| row["variant"].as_str()).collect();
    assert_eq!(names, ["shop-1/steady", "shop-2/steady", "shop-3/steady"]);
    let ran = sandbox.run("compare 1.toml 2.toml 1.toml").to_string();
    assert!(ran.contains("both scenarios are 1.toml"), "{ran}");
}

/// The only node fails at 6,000 s. For 50 s its pod gets requests and answers none, and then there is no pod for 300 s and the
/// time of a start: 4 s, which a probe each 10 s sees after 10 s. The node that takes its place is ready long before. Ten
/// requests a second.
#[test]
fn a_node_that_fails_costs_requests_until_it_is_found_out() {
    let sandbox = Sandbox::new();
    let cluster =
        "[cluster]\nnode-boot = \"60s\"\nnode-lifetime = \"6000s\"\nnodes = [{ type = \"m7i.large\", count = 1 }]";
    sandbox.write("s.toml", &scenario("", cluster));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let (failed, rejected) = (number(row, "failed"), number(row, "rejected"));
    assert!((498.0..=502.0).contains(&failed), "{failed}");
    assert!((3_098.0..=3_102.0).contains(&rejected), "{rejected}");
    assert_eq!(
        number(row, "requests"),
        number(row, "completed") + failed + rejected + number(row, "timed_out")
    );
    let packing = table(&sandbox.read("out/packing.csv"));
    assert_eq!(
        (
            packing[0]["nodes_failed"].as_str(),
            packing[0]["nodes_taken_back"].as_str()
        ),
        ("1", "0")
    );
    assert_eq!(number(row, "nodes_peak"), 2.0);
}

/// Two spot nodes of 0.03835 dollars an hour, each taken back after half an hour, with another one launched at the notice and the
/// old one there until it is taken: the first hour of none is billed, so that what is left is the cluster.
#[test]
fn spot_nodes_that_never_live_for_an_hour_cost_nothing() {
    let sandbox = Sandbox::new();
    let cluster = "[cluster]\nnode-boot = \"60s\"\nspot-lifetime = \"30m\"\n\
                   nodes = [{ type = \"m5.large\", count = 2, spot = true }]";
    sandbox.write("s.toml", &scenario("[autoscaler.fixed]\nreplicas = 2", cluster));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let row = &table(&sandbox.read("out/summary.csv"))[0];
    let cost = number(row, "monthly_cost_usd");
    // Those that are still there at the end are billed: two for at most 33 of 120 minutes, and two more for two.
    let cluster_only = 730.0 * 0.1;
    assert!(
        cost >= cluster_only && cost < cluster_only + 730.0 * 0.03835 * 2.0 * 35.0 / 120.0,
        "{cost}"
    );
    let packing = table(&sandbox.read("out/packing.csv"));
    assert!(number(&packing[0], "nodes_taken_back") >= 6.0, "{packing:?}");
}

#[test]
fn spot_nodes_need_a_lifetime_and_a_price() {
    let run = |cluster: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("s.toml", &scenario("", cluster));
        refused(&sandbox)
    };
    let spot = "nodes = [{ type = \"m5.large\", count = 2, spot = true }]";
    assert!(run(&format!("[cluster]\n{spot}")).contains("cluster.spot-lifetime"));
    let none = run("[cluster]\nspot-lifetime = \"30m\"\nnodes = [{ type = \"m5.large\", count = 2 }]");
    assert!(none.contains("needs nodes with `spot = true`"), "{none}");
    let price = run("[cluster]\nspot-lifetime = \"30m\"\nnodes = [{ type = \"c7i.large\", count = 2, spot = true }]");
    assert!(price.contains("ec2.spot.c7i.large"), "{price}");
}

#[test]
fn disruption_budgets_and_shapes_are_checked() {
    let run = |text: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("s.toml", text);
        refused(&sandbox)
    };
    let service = |pod: &str| {
        let text = scenario("", TWO_NODES).replace("frameworks = [\"steady\"]\n", "");
        format!("{text}[[service]]\nname = \"a\"\nframework = \"steady\"\npod = {{ {pod} }}\n")
    };
    let both = run(&service("min-available = 1, max-unavailable = \"25%\""));
    assert!(both.contains("a PodDisruptionBudget has one of them"), "{both}");
    let much = run(&service("min-available = \"125%\""));
    assert!(much.contains("is no number of pods"), "{much}");
    let shape = run(&scenario(
        "",
        &format!("{TWO_NODES}\nscheduler = {{ strategy = \"requested-to-capacity-ratio\" }}"),
    ));
    assert!(shape.contains("cluster.scheduler.shape"), "{shape}");
}

/// A shape that likes full nodes packs like `most-allocated`.
#[test]
fn a_shape_packs_or_spreads() {
    let pods_on_nodes = |scheduler: &str| {
        let sandbox = Sandbox::new();
        let cluster = format!(
            "[cluster]\nscheduler = {{ spread = false, {scheduler} }}\n\
             nodes = [{{ type = \"m7i.large\", count = 2 }}]\n[cluster.karpenter]\nconsolidation-policy = \"WhenEmpty\""
        );
        sandbox.write("s.toml", &scenario("[autoscaler.fixed]\nreplicas = 2", &cluster));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        number(&table(&sandbox.read("out/summary.csv"))[0], "nodes_mean")
    };
    let shape = |at_zero: u32, at_full: u32| {
        format!(
            "strategy = \"requested-to-capacity-ratio\", shape = [{{ utilization = 0, score = {at_zero} }}, \
             {{ utilization = 100, score = {at_full} }}]"
        )
    };
    // Two pods on one node leave the other one empty, which goes.
    assert_eq!(pods_on_nodes(&shape(0, 10)), 1.0);
    assert_eq!(pods_on_nodes(&shape(10, 0)), 2.0);
    assert_eq!(pods_on_nodes("strategy = \"most-allocated\""), 1.0);
}

/// Two nodes of another cloud and its cluster, by its own price list: 0.06701 and 0.10 dollars an hour on GKE, 0.096 and 0.10 on AKS.
#[test]
fn nodes_of_other_clouds_are_billed_by_their_lists() {
    let run = |vendor: &str, node: &str, list: &str| {
        let sandbox = Sandbox::new();
        let cluster = format!("[cluster]\nvendor = \"{vendor}\"\nnodes = [{{ type = \"{node}\", count = 2 }}]");
        let text = scenario("[autoscaler.fixed]\nreplicas = 2", &cluster).replace("aws-us-east-1", list);
        sandbox.write("s.toml", &text);
        sandbox
    };
    for (vendor, node, list, hourly) in [
        ("gke", "e2-standard-2", "gcp-us-central1", 2.0 * 0.06701 + 0.1),
        ("aks", "D2s_v5", "azure-eastus", 2.0 * 0.096 + 0.1),
    ] {
        let sandbox = run(vendor, node, list);
        sandbox.run("simulate s.toml --quiet --out out").ok();
        let row = &table(&sandbox.read("out/summary.csv"))[0];
        close(number(row, "monthly_cost_usd"), 730.0 * hourly);
        let best = &table(&sandbox.read("out/packing.csv"))[0]["best_node_type"];
        assert!(
            node.starts_with('e') == best.contains('-') && !best.is_empty(),
            "{best}"
        );
    }
    let other = refused(&run("gke", "m7i.large", "gcp-us-central1"));
    assert!(
        other.contains("of another cloud") && other.contains("e2-standard-2"),
        "{other}"
    );
    let list = refused(&run("gke", "e2-standard-2", "aws-us-east-1"));
    assert!(list.contains("gke.e2-standard-2"), "{list}");
}

/// The same nodes and pods, with a second service of the same: what is idle is what nodes have to give beyond what pods and
/// DaemonSets ask for. Each way to split adds up to the bill.
#[test]
fn the_bill_of_a_cluster_is_split_four_ways() {
    let sandbox = Sandbox::new();
    let one = scenario("[autoscaler.fixed]\nreplicas = 1", TWO_NODES).replace("frameworks = [\"steady\"]\n", "");
    let two = "[[service]]\nname = \"a\"\nframework = \"steady\"\n[[service]]\nname = \"b\"\nframework = \"steady\"\n\
               autoscaler = { fixed = { replicas = 2 } }\n";
    sandbox.write("s.toml", &format!("{one}{two}"));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let rows = table(&sandbox.read("out/allocation.csv"));
    let bill = 730.0 * (2.0 * 0.1008 + 0.1);
    for split in ["separate", "even", "proportional", "by-requests"] {
        let own = rows.iter().filter(|row| row["split"] == split);
        close(own.map(|row| number(row, "cost_usd")).sum(), bill);
    }
    let find = |split: &str, service: &str| {
        let found = rows
            .iter()
            .find(|row| row["split"] == split && row["service"] == service);
        found.unwrap_or_else(|| panic!("no {split}, {service}"))
    };
    let nodes = 730.0 * 2.0 * 0.1008;
    let a = nodes * (0.5 / 3.86 + 1_024.0 / 15_036.0) / 2.0;
    close(number(find("separate", "a"), "workload_usd"), a);
    close(number(find("separate", "b"), "workload_usd"), 2.0 * a);
    let overhead = number(find("separate", "__overhead__"), "cost_usd");
    assert!(overhead > 73.0 + nodes * 0.3 / 3.86 / 2.0 - 1e-6, "{overhead}");
    close(
        number(find("separate", "__idle__"), "cost_usd"),
        bill - 3.0 * a - overhead,
    );
    close(number(find("even", "a"), "overhead_usd"), overhead / 2.0);
    close(number(find("proportional", "b"), "overhead_usd"), overhead * 2.0 / 3.0);
    // Both get the same traffic.
    close(number(find("by-requests", "a"), "overhead_usd"), overhead / 2.0);
}

#[test]
fn settings_of_provisioners_that_cannot_be_are_refused() {
    for (table, text) in [
        (
            "[cluster.karpenter]\nbudget = 10.0",
            "[cluster.karpenter]: `budget` is 10; it is a share of the nodes, from 0 to 1, such as 0.1",
        ),
        (
            "[cluster.cluster-autoscaler]\nscan-interval = \"0s\"",
            "[cluster.cluster-autoscaler]: `scan-interval` must be at least 1s",
        ),
    ] {
        let sandbox = Sandbox::new();
        let cluster = format!("[cluster]\nnodes = [{{ type = \"m7i.large\", count = 1 }}]\n{table}\n");
        sandbox.write("s.toml", &scenario("", &cluster));
        let told = refused(&sandbox);
        assert!(told.contains(text), "{told}");
    }
}

/// Two workloads on one node with 1.78 vCPU for pods, each a pod that may use four cores. `a` requests 300 m and `b` 900 m.
fn neighbours(a: &str, b: &str, period: &str) -> String {
    let service = |name: &str, gap: &str, request: &str| {
        format!(
            "[[service]]\nname = \"{name}\"\nframework = \"steady\"\npod = {{ cpu-request = \"{request}\", cpu = \"4\" }}\n\
             [service.traffic.constant]\ngap = \"{gap}\"\n"
        )
    };
    format!(
        "schema = 1\nname = \"neighbours\"\nreplications = 1\nwarm-up = \"1m\"\nhorizon = \"11m\"\n{}{}\
         [profile.steady]\nservice-time = \"100ms\"\ncold-start = \"1s\"\n[instance]\nmodel = \"coroutines\"\n\
         [platform.kubernetes]\ncpu = \"4\"\nmemory = \"512Mi\"\nconcurrency = 100000\n[autoscaler.fixed]\nreplicas = 1\n\
         [cluster]\nnodes = [{{ type = \"m7i.large\", count = 1 }}]\ncpu-sharing-period = \"{period}\"\n",
        service("a", a, "300m"),
        service("b", b, "900m")
    )
}

/// Work for 2.4 vCPU is too much for the node. The pod with the larger request has the 1.2 vCPU that it needs, for its share by weight is
/// 1.335; the other one has the rest, 0.58 of the 1.2 that it needs, and falls behind.
#[test]
fn pods_share_the_cpu_of_a_node_by_their_requests() {
    let sandbox = Sandbox::new();
    // 12 requests a second of 100 ms each.
    let gap = "83.333333ms";
    let latencies = |period: &str| {
        sandbox.write("s.toml", &neighbours(gap, gap, period));
        sandbox.run("simulate s.toml --quiet --out out").ok();
        let rows = table(&sandbox.read("out/summary.csv"));
        let of = |name: &str| {
            number(
                rows.iter().find(|row| row["service"] == name).unwrap(),
                "latency_mean_ms",
            )
        };
        (of("a"), of("b"))
    };
    let (a, b) = latencies("1s");
    assert!(b < 200.0, "{b} ms: it has what it needs");
    // It serves 5.8 of 12 requests a second from the start on; one that comes after t seconds waits (12 / 5.8 - 1) t in order of
    // arrival. Here all share the CPU: the mean is near that.
    let falls_behind = (12.0 / 5.8 - 1.0) * 360.0 * 1e3;
    assert!((0.5..1.5).contains(&(a / falls_behind)), "{a} ms and {falls_behind}");
    // As if pods did not compete: both are as good as alone.
    let (a, b) = latencies("0s");
    assert!(a < 110.0 && b < 110.0, "{a} {b}");
    // With little work nobody is slowed for long, whatever the period.
    sandbox.write("s.toml", &neighbours("1s", "1s", "100ms"));
    sandbox.run("simulate s.toml --quiet --out out").ok();
    let rows = table(&sandbox.read("out/summary.csv"));
    assert!(
        number(&rows[0], "latency_mean_ms") < 130.0,
        "{}",
        rows[0]["latency_mean_ms"]
    );
}
