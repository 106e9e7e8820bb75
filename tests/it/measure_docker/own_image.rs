//! A user's own image: what is wrong with it is said after its first start, and flags give it what it needs.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use coldcast::model::profile::FailureKind;

use super::engine::base;
use crate::common::odd::{assert_says, wait_until};
use crate::common::skip;
use crate::measure_docker::bench::{Bench, bench};

/// The image. Its behaviour is the variable `MODE`.
const TAG: &str = "coldcast-test/own-image:1";

/// The longest time from the call of the program to the end of a measurement that is hopeless: the start of the container,
/// 10 s of silence, trials, and the removal, on a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(60);

const APP: &str = r#"
import os, socket, sys, threading, time

mode = os.environ.get("MODE", "right")
print("mode is \x1b[31m" + mode + "\x07", flush=True)

def head(status, *lines):
    return ("HTTP/1.1 " + status + "\r\n" + "".join(line + "\r\n" for line in lines)).encode()

OK = head("200 OK", "content-length: 2") + b"\r\nok"
NONE = head("404 Not Found", "content-length: 9") + b"\r\nnot here\n"

def answer(asked, port):
    path = asked.split(b" ")[1] if asked.count(b" ") >= 2 else b""
    text = asked.decode("latin1").lower()
    if mode == "redirect":
        return OK if path == b"/healthz/" else head("301 Moved", "location: /healthz/", "content-length: 0") + b"\r\n"
    if mode == "host":
        bad = head("400 Bad Request", "content-length: 17") + b"\r\n<h1>Bad host</h1>"
        return OK if "host: localhost\r\n" in text else bad
    if mode == "key":
        denied = head("401 Unauthorized", "content-length: 0") + b"\r\n"
        return OK if "x-key: s3cret\r\n" in text else denied
    if mode == "tls":
        return b"\x15\x03\x03\x00\x02\x02\x46" if asked[:1] == b"\x16" else b""
    if mode == "http2":
        return b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64" if asked[:3] == b"PRI" else b""
    if mode == "other-port":
        right = {8080: b"/orders", 9090: b"/healthz"}[port]
        return OK if path == right else NONE
    return OK

def serve(port, family=socket.AF_INET, host="0.0.0.0"):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(host if family == socket.AF_UNIX else (host, port))
    server.listen(128)
    while True:
        stream, _ = server.accept()
        threading.Thread(target=talk, args=(stream, port), daemon=True).start()

def talk(stream, port):
    if mode == "silent":
        time.sleep(600)
    while True:
        asked = stream.recv(4096)
        if not asked:
            break
        said = answer(asked, port)
        if not said or said[:1] < b"A":
            stream.sendall(said)
            break
        if mode == "two-writes":
            stream.sendall(said[:-2])
            said = said[-2:]
        stream.sendall(said)
    stream.close()

if mode == "needs" and "SHOP_SECRET" not in os.environ:
    sys.exit("FATAL: environment variable SHOP_SECRET is not set")
if mode == "daemon":
    print("started in the background")
    sys.exit(0)
if mode == "writes":
    try:
        open("/data/shop.db", "w").write("x")
    except OSError:
        sys.exit("unable to open database file")
if mode == "chowns":
    os.chown("/tmp", 33, 33)
    os.setuid(33)
if mode == "nothing":
    time.sleep(600)
if mode == "dies":
    threading.Timer(2, lambda: os._exit(7)).start()
if mode == "warms-up":
    time.sleep(3)
if mode == "loopback":
    serve(8080, host="127.0.0.1")
if mode == "unix":
    serve(0, socket.AF_UNIX, "/tmp/app.sock")
if mode == "other-port":
    threading.Thread(target=serve, args=(9090,), daemon=True).start()
serve(8080)
"#;

/// Builds the image; `None` if that is not possible here.
fn own_image() -> Option<Bench> {
    let bench = bench("plain")?;
    let base = base(&bench)?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.py"), APP).unwrap();
    let dockerfile = format!(
        "FROM {base}\nCOPY app.py /\nRUN mkdir /data\nHEALTHCHECK --interval=1s CMD touch /tmp/checked\nENTRYPOINT [\"python3\", \
         \"/app.py\"]\n"
    );
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    let built = Command::new("docker")
        .args(["build", "-q", "-t", TAG])
        .arg(folder.path())
        .env("DOCKER_BUILDKIT", "0")
        .output();
    match built {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => return skip(&format!("no program docker ({error})")),
    }
    Some(bench)
}

/// Measures the image in this mode.
fn measure(bench: &Bench, mode: &str, flags: &[&str]) -> Output {
    let mode = format!("MODE={mode}");
    let usual = [
        "--image",
        TAG,
        "--port",
        "8080",
        "--name",
        "own",
        "--samples",
        "1",
        "--env",
        &mode,
    ];
    bench.command(&[&usual, flags].concat()).output().unwrap()
}

/// Asserts that the image in this mode is given up in time, with these words.
#[track_caller]
fn assert_given_up(bench: &Bench, mode: &str, words: &[&str]) {
    let began = Instant::now();
    let output = measure(bench, mode, &[]);
    assert_says(&output, 3, words);
    assert!(began.elapsed() < GIVEN_UP, "{mode}: {:?}", began.elapsed());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("mode is \\x1b[31m") && !text.contains('\x1b'),
        "log lines are escaped: {text}"
    );
    assert_eq!(text.matches("its first start failed").count(), 1, "{text}");
    assert!(!bench.out().join("raw").exists(), "{mode}: there is nothing to resume");
}

#[test]
fn an_address_that_cannot_be_reached_is_said() {
    let Some(bench) = own_image() else { return };
    for (mode, words) in [
        ("loopback", &["listens on 127.0.0.1:8080 only; bind 0.0.0.0"][..]),
        (
            "unix",
            &["nothing listens on port 8080", "the Unix socket /tmp/app.sock"],
        ),
        ("nothing", &["nothing listens on port 8080, nor on any other"]),
        (
            "other-port",
            &["status 404: \"not here\"; also listens on 9090", "--health-port 9090"],
        ),
    ] {
        assert_given_up(&bench, mode, words);
    }
    bench.assert_clean();
}

#[test]
fn an_answer_that_will_not_do_is_said() {
    let Some(bench) = own_image() else { return };
    for (mode, words) in [
        (
            "redirect",
            &["answered with status 301 to /healthz/: try --path /healthz/"][..],
        ),
        ("host", &["status 400: \"Bad host\"", "--header 'Host: localhost'"]),
        ("key", &["status 401", "--header 'Authorization: ...'"]),
        ("tls", &["looks like TLS"]),
        ("http2", &["looks like HTTP/2 only"]),
        ("silent", &["accepts connections and gives no answer"]),
    ] {
        assert_given_up(&bench, mode, words);
    }
    bench.assert_clean();
}

#[test]
fn an_end_is_said_with_its_cause() {
    let Some(bench) = own_image() else { return };
    for (mode, words) in [
        (
            "needs",
            &[
                "exited with code 1",
                "SHOP_SECRET is not set",
                "--env SHOP_SECRET=VALUE",
            ][..],
        ),
        (
            "daemon",
            &["exited with code 0", "process 1 must stay in the foreground"],
        ),
        (
            "writes",
            &[
                "the root file system is read-only, and it writes /data",
                "--tmpfs /data",
                "--writable",
            ],
        ),
        // On a slow machine the time does not suffice to find out which capabilities are enough.
        ("chowns", &["it has no capabilities", "with --cap-add ", "CHOWN"]),
    ] {
        assert_given_up(&bench, mode, words);
    }
    bench.assert_clean();
}

#[test]
fn flags_give_an_image_what_it_needs_and_are_recorded() {
    let Some(bench) = own_image() else { return };
    for (mode, flags) in [
        ("needs", &["--env", "SHOP_SECRET=s3cret"][..]),
        ("writes", &["--tmpfs", "/data:8Mi"]),
        ("writes", &["--writable"]),
        ("chowns", &["--cap-add", "chown,setuid"]),
        ("key", &["--header", "X-Key: s3cret"]),
        ("redirect", &["--path", "/healthz/"]),
        ("other-port", &["--health-port", "9090", "--route", "orders=/orders"]),
        ("right", &["--user", "65532:65532", "--network", "bridge"]),
    ] {
        assert_says(&measure(&bench, mode, flags), 0, &["wrote"]);
        let text = std::fs::read_to_string(bench.out().join("own/profile.json")).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        let profile = bench.profile("own");
        let warm = profile.runs[0].warm.as_ref().unwrap();
        assert_eq!((profile.runs[0].counted().count(), warm.errors), (1, 0), "{mode}");
        let options = &profile.options;
        assert!(options.env.contains_key("MODE"), "{options:?}");
        let recorded = match mode {
            "needs" => options.env["SHOP_SECRET"].len() == 4,
            "writes" => options.writable || options.tmpfs == ["/data:8Mi"],
            "chowns" => options.cap_add == ["CHOWN", "SETUID"],
            "key" => options.headers.contains_key("X-Key"),
            "other-port" => options.health_port == Some(9090) && warm.routes.contains_key("orders"),
            "right" => options.user.as_deref() == Some("65532:65532") && options.network.as_deref() == Some("bridge"),
            _ => true,
        };
        assert!(recorded, "{mode}: {options:?}");
    }
    bench.assert_clean();
}

#[test]
fn what_distorts_a_warm_run_is_said() {
    let Some(bench) = own_image() else { return };
    let output = measure(&bench, "two-writes", &[]);
    assert_says(&output, 0, &["delayed acknowledgement", "TCP_NODELAY"]);
    let notes = bench.profile("own").provenance.notes;
    assert!(
        notes.iter().any(|note| note.contains("delayed acknowledgement")),
        "{notes:?}"
    );
    let output = measure(&bench, "dies", &[]);
    assert_says(&output, 0, &["exited with code 7 under load"]);
    let failures = &bench.profile("own").runs[0].failures;
    assert_eq!(
        failures.iter().map(|failure| failure.kind).collect::<Vec<_>>(),
        [FailureKind::Exited]
    );
    bench.assert_clean();
}

#[test]
fn a_closed_terminal_cleans_up() {
    let Some(bench) = own_image() else { return };
    let child = bench
        .command(&["--image", TAG, "--port", "8080", "--name", "own", "--samples", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| {
        std::fs::read_to_string(bench.out().join("raw/own.jsonl")).is_ok_and(|text| text.contains("boot_ms"))
    });
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    bench.assert_clean();
}
