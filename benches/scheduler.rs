//! Speed of placing pods onto nodes. See benches/README.md.
//!
//! `cargo bench --bench scheduler`

use coldcast::rng::{Draws, Purpose};
use coldcast::sim::cluster::node::{Node, PodShape, Resources};
use coldcast::sim::cluster::scheduler::{Cluster, Scheduler, SchedulerSettings, Strategy};
use nix::time::{ClockId, clock_gettime};

/// CPU seconds of this thread.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of the thread");
    time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9
}

/// Places pods of twelve workloads onto nodes with 16 cores and 64 GiB in three zones. CPU seconds, and pods that found none.
fn run(nodes: usize, pods: usize, spec: SchedulerSettings) -> (f64, usize) {
    let size = Resources {
        cpu: 16_000,
        memory: 64 << 30,
    };
    let mut cluster = Cluster::default();
    (0..nodes).for_each(|i| {
        cluster.add(Node::new(size, 110, (i % 3) as u32));
    });
    let shapes: Vec<PodShape> = (0..12)
        .map(|i| PodShape::new(Some(250 + 100 * i), Some((1 + i % 4) << 29), i as u32))
        .collect();
    let stream = Draws::new(1, 0).stream(Purpose::Routing, 0);
    let mut scheduler = Scheduler::new(spec, stream);
    let before = cpu();
    let mut pending = 0;
    for k in 0..pods {
        let pod = &shapes[(stream.bits(k as u64) % 12) as usize];
        match scheduler.place(&cluster, pod) {
            Ok(placement) => cluster.bind(placement.node, pod),
            Err(_) => pending += 1,
        }
    }
    (cpu() - before, pending)
}

fn main() {
    println!("| nodes | pods | scoring | CPU s | us per pod | pending |");
    println!("|---:|---:|---|---:|---:|---:|");
    for (nodes, pods) in [(1_000, 10_000), (5_000, 100_000)] {
        for (name, strategy) in [
            ("LeastAllocated", Strategy::LeastAllocated),
            ("MostAllocated", Strategy::MostAllocated),
        ] {
            let spec = SchedulerSettings {
                strategy,
                ..SchedulerSettings::default()
            };
            let (seconds, pending) = run(nodes, pods, spec);
            println!(
                "| {nodes} | {pods} | {name} | {seconds:.2} | {:.1} | {pending} |",
                seconds * 1e6 / pods as f64
            );
        }
    }
}
