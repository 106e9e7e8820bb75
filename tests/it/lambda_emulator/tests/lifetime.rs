//! The server itself: how it reads, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::{Behaviour, Emulator};
use super::client::{Client, image_function, signature};

/// Sends bytes in pieces and reads until the end of the stream.
fn raw(emulator: &Emulator, pieces: &[&str]) -> String {
    let mut stream = TcpStream::connect(emulator.endpoint().strip_prefix("http://").unwrap()).unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn requests_come_in_pieces_in_chunks_and_one_after_another() {
    let emulator = Emulator::start(Behaviour::default());
    let (name, value) = signature();
    let body = image_function("coldcast-a", &Value::Null).to_string();
    let (one, two) = body.split_at(40);
    let chunks = format!(
        "transfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let (first, second) = chunks.split_at(60);
    let head = format!("POST /2015-03-31/functions HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\n");
    let next = format!("GET /2015-03-31/functions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{name}: {value}\r\n\r\n");
    let answer = raw(&emulator, &[&head[..30], &head[30..], first, second, &next]);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{answer}");
    assert_eq!(answer.matches("x-amzn-RequestId: ").count(), 2);
    let waits = format!(
        "DELETE /2015-03-31/functions/coldcast-a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n\
         content-length: 0\r\n{name}: {value}\r\n\r\n"
    );
    let answer = raw(&emulator, &[&waits]);
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n"),
        "{answer}"
    );
    assert!(emulator.left().is_nothing());
}

#[test]
fn whoever_drops_it_does_not_wait() {
    let emulator = Emulator::start(Behaviour {
        overhead_ms: 60_000.0,
        ..Behaviour::default()
    });
    let client = Client::of(&emulator);
    client.created("coldcast-a", &Value::Null);
    let address = emulator.endpoint();
    let body = super::client::http_event("/healthz").to_string();
    let (name, value) = signature();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST /2015-03-31/functions/coldcast-a/invocations HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    emulator.wait_for("lambda:InvokeFunction", 1);
    while emulator.left().running == 0 {
        std::thread::yield_now();
    }
    let began = Instant::now();
    drop(emulator);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let mut rest = Vec::new();
    // The connection has ended; if by a reset or not depends on what was still on its way.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert!(TcpStream::connect(address.strip_prefix("http://").unwrap()).is_err());
}

#[test]
fn the_variables_lead_here() {
    let emulator = Emulator::start(Behaviour::default());
    let variables = emulator.variables();
    assert_eq!(variables[0], ("AWS_ENDPOINT_URL", emulator.endpoint()));
    assert!(
        variables
            .iter()
            .any(|(name, value)| *name == "AWS_REGION" && value == "eu-west-1")
    );
}
