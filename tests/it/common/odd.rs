//! A server with one of many faults, and the helpers of the tests that measure it.

use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use coldcast::model::profile::ColdSample;

/// The server; its argument is the fault. Apart from the fault it meets the HTTP contract.
pub const APP: &str = r#"
import json, os, re, signal, sys, time
from datetime import datetime, timezone
from urllib.parse import urlsplit
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

fault = sys.argv[1]

def burn(seconds):
    began = time.thread_time()
    while time.thread_time() < began + seconds:
        pass

if fault == "dies":
    print("cannot find my settings", flush=True)
    sys.exit(3)
if fault == "asks" and os.environ.get("TOKEN") != "s3cret":
    sys.exit("who are you?")
if fault == "silent":
    time.sleep(600)
if fault == "hungry":
    ballast = b"x" * (200 << 20)
if fault == "busy":
    burn(0.4)
if fault == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if fault == "tells":
    for name in sorted(os.environ):
        print(f"{name} is {os.environ[name]}", flush=True)
    sys.exit(4)
if fault == "family":
    # A child that is waited for, a page that is shared, a worker that works and holds memory.
    if os.fork() == 0:
        burn(0.2)
        os._exit(0)
    os.wait()
    shared = b"x" * (40 << 20)
    ready, tell = os.pipe()
    if os.fork() == 0:
        ballast = b"x" * (50 << 20)
        burn(0.3)
        os.write(tell, b"!")
        time.sleep(600)
    os.read(ready, 1)
if fault == "escapes" and os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
    sys.exit()
if fault == "hungry-worker":
    # The first process lives on when the kernel kills its worker.
    if os.fork() == 0:
        ballast = b"x" * (200 << 20)
        sys.exit()
    time.sleep(600)
began = time.monotonic()
count = 100 if fault == "used" else 0

class Server(ThreadingHTTPServer):
    request_queue_size = 128

TAGS = ["new", "sale", "eco", "bulk", "local", "gift", "spare"]

def item(id, k):
    cents = (id * 37 + k * 1009) % 100_000 + 100
    created = 1_767_225_600 + (id * 7919 + k * 3600) % 31_536_000
    return {
        "id": id * 1000 + k, "name": f"item {id}-{k}", "price": f"{cents // 100}.{cents % 100:02}",
        "created": datetime.fromtimestamp(created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": [TAGS[(id + k) % 7], TAGS[(id + k + 1 + k % 5) % 7]],
        "stock": {"warehouse": f"w{(id + k) % 9 + 1}", "quantity": (id * 13 + k * 7) % 500},
    }

def counted(query):
    found = re.fullmatch("count=([1-9][0-9]{0,3})", query)
    return int(found[1]) if found else None

def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None

def order(body):
    try:
        name, quantity, tags = body["name"], body["quantity"], body.get("tags", [])
    except (KeyError, TypeError, AttributeError):
        return None
    right = isinstance(name, str) and 1 <= len(name) <= 100
    right = right and type(quantity) is int and 1 <= quantity <= 1000
    right = right and isinstance(tags, list) and len(tags) <= 10 and all(isinstance(tag, str) for tag in tags)
    return {"name": name, "quantity": quantity, "tags": tags} if right else None

def totals(body):
    if not isinstance(body, list) or not 1 <= len(body) <= 9999:
        return None
    orders = [order(one) for one in body]
    if not all(orders):
        return None
    quantity, tags = sum(one["quantity"] for one in orders), sum(len(one["tags"]) for one in orders)
    return {"count": len(orders), "quantity": quantity, "tags": tags}

def page(count):
    states = ["open", "paid &amp; packed", "sent", "&lt;returned&gt;"]
    rows = ""
    for k in range(1, count + 1):
        cents = k * 1009 % 100_000 + 100
        rows += f"<tr><td>{k}</td><td>Fish &amp; chips &lt;{k}&gt; from w{k * 7 % 9 + 1}</td>"
        rows += f"<td>{cents // 100}.{cents % 100:02}</td><td>{states[k % 4]}</td></tr>"
    head = "<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>"
    return head + rows + "</table></body></html>"

def sums(count):
    groups = {}
    for k in range(1, count + 1):
        sku, quantity, cents = (k * k * 7 + k * 17) % 50, k * 13 % 9 + 1, k * 7919 % 9973 + 1
        group = groups.setdefault(sku, {"sku": f"sku-{sku}", "lines": 0, "quantity": 0, "amount": 0})
        group["lines"] += 1
        group["quantity"] += quantity
        group["amount"] += quantity * cents
    ranked = [groups[sku] for sku in sorted(groups, key=lambda sku: (-groups[sku]["amount"], sku))]
    return {"count": count, "total": sum(group["amount"] for group in ranked), "groups": ranked[:10]}

def answer(target, sent):
    url = urlsplit(target)
    if url.path == "/healthz":
        return 200, {"status": "ok"}
    if url.path == "/json":
        return 200, {"message": "hello", "framework": f"odd-{fault}", "version": "1"}
    found = re.fullmatch("/items/([1-9][0-9]{0,5}|1000000)", url.path)
    if found:
        id, count = int(found[1]), counted(url.query or "count=20")
        if not count:
            return 400, {"error": "bad count"}
        return 200, {"id": id, "count": count, "items": [item(id, k) for k in range(1, count + 1)]}
    if url.path in ("/template", "/compute"):
        count = counted(url.query)
        if not count:
            return 400, {"error": "bad count"}
        return 200, page(count) if url.path == "/template" else sums(count)
    if url.path in ("/echo", "/validate"):
        body = order(parsed(sent)) if url.path == "/echo" else totals(parsed(sent))
        return (200, body) if body else (422, {"error": "no order"})
    if url.path in ("/cpu", "/io"):
        ms = re.search("^ms=([0-9]{1,4}|10000)$", url.query)
        if not ms:
            return 400, {"error": "bad ms"}
        ms = int(ms[1])
        burn(ms / 1000) if url.path == "/cpu" else time.sleep(ms / 1000)
        return 200, {url.path[1:] + "_ms": ms}
    return 404, {"error": "not found"}

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def handle_one(self):
        global count
        count += 1
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        late = fault == "late" and time.monotonic() < began + 1
        if fault == "slow":
            time.sleep(max(0, began + 2 - time.monotonic()))
        if fault == "busy" and self.path == "/json" and count == 2:
            burn(0.3)
        if self.path == "/ping":
            self.send_response(204)
            self.end_headers()
            return
        status, body = (503, {"status": "late"}) if late else answer(self.path, sent)
        if fault == "sloppy" and self.path == "/items/42":
            body["items"][3]["price"] = "1.5"
        kind = "text/html; charset=utf-8" if isinstance(body, str) else "application/json"
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-process-id", process_id)
        self.send_header("x-request-count", str(count))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = handle_one

    def log_message(self, *_):
        pass

server = Server(("0.0.0.0", int(os.environ.get("PORT", 8080))), App)
if fault == "forks":
    # The first process listens; its worker takes a while until it answers.
    if os.fork():
        os.wait()
        sys.exit(1)
    time.sleep(0.7)
process_id = "0" * 16 if fault == "twin" else os.urandom(8).hex()
server.serve_forever()
"#;

/// Its `framework.toml`, with the lines of the tables `image.bases` and `process`.
pub fn framework_toml(fault: &str, bases: &str, process: &str) -> String {
    format!(
        r#"schema = 1
name = "{}"
title = "Odd"
language = "Python"
runtime = "CPython"
version = "1"
licence = "MIT"
homepage = "https://example.org"
server = "http.server"
lock-files = []
[image]
dockerfile = "Dockerfile"
port = 8080
[image.bases]
{bases}
{process}
[concurrency]
model = "thread-pool"
detail = "a thread per connection"
"#,
        name_of(fault)
    )
}

/// The name of the framework with this fault.
pub fn name_of(fault: &str) -> String {
    format!("odd-{fault}")
}

/// The program.
pub fn coldcast() -> Command {
    Command::new(env!("CARGO_BIN_EXE_coldcast"))
}

/// Asserts that the phases of a start add up to its total.
#[track_caller]
pub fn assert_adds_up(sample: &ColdSample) {
    let off = (sample.phase_sum_ms() - sample.total_ms).abs();
    assert!(
        off <= 2.0 + (sample.total_ms / 400.0).max(1.0),
        "{off} ms off: {sample:?}"
    );
}

#[track_caller]
pub fn assert_says(output: &Output, code: i32, texts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for text in texts {
        assert!(stderr.contains(text), "`{text}` is missing in:\n{stderr}");
    }
}

pub fn has_lines(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("boot_ms"))
}

pub fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(120), "waited in vain");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn interrupt(child: &Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
}
