//! The questions that a server is asked after the prober has given up: does it speak TLS or HTTP/2, does a redirection lead
//! to a right answer, does another name, path or port give one?
//!
//! All requests are GET. Each takes at most half a second, and all of them a few seconds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::measure::http::{Answer, Connection, Request};
use crate::measure::probe::sight::{Refusal, Symptom};
use crate::measure::probe::{Endpoint, is_right};
use crate::measure::sockets::Listening;

/// The longest time for one question.
const EACH: Duration = Duration::from_millis(500);
/// The paths at which services usually tell that they are ready.
const USUAL_PATHS: &[&str] = &[
    "/healthz",
    "/health",
    "/",
    "/ready",
    "/readyz",
    "/livez",
    "/ping",
    "/status",
    "/up",
    "/api/health",
    "/actuator/health",
];
/// The largest number of other ports that are asked.
const MOST_PORTS: usize = 6;
/// The largest number of redirections that are followed.
const MOST_HOPS: usize = 3;

/// The protocol of a port that gave no answer of HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TLS.
    Tls,
    /// HTTP/2 without an upgrade ("prior knowledge"), as gRPC servers speak it.
    Http2,
}

/// The answer of another port to the health path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// A status.
    Status(u16),
    /// Another protocol.
    Speaks(Protocol),
    /// Nothing that could be read.
    Nothing,
}

/// The answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The protocol of the port.
    pub protocol: Option<Protocol>,
    /// A path on the port that answers with a status from 200 to 299.
    pub path: Option<String>,
    /// A header, as `NAME: VALUE`, with which the health path answers with a status from 200 to 299.
    pub header: Option<String>,
    /// The other ports, each with its answer.
    pub ports: Vec<(u16, Other)>,
}

/// Asks what fits the symptom.
pub fn ask(endpoint: &Endpoint, symptom: Option<&Symptom>, listening: Option<&Listening>) -> Findings {
    let mut findings = Findings::default();
    match symptom {
        Some(Symptom::Foreign(bytes)) => findings.protocol = of_bytes(bytes).or_else(|| protocol(endpoint.address)),
        Some(Symptom::Closed | Symptom::Silent | Symptom::Broken(_)) => findings.protocol = protocol(endpoint.address),
        Some(Symptom::Wrong(refusal)) => of_refusal(endpoint, refusal, &mut findings),
        Some(Symptom::NoConnection(_)) | None => {}
    }
    let ports = listening
        .map(|seen| seen.other_ports(endpoint.address.port()))
        .unwrap_or_default();
    findings.ports = ports
        .into_iter()
        .take(MOST_PORTS)
        .map(|port| (port, other(endpoint, port)))
        .collect();
    findings
}

fn of_refusal(endpoint: &Endpoint, refusal: &Refusal, findings: &mut Findings) {
    match refusal.status {
        300..=399 => {
            let Some(location) = refusal.location.as_deref().and_then(Location::parse) else {
                return;
            };
            if location.tls {
                findings.header = first_right(endpoint, &["X-Forwarded-Proto: https"]);
            }
            if findings.header.is_none() && location.path_from(&endpoint.path) == endpoint.path {
                let host = location.host.map(|host| format!("Host: {host}"));
                findings.header = first_right(endpoint, &host.iter().map(String::as_str).collect::<Vec<_>>());
            } else if findings.header.is_none() {
                findings.path = followed(endpoint, location.path_from(&endpoint.path));
            }
        }
        400 | 421 => {
            let says_tls = refusal
                .first_line
                .as_deref()
                .is_some_and(|line| line.to_ascii_lowercase().contains("https"));
            findings.protocol = says_tls.then_some(Protocol::Tls).or_else(|| protocol(endpoint.address));
            if findings.protocol.is_none() {
                findings.header = first_right(endpoint, &["Host: localhost", "Host: 127.0.0.1"]);
            }
        }
        426 => findings.protocol = protocol(endpoint.address),
        _ => {
            let mut paths = USUAL_PATHS.iter().filter(|path| **path != endpoint.path);
            findings.path = paths
                .find(|path| is_success(&get(endpoint, endpoint.address, path, None)))
                .map(ToString::to_string);
        }
    }
}

/// Follows redirections from `path`; returns the path of the first right answer.
fn followed(endpoint: &Endpoint, mut path: String) -> Option<String> {
    for _ in 0..MOST_HOPS {
        let answer = get(endpoint, endpoint.address, &path, None)?;
        if is_right(&answer, endpoint.expect).is_ok() {
            return Some(path);
        }
        let location = answer.location.as_deref().and_then(Location::parse)?;
        path = location.path_from(&path);
    }
    None
}

/// The first of these headers with which the health path gives a right answer.
fn first_right(endpoint: &Endpoint, headers: &[&str]) -> Option<String> {
    let right = |header: &&&str| {
        get(endpoint, endpoint.address, &endpoint.path, Some(header))
            .is_some_and(|answer| is_right(&answer, endpoint.expect).is_ok())
    };
    headers.iter().find(right).map(ToString::to_string)
}

fn is_success(answer: &Option<Answer>) -> bool {
    answer
        .as_ref()
        .is_some_and(|answer| (200..300).contains(&answer.status))
}

fn get(endpoint: &Endpoint, address: SocketAddr, path: &str, header: Option<&str>) -> Option<Answer> {
    let mut request = endpoint.headers.on(&Request::get(path));
    if let Some((name, value)) = header.and_then(|header| header.split_once(": ")) {
        request = request.with(name, value);
    }
    let mut connection = Connection::open(address, EACH).ok()?;
    connection
        .ask(&request, Instant::now() + EACH, &AtomicBool::new(false))
        .ok()
}

fn other(endpoint: &Endpoint, port: u16) -> Other {
    let address = SocketAddr::new(endpoint.address.ip(), port);
    match get(endpoint, address, &endpoint.path, None) {
        Some(answer) => Other::Status(answer.status),
        None => protocol(address).map_or(Other::Nothing, Other::Speaks),
    }
}

/// The parts of a `location`.
#[derive(Debug, PartialEq, Eq)]
struct Location {
    tls: bool,
    host: Option<String>,
    path: String,
}

impl Location {
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (tls, rest) = match lower.split_once("://") {
            Some(("https", _)) => (true, &text[8..]),
            Some(("http", _)) => (false, &text[7..]),
            Some(_) => return None,
            None => match text.strip_prefix("//") {
                Some(rest) => (false, rest),
                None => {
                    return Some(Self {
                        tls: false,
                        host: None,
                        path: text.to_string(),
                    });
                }
            },
        };
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.starts_with('/') {
            path.to_string()
        } else {
            format!("/{path}")
        };
        Some(Self {
            tls,
            host: Some(host.to_string()),
            path,
        })
    }

    /// The path that it names, seen from `here`.
    fn path_from(&self, here: &str) -> String {
        let path = self.path.split('#').next().unwrap_or_default();
        if path.starts_with('/') {
            return path.to_string();
        }
        let folder = here
            .split('?')
            .next()
            .unwrap_or_default()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{folder}/{}", path.trim_start_matches("./"))
    }
}

/// The protocol that these bytes belong to.
fn of_bytes(bytes: &[u8]) -> Option<Protocol> {
    match bytes {
        // A record of TLS: handshake or alert, and version 3.x.
        [0x15 | 0x16, 3, ..] => Some(Protocol::Tls),
        // A frame of HTTP/2 on stream 0: SETTINGS comes first, and GOAWAY may follow a wrong preface.
        [_, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => Some(Protocol::Http2),
        _ => None,
    }
}

/// The protocol of a port, by the answers to the first messages of TLS and of HTTP/2.
fn protocol(address: SocketAddr) -> Option<Protocol> {
    let tls = said(address, &client_hello()).and_then(|bytes| of_bytes(&bytes));
    if tls == Some(Protocol::Tls) {
        return tls;
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    said(address, preface)
        .and_then(|bytes| of_bytes(&bytes))
        .filter(|protocol| *protocol == Protocol::Http2)
}

/// The first bytes that come back for `words`.
fn said(address: SocketAddr, words: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, EACH).ok()?;
    stream.set_read_timeout(Some(EACH)).ok()?;
    stream.write_all(words).ok()?;
    let mut bytes = vec![0; 64];
    let count = stream.read(&mut bytes).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

/// A message with which a client begins TLS 1.2 (RFC 5246, section 7.4.1.2). A server answers it with its own or with an
/// alert, also if it wants a later version.
fn client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.push(0);
    let suites: [u16; 6] = [0xc02f, 0xc02b, 0xc030, 0xc02c, 0x009c, 0x002f];
    body.extend((suites.len() as u16 * 2).to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    // The curves x25519 and secp256r1, uncompressed points, and usual signatures.
    let extensions: [&[u8]; 3] = [
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 10, 0, 8, 4, 3, 8, 4, 4, 1, 2, 1],
    ];
    let extensions = extensions.concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let length = (body.len() as u32).to_be_bytes();
    let handshake = [&[1u8][..], &length[1..], &body].concat();
    let record = (handshake.len() as u16).to_be_bytes();
    [&[0x16, 3, 1][..], &record, &handshake].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::options::Headers;
    use crate::measure::probe::Expect;
    use std::net::TcpListener;

    /// A server that answers each connection once, by the first bytes that it got.
    fn server(answer: fn(&[u8]) -> Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).unwrap_or(0);
                let _ = stream.write_all(&answer(&bytes[..count]));
            }
        });
        address
    }

    fn endpoint(address: SocketAddr) -> Endpoint {
        Endpoint {
            address,
            path: "/healthz".into(),
            headers: Headers::default(),
            expect: Expect::AnySuccess,
        }
    }

    fn http(head: &str) -> Vec<u8> {
        format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    }

    fn refusal(status: u16, location: Option<&str>) -> Symptom {
        let answer = Answer {
            status,
            location: location.map(Into::into),
            ..Answer::default()
        };
        Symptom::Wrong(Refusal::of(&answer, format!("status {status}")))
    }

    #[test]
    fn a_redirection_is_followed_to_a_right_answer() {
        let address = server(|asked| match asked {
            asked if asked.starts_with(b"GET /healthz/ ") => http("200 OK"),
            asked if asked.starts_with(b"GET /moved ") => http("302 Found\r\nlocation: healthz/"),
            _ => http("404 Not Found"),
        });
        let path = |location: &str| ask(&endpoint(address), Some(&refusal(301, Some(location))), None).path;
        assert_eq!(path("/healthz/").as_deref(), Some("/healthz/"));
        assert_eq!(path("http://app:8080/healthz/").as_deref(), Some("/healthz/"));
        assert_eq!(path("moved").as_deref(), Some("/healthz/"), "two steps, both relative");
        assert_eq!(path("/login"), None);
        assert_eq!(path("mailto://x"), None);
    }

    #[test]
    fn a_header_that_helps_is_found() {
        let forwarded = server(
            |asked| match String::from_utf8_lossy(asked).contains("X-Forwarded-Proto: https") {
                true => http("204 No Content"),
                false => http("301 Moved"),
            },
        );
        let found = ask(
            &endpoint(forwarded),
            Some(&refusal(301, Some("https://app/healthz"))),
            None,
        );
        assert_eq!(found.header.as_deref(), Some("X-Forwarded-Proto: https"));
        let allowed = server(
            |asked| match String::from_utf8_lossy(asked).contains("Host: localhost\r\n") {
                true => http("200 OK"),
                false => http("400 Bad Request"),
            },
        );
        let found = ask(&endpoint(allowed), Some(&refusal(400, None)), None);
        assert_eq!(
            (found.header.as_deref(), found.protocol),
            (Some("Host: localhost"), None)
        );
    }

    #[test]
    fn other_paths_and_ports_are_asked() {
        let address = server(|asked| match asked.starts_with(b"GET /ping ") {
            true => http("200 OK"),
            false => http("404 Not Found"),
        });
        let health = server(|_| http("200 OK"));
        let listening = Listening {
            tcp: [address, health]
                .map(|at| format!("0.0.0.0:{}", at.port()).parse().unwrap())
                .into(),
            ..Listening::default()
        };
        let found = ask(&endpoint(address), Some(&refusal(404, None)), Some(&listening));
        assert_eq!(found.path.as_deref(), Some("/ping"));
        assert_eq!(found.ports, [(health.port(), Other::Status(200))]);
    }

    #[test]
    fn protocols_show_by_their_first_bytes() {
        let tls = server(|asked| match asked {
            [0x16, 3, 1, ..] => vec![0x15, 3, 3, 0, 2, 2, 0x46],
            _ => Vec::new(),
        });
        let protocol = |address| ask(&endpoint(address), Some(&Symptom::Closed), None).protocol;
        assert_eq!(protocol(tls), Some(Protocol::Tls));
        let http2 = server(|asked| match asked.starts_with(b"PRI * HTTP/2.0") {
            true => b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64".to_vec(),
            false => Vec::new(),
        });
        assert_eq!(protocol(http2), Some(Protocol::Http2));
        let neither = server(|_| b"-ERR unknown command\r\n".to_vec());
        assert_eq!(protocol(neither), None);
        assert_eq!(of_bytes(b"\0\0\x06\x04\0\0\0\0\0\0\x03"), Some(Protocol::Http2));
        assert_eq!(of_bytes(b"SSH-2.0-x"), None);
        let hello = client_hello();
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
    }
}
