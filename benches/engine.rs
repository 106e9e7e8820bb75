//! Speed of the engine beside a yardstick in the same run. See benches/README.md.
//!
//! `cargo bench --bench engine [-- [--quick] [FILTER]]`

use std::collections::VecDeque;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;

use coldcast::model::arrival::Arrival;
use coldcast::model::dist::Dist;
use coldcast::rng::{Draws, Purpose};
use coldcast::sim::engine::{Feed, run};
use coldcast::sim::observe::Observer;
use coldcast::sim::observe::recorder::Recorder;
use coldcast::sim::observe::run_stats::RunStats;
use coldcast::sim::observe::timeline::Timeline;
use coldcast::sim::platform::PlatformKind;
use coldcast::sim::platform::scale_per_request::ScalePerRequestSpec;
use coldcast::sim::pool::Routing;
use coldcast::sim::setup::{ColdModel, CpuLimit, Inside, ServiceSetup, ServiceTime, Setup};
use coldcast::stats::histogram::Histogram;
use coldcast::stats::normal;
use coldcast::trace::{Open, Traffic};
use coldcast::units::{MilliCpu, SimDuration, SimTime};
use dary_heap::QuaternaryHeap;
use nix::time::{ClockId, clock_gettime};

/// Rounds of a normal and of a quick run; each runs everything once, so that a disturbance hits all alike.
const ROUNDS: [usize; 2] = [9, 3];

/// Requests per measurement of a normal and of a quick run, at most.
const REQUESTS: [usize; 2] = [2_000_000, 400_000];

const SEED: u64 = 7;
const KEEP_ALIVE: SimDuration = SimDuration::from_secs(600);
const COLD_START: SimDuration = SimDuration::from_secs(1);

/// A load: arrivals, and how long they take.
struct Case {
    name: &'static str,
    /// Arrivals per second.
    rate: f64,
    /// Most requests per measurement.
    requests: usize,
    /// Functions; the rate of the k-th is proportional to k^-1.1.
    functions: u32,
    service: Dist,
    routing: Routing,
    /// Requests share one vCPU of one instance.
    shared: bool,
}

/// Log-normal with this median; the 99th percentile is six times as long.
fn lognormal(median: SimDuration) -> Dist {
    Dist::Lognormal((median.0 as f64).ln(), 6f64.ln() / normal::quantile(0.99))
}

fn cases() -> Vec<Case> {
    let case = |name, rate| Case {
        name,
        rate,
        requests: usize::MAX,
        functions: 1,
        service: lognormal(SimDuration::from_millis(20)),
        routing: Routing::Newest,
        shared: false,
    };
    vec![
        case("50/s", 50.0),
        // The cold starts of the first second make 1,000 instances, most of which stay idle for the 600 s that follow.
        Case {
            requests: 550_000,
            ..case("1,000/s, 1,000 instances", 1_000.0)
        },
        // They stay, for each of them gets a request now and then.
        Case {
            routing: Routing::LeastRecentlyUsed,
            ..case("1,000/s, 1,000 instances in turn", 1_000.0)
        },
        Case {
            service: lognormal(SimDuration::from_millis(600)),
            ..case("1,000/s, 800 busy", 1_000.0)
        },
        Case {
            functions: 1_000,
            ..case("100/s over 1,000 functions", 100.0)
        },
        // 26.9 ms of CPU on average: 16 requests share the CPU in the mean, 0.941 / (1 - 0.941).
        Case {
            shared: true,
            ..case("35/s, 16 sharing one CPU", 35.0)
        },
    ]
}

/// CPU seconds of this thread.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of the thread");
    time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9
}

/// Poisson arrivals at one function, or at several by their shares.
fn arrivals(case: &Case, n: usize) -> Vec<Arrival> {
    let stream = Draws::new(SEED, 0).stream(Purpose::Arrival, 1);
    let mut total = 0.0;
    let shares = (1..=case.functions).map(|k| {
        total += f64::from(k).powf(-1.1);
        total
    });
    let cumulative: Vec<f64> = shares.collect();
    let gaps = Draws::new(SEED, 0).stream(Purpose::Arrival, 0);
    let mut at = SimTime::ZERO;
    let arrival = |i: usize| {
        at = at + SimDuration::from_secs_f64(-gaps.uniform(i as u64).ln() / case.rate);
        let point = stream.uniform(i as u64) * cumulative[cumulative.len() - 1];
        Arrival::new(at).of(cumulative.partition_point(|&c| c < point) as u32)
    };
    (0..n).map(arrival).collect()
}

/// The least that a simulator of this platform can do: draw a service time, keep completions in a heap and idle instances
/// in a deque, count latencies in a histogram. One function; no facts, no fleet, no routing but the ends of the deque.
fn yardstick(case: &Case, arrivals: &[Arrival]) -> u32 {
    let stream = Draws::new(SEED, 0).stream(Purpose::Service, 0);
    let mut done: QuaternaryHeap<std::cmp::Reverse<(u64, u32)>> = QuaternaryHeap::new();
    let mut idle: VecDeque<(u64, u32)> = VecDeque::new();
    let mut latency = Histogram::new();
    let mut created = 0;
    for (k, arrival) in arrivals.iter().enumerate() {
        let now = arrival.at.0;
        while let Some(&std::cmp::Reverse((at, instance))) = done.peek()
            && at <= now
        {
            done.pop();
            idle.push_back((at, instance));
        }
        while let Some(&(since, _)) = idle.front()
            && since + KEEP_ALIVE.0 <= now
        {
            idle.pop_front();
        }
        let mut time = case.service.at(stream, k as u64).0;
        let free = match case.routing {
            Routing::LeastRecentlyUsed => idle.pop_front(),
            _ => idle.pop_back(),
        };
        let instance = match free {
            Some((_, instance)) => instance,
            None => {
                time += COLD_START.0;
                created += 1;
                created
            }
        };
        latency.record(time);
        done.push(std::cmp::Reverse((now + time, instance)));
    }
    black_box(latency.quantile(0.99));
    created
}

fn engine(case: &Case, arrivals: &[Arrival], observer: &mut impl Observer) -> RunStats {
    let spec = ScalePerRequestSpec {
        keep_alive: KEEP_ALIVE,
        routing: case.routing,
        concurrency: if case.shared { u32::MAX } else { 1 },
        ..ScalePerRequestSpec::default()
    };
    let inside = case.shared.then_some(Inside {
        workers: None,
        turns: None,
        discipline: None,
        cpu: CpuLimit {
            quota: MilliCpu(1000),
            cores: 1,
            period: None,
        },
        overhead_cpu: SimDuration::ZERO,
        boost: None,
    });
    let draws = Draws::new(SEED, 0);
    let mut shape = spec.shape();
    (shape.timeout, shape.init_limit, shape.queue_timeout) = (None, None, None);
    let warm = ServiceTime::Whole(case.service.clone());
    let mut service = ServiceSetup::new(warm, ColdModel::Start(Dist::Constant(COLD_START)), shape);
    service.inside = inside;
    let mut setup = Setup::new(vec![service], spec.build(draws, &["f"]));
    setup.sample_every = SimDuration::from_secs(60);
    let mut chunks = arrivals.chunks(512);
    let feed: Feed<'_> = Box::new(move |out| match chunks.next() {
        Some(chunk) => {
            out.extend_from_slice(chunk);
            true
        }
        None => false,
    });
    run(setup, vec![feed], draws, observer)
}

/// A trace of 1,000 functions with a service time for each request.
fn write_csv(path: &Path, n: usize) -> std::io::Result<()> {
    let case = Case {
        functions: 1_000,
        ..cases().remove(0)
    };
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "func,arrival_s,duration_s")?;
    let stream = Draws::new(SEED, 0).stream(Purpose::Service, 0);
    for (k, arrival) in arrivals(&case, n).iter().enumerate() {
        let (at, time) = (
            arrival.at.as_secs_f64(),
            case.service.at(stream, k as u64).as_secs_f64(),
        );
        writeln!(out, "function-{:04},{at:.6},{time:.6}", arrival.function)?;
    }
    out.flush()
}

/// Reads the first `n` arrivals or somewhat more.
fn drain(traffic: &Traffic, base: &Path, n: usize) -> usize {
    let open = Open {
        base,
        draws: Draws::new(SEED, 0),
        entity: 0,
        horizon: traffic.path().is_none().then_some(SimDuration::from_secs(n as u64)),
    };
    let mut source = traffic.open(&open).expect("traffic that opens").source;
    let (mut batch, mut seen) = (Vec::new(), 0);
    while seen < n && source.refill(&mut batch).expect("arrivals") {
        seen += batch.len();
        black_box(&batch);
        batch.clear();
    }
    seen
}

/// Something measured, over the rounds.
struct Row {
    name: String,
    /// Position of the row it is compared with.
    against: Option<usize>,
    /// Millions per CPU second.
    speeds: Vec<f64>,
    /// Instances in the mean, where there are any.
    instances: Option<f64>,
    /// Requests per measurement.
    requests: usize,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Mean number of instances.
fn mean_instances(stats: &RunStats) -> f64 {
    let area = stats.services[0].area;
    (area.starting + area.busy + area.idle) as f64 / stats.end.0 as f64
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let quick = usize::from(arguments.iter().any(|a| a == "--quick"));
    let filter = arguments.iter().find(|a| !a.starts_with("--"));
    let wanted = |name: &str| filter.is_none_or(|f| name.contains(f.as_str()));
    let n = REQUESTS[quick];
    let limits = [SimDuration::from_secs(2)];

    let mut rows: Vec<Row> = Vec::new();
    let mut jobs: Vec<Box<dyn Fn() -> Option<f64>>> = Vec::new();
    let mut add = |name: String, requests: usize, against: Option<usize>, job: Box<dyn Fn() -> Option<f64>>| {
        rows.push(Row {
            name,
            against,
            speeds: Vec::new(),
            instances: None,
            requests,
        });
        jobs.push(job);
        rows.len() - 1
    };
    for case in cases().into_iter().filter(|case| wanted(case.name)) {
        let requests = n.min(case.requests);
        let arrivals = std::rc::Rc::new(arrivals(&case, requests));
        let case = std::rc::Rc::new(case);
        let share = || (case.clone(), arrivals.clone());
        let yardstick_row = (case.functions == 1 && !case.shared).then(|| {
            let (case, arrivals) = share();
            let job = move || {
                black_box(yardstick(&case, &arrivals));
                None
            };
            add(format!("yardstick, {}", share().0.name), requests, None, Box::new(job))
        });
        let (c, a) = share();
        let job = move || {
            let mut recorder = Recorder::new(SimDuration::ZERO, &limits);
            let stats = engine(&c, &a, &mut recorder);
            black_box(recorder.into_records());
            Some(mean_instances(&stats))
        };
        add(format!("engine, {}", case.name), requests, yardstick_row, Box::new(job));
        let (c, a) = share();
        let job = move || {
            let mut watched = (Recorder::new(SimDuration::ZERO, &limits), Timeline::new(1));
            let stats = engine(&c, &a, &mut watched);
            black_box((watched.0.into_records(), watched.1.into_services()));
            Some(mean_instances(&stats))
        };
        add(
            format!("engine and timeline, {}", case.name),
            requests,
            yardstick_row,
            Box::new(job),
        );
    }
    let folder = tempfile::tempdir().expect("a folder for the CSV file");
    for (name, traffic) in [
        ("arrivals alone, poisson", "poisson = { rate = '50/s' }"),
        (
            "arrivals alone, csv",
            "csv = { path = 'trace.csv', function-column = 'func', time-column = 'arrival_s', duration-column = 'duration_s' }",
        ),
    ] {
        if !wanted(name) {
            continue;
        }
        let traffic: Traffic = toml::from_str(traffic).expect("traffic");
        let path = folder.path().to_owned();
        if traffic.path().is_some() {
            write_csv(&path.join("trace.csv"), n).expect("the CSV file is written");
        }
        let job = move || {
            black_box(drain(&traffic, &path, n));
            None
        };
        add(name.into(), n, None, Box::new(job));
    }

    for _ in 0..ROUNDS[quick] {
        for (row, job) in rows.iter_mut().zip(&jobs) {
            let before = cpu();
            row.instances = job();
            row.speeds.push(row.requests as f64 * 1e-6 / (cpu() - before));
        }
    }
    println!("| what | million requests per CPU second | ns per request | of the yardstick | mean instances |");
    println!("|---|---:|---:|---:|---:|");
    for row in &rows {
        let speed = median(row.speeds.clone());
        // The ratio of each round, since both ran under the same conditions.
        let ratio = row.against.map_or(String::new(), |other| {
            let pairs = row.speeds.iter().zip(&rows[other].speeds);
            format!("{:.2}", median(pairs.map(|(mine, theirs)| mine / theirs).collect()))
        });
        let instances = row.instances.map_or(String::new(), |n| format!("{n:.0}"));
        println!(
            "| {} | {speed:.1} | {:.0} | {ratio} | {instances} |",
            row.name,
            1e3 / speed
        );
    }
}
