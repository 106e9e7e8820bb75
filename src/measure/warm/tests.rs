//! Loads on odd servers that run as processes of this machine: the numbers must show what the servers do. The tests need Python;
//! without it they are skipped with a message.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::measure::http::Request;
use crate::measure::load::{Server, closed_loop, offered};
use crate::measure::usage::Usage;
use crate::measure::usage::process_tree::Tree;
use crate::measure::warm::pace::InDepth;
use crate::measure::warm::round_trip::Place;
use crate::measure::warm::rounds::Rule;
use crate::measure::warm::routes::Routes;
use crate::measure::warm::{Instance, rates, work};
use crate::model::concurrency::detect;
use crate::model::framework::ConcurrencyModel;
use crate::model::profile::WarmRun;
use crate::stats::regression;

/// The server. It prints its port; the argument is the way in which it serves.
const APP: &str = r#"
import asyncio, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

kind = sys.argv[1]
kept = []

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    def do_GET(self):
        if kind == "burns":
            if "/missing" in self.path:
                self.send_error(404)
                return
            for _ in range(1000 * int(self.path.partition("n=")[2] or 0)):
                pass
        elif kind == "leaks":
            kept.append(bytearray(b"x" * (1 << 20)))
        elif kind == "pool":
            with gate:
                time.sleep(0.1)
        else:
            time.sleep(0.1)
        if kind == "one":
            self.close_connection = True
        self.send_response(200)
        self.send_header("content-length", "2")
        if kind == "one":
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass

gate = threading.Semaphore(4)

async def answer(reader, writer):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def overlap():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

class Pool(ThreadingHTTPServer):
    request_queue_size = 512

class One(HTTPServer):
    request_queue_size = 512

if kind == "overlaps":
    asyncio.run(overlap())
server = (One if kind == "one" else Pool)(("127.0.0.1", 0), App)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// A server that ends with the test.
struct Odd {
    child: Child,
    address: SocketAddr,
}

impl Odd {
    fn start(kind: &str) -> Option<Self> {
        let mut command = Command::new("python3");
        let command = command.args(["-c", APP, kind]).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            // The same variables as for the integration tests.
            for name in ["COLDCAST_REQUIRE_ALL", "COLDCAST_REQUIRE_DOCKER"] {
                assert!(
                    std::env::var(name).as_deref() != Ok("1"),
                    "there is no python3, and {name}=1 demands this test"
                );
            }
            eprintln!("skipped: there is no python3");
            return None;
        };
        let mut port = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port.trim().parse().unwrap()));
        Some(Self { child, address })
    }

    fn tree(&self) -> Tree {
        Tree::new(nix::unistd::Pid::from_raw(self.child.id().cast_signed()))
    }

    fn anon_bytes(&self) -> f64 {
        self.tree().anon_bytes().unwrap() as f64
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_leak_of_a_megabyte_a_request_is_the_slope() {
    let Some(odd) = Odd::start("leaks") else { return };
    let stop = AtomicBool::new(false);
    let server = Server {
        address: odd.address,
        stop: &stop,
    };
    let rate = 60.0;
    let mut readings = Vec::new();
    let seen = offered::offer(
        server,
        None,
        &Request::get("/"),
        rate,
        Duration::from_secs(5),
        1,
        |seconds| {
            readings.push((seconds, odd.anon_bytes()));
        },
    );
    assert_eq!(seen.errors, 0);
    let line = regression::line(&readings).unwrap();
    assert!(line.rises());
    let per_request = line.slope / (seen.completed as f64 / seen.seconds) / f64::from(1 << 20);
    assert!((0.9..1.1).contains(&per_request), "{per_request} MiB a request");
}

/// A warm run with the figures of the waiting route.
fn waiting(kind: &str, clients: &[u32]) -> Option<WarmRun> {
    let odd = Odd::start(kind)?;
    let stop = AtomicBool::new(false);
    let server = Server {
        address: odd.address,
        stop: &stop,
    };
    let one = |&clients: &u32| {
        let seen = closed_loop(server, None, &Request::get("/"), clients, Duration::from_secs(4), || {});
        (clients, seen.per_second * 0.1)
    };
    Some(WarmRun {
        parallel_io: clients.iter().map(one).collect(),
        parallel_cpu: vec![(1, 1.0)],
        ..empty()
    })
}

/// A warm run without figures.
pub fn empty() -> WarmRun {
    serde_json::from_str(
        r#"{"warm_up_ms":[],"warm_up_rate":1,"warm_up_cpu_ms":[],"round_trip_ms":0,"routes":{},
            "idle":{"anon_bytes":null,"pss_bytes":null,"working_set_bytes":null},
            "loaded":{"anon_bytes":null,"pss_bytes":null,"working_set_bytes":null},
            "peak_anon_bytes":null,"anon_bytes_per_in_flight":null,"idle_cpu_ms_per_s":null,
            "saturation_rps":null,"parallel_io":[],"parallel_cpu":[],"errors":0}"#,
    )
    .unwrap()
}

#[test]
fn the_number_of_requests_worked_on_at_a_time_is_found() {
    let Some(one) = waiting("one", &[1, 4]) else { return };
    let one = detect(&one).unwrap();
    assert!(
        one.waiting.is_some_and(|number| (0.8..1.3).contains(&number)),
        "{one:?}"
    );
    let pool = detect(&waiting("pool", &[1, 4, 16]).unwrap()).unwrap();
    assert!(
        pool.waiting.is_some_and(|number| (3.2..5.0).contains(&number)),
        "{pool:?}"
    );
    assert!(pool.fits(ConcurrencyModel::Prefork, 1.0) && !pool.fits(ConcurrencyModel::EventLoop, 1.0));
    let overlaps = detect(&waiting("overlaps", &[1, 4, 16, 32]).unwrap()).unwrap();
    assert_eq!(overlaps.waiting, None, "{overlaps:?}");
    assert!(overlaps.fits(ConcurrencyModel::EventLoop, 1.0));
}

/// Short forms of the parts at the reference size.
const SHORT: InDepth = InDepth {
    work: Rule {
        window: 2,
        fewest: 5,
        longest: Duration::from_secs(6),
    },
    batch: Duration::from_millis(100),
    visits: 2,
    json_visit: Duration::from_millis(400),
    rest: Duration::from_millis(100),
    ..InDepth::QUICK
};

/// An instance of the server that burns CPU time in proportion to `n`.
fn burning<'a>(odd: &Odd, stop: &'a AtomicBool, further: &[&str]) -> Instance<'a> {
    let server = Server {
        address: odd.address,
        stop,
    };
    Instance {
        server,
        connection: server.connect().unwrap(),
        place: Place::Loopback,
        usage: Some(Usage::Tree(odd.tree())),
        vcpu: 1.0,
        routes: Routes::Own {
            // A few thousandths of a second each, as CPU time is counted in hundredths.
            ready: "/?n=60".into(),
            further: further.iter().map(|route| route.parse().unwrap()).collect(),
            headers: crate::measure::options::Headers::default(),
        },
        replacements: None,
    }
}

#[test]
fn work_in_sizes_costs_in_proportion_and_a_kind_that_is_refused_is_left_out() {
    let Some(odd) = Odd::start("burns") else { return };
    let stop = AtomicBool::new(false);
    let instance = burning(&odd, &stop, &["loop=/?n={n}:500,50,150", "gone=/missing?n={n}:1,2,3"]);
    let found = work::run(&instance, &instance.routes.kinds(), SHORT, None);
    assert_eq!(found.notes.len(), 1);
    assert!(
        found.notes[0].contains("kind gone") && found.notes[0].contains("404"),
        "{:?}",
        found.notes
    );
    assert_eq!((found.kinds.len(), found.errors), (1, 0));
    let sizes = &found.kinds["loop"];
    let settling = found.settling.unwrap();
    assert_eq!(sizes.iter().map(|size| size.units).collect::<Vec<_>>(), [50, 150, 500]);
    for size in sizes {
        assert_eq!(size.unsettled_cpu_ms.len(), settling.counted_from as usize);
        assert_eq!(size.cpu_ms.len() as u32, settling.rounds - settling.counted_from);
        assert!(
            size.requests > 0 && size.latency_ms.len() == 3 && size.errors == 0,
            "{size:?}"
        );
    }
    // Whatever else the machine does: 350,000 more turns of a loop cost more CPU time than 100,000.
    let line = crate::stats::work_line::fit(
        &sizes
            .iter()
            .map(|size| (f64::from(size.units), size.cpu_ms.as_slice()))
            .collect::<Vec<_>>(),
        1,
    );
    let per_thousand = line.unwrap().per_unit.value;
    assert!(
        (0.002..0.5).contains(&per_thousand),
        "{per_thousand} ms for a thousand turns"
    );
}

#[test]
fn rates_take_turns_and_a_server_without_the_contract_has_no_response_curve() {
    let Some(odd) = Odd::start("burns") else { return };
    let stop = AtomicBool::new(false);
    let instance = burning(&odd, &stop, &[]);
    let found = rates::run(&instance, 200.0, SHORT);
    assert_eq!((found.runs.len(), found.responses.len()), (5, 0));
    assert!(found.runs.windows(2).all(|pair| pair[0].rate < pair[1].rate));
    for run in &found.runs {
        assert_eq!((run.route.as_str(), run.cpu_ms.len()), ("json", 2));
    }
    let fastest = &found.runs[4];
    assert!(
        fastest.requests >= 50 && fastest.errors == 0 && fastest.latency_ms.len() == 4,
        "{fastest:?}"
    );
    assert!(fastest.cpu_ms.iter().all(|&ms| ms > 0.0) && found.idle_cpu_ms_per_s.is_some());
    assert!(
        rates::run(&instance, 0.0, SHORT).runs.is_empty(),
        "nothing is known about its speed"
    );
}
