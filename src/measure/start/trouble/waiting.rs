//! The words for a server that runs and is not ready.

use std::net::SocketAddr;

use super::Trouble;
use super::questions::{Findings, Other, Protocol};
use crate::measure::probe::Endpoint;
use crate::measure::probe::sight::{Refusal, Symptom};
use crate::measure::sockets::{Listening, is_loopback};

/// Puts into words what is known of a server that gave no right answer.
pub fn describe(
    endpoint: &Endpoint,
    symptom: Option<&Symptom>,
    listening: Option<&Listening>,
    findings: &Findings,
) -> Trouble {
    let port = endpoint.address.port();
    match symptom {
        Some(Symptom::Wrong(refusal)) if findings.protocol.is_none() => refused(endpoint, refusal, findings),
        Some(Symptom::Foreign(_) | Symptom::Closed | Symptom::Silent | Symptom::Broken(_) | Symptom::Wrong(_)) => {
            match (findings.protocol, symptom) {
                (Some(protocol), _) => speaks(port, protocol),
                (None, Some(Symptom::Silent)) => Trouble::new(
                    format!(
                        "port {port} accepts connections and gives no answer{}",
                        also(&findings.ports, endpoint)
                    ),
                    &[
                        "it may wait for something that it cannot reach: the container has no network to the outside (--network)",
                        "if it only needs more time, say how much: --ready-timeout 300s",
                    ],
                ),
                (None, Some(symptom)) => Trouble {
                    what: format!(
                        "port {port} does not speak HTTP/1.1 ({symptom}){}",
                        also(&findings.ports, endpoint)
                    ),
                    hints: vec!["name the port that answers HTTP: --port".into()],
                },
                (None, None) => Trouble::default(),
            }
        }
        Some(Symptom::NoConnection(_)) | None => nobody(endpoint, listening, findings),
    }
}

fn speaks(port: u16, protocol: Protocol) -> Trouble {
    match protocol {
        Protocol::Tls => Trouble::new(
            format!("port {port} looks like TLS, and coldcast speaks plain HTTP"),
            &["turn TLS off for the measurement, or name a port without it: --port"],
        ),
        Protocol::Http2 => Trouble::new(
            format!("port {port} looks like HTTP/2 only (as gRPC servers do), and coldcast speaks HTTP/1.1"),
            &["allow HTTP/1.1 on it, or name a port that speaks it: --port, or --health-port for the health route"],
        ),
    }
}

/// A clause about the other ports; empty without one.
fn also(ports: &[(u16, Other)], endpoint: &Endpoint) -> String {
    let one = |(port, answer): &(u16, Other)| match answer {
        Other::Status(status) => format!("{port} ({} there: status {status})", endpoint.path),
        Other::Speaks(Protocol::Tls) => format!("{port} (TLS)"),
        Other::Speaks(Protocol::Http2) => format!("{port} (HTTP/2)"),
        Other::Nothing => port.to_string(),
    };
    match ports {
        [] => String::new(),
        ports => format!(
            "; also listens on {}",
            ports.iter().map(one).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The port that answers the health path rightly.
fn healthy(ports: &[(u16, Other)]) -> Option<u16> {
    ports
        .iter()
        .find(|(_, answer)| matches!(answer, Other::Status(200..=299)))
        .map(|(port, _)| *port)
}

fn refused(endpoint: &Endpoint, refusal: &Refusal, findings: &Findings) -> Trouble {
    let path = &endpoint.path;
    let mut what = format!("{path} answered with {}", refusal.wrong);
    if let Some(location) = &refusal.location {
        what += &format!(" to {location}");
    }
    if let Some(line) = &refusal.first_line {
        what += &format!(": \"{line}\"");
    }
    what += &also(&findings.ports, endpoint);
    let mut hints = Vec::new();
    if let Some(found) = &findings.path {
        match refusal.status {
            300..=399 => what += &format!(": try --path {found}"),
            _ => hints.push(format!("{found} answers: try --path {found}")),
        }
    }
    if let Some(header) = &findings.header {
        hints.push(format!("with this header it answers: --header '{header}'"));
    }
    if let Some(port) = healthy(&findings.ports) {
        hints.push(format!(
            "{path} answers on port {port}: --health-port {port}, with --route NAME=/PATH for the work on port {}",
            endpoint.address.port()
        ));
    }
    if hints.is_empty() && findings.path.is_none() {
        hints.extend(usual_remedy(refusal).map(str::to_string));
    }
    Trouble { what, hints }
}

/// The usual remedy for a status.
fn usual_remedy(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal.status {
        300..=399 => "name a path that answers without a redirection: --path",
        400 | 421 => {
            "the probe sends `Host: app`; if it allows certain hosts only, name one (--header 'Host: ...'), or allow `app` in \
             its settings (--env)"
        }
        401 | 403 => "name a path that needs no credentials (--path), or give them: --header 'Authorization: ...'",
        404 => "name a path that it knows: --path",
        405 => "the probe sends GET; name a path that takes it: --path",
        500 => "its log may say why; a setting may be missing: --env NAME=VALUE",
        502..=504 => "it says that something it needs is not there: --network gives it a network of the engine",
        _ => return None,
    })
}

fn nobody(endpoint: &Endpoint, listening: Option<&Listening>, findings: &Findings) -> Trouble {
    let port = endpoint.address.port();
    let Some(seen) = listening else {
        return Trouble::new(
            format!("nothing answers on port {port}"),
            &["name the port on which it listens: --port"],
        );
    };
    let list = |addresses: &[&SocketAddr]| {
        addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    let here: Vec<&SocketAddr> = seen.on(port).collect();
    if !here.is_empty() && !seen.is_reachable(port) {
        return Trouble::new(
            format!(
                "listens on {} only; bind 0.0.0.0 (nothing outside the container reaches loopback)",
                list(&here)
            ),
            &["many servers take the address from a flag or a variable, such as --env HOST=0.0.0.0"],
        );
    }
    if !here.is_empty() {
        return Trouble::new(
            format!(
                "listens on {}, and refuses connections to {}; bind 0.0.0.0",
                list(&here),
                endpoint.address
            ),
            &["an address of IPv6 alone, or of another interface, is not enough"],
        );
    }
    let mut places = Vec::new();
    if !findings.ports.is_empty() {
        places.push(
            also(&findings.ports, endpoint)
                .trim_start_matches("; also listens on ")
                .to_string(),
        );
    }
    let local: Vec<&SocketAddr> = seen.tcp.iter().filter(|address| is_loopback(address)).collect();
    if !local.is_empty() {
        places.push(list(&local));
    }
    if !seen.unix.is_empty() {
        let paths: Vec<&str> = seen.unix.iter().map(String::as_str).collect();
        places.push(format!(
            "the Unix socket {}",
            crate::measure::escape::line(&paths.join(", "), 200)
        ));
    }
    let udp: Vec<&SocketAddr> = seen.udp.iter().filter(|address| address.port() == port).collect();
    if !udp.is_empty() {
        places.push(format!("UDP {}", list(&udp)));
    }
    if places.is_empty() {
        return Trouble::new(
            format!("nothing listens on port {port}, nor on any other"),
            &[
                "it may wait for something that it cannot reach: the container has no network to the outside (--network)",
                "if it only needs more time, say how much: --ready-timeout 300s",
            ],
        );
    }
    let mut hints = Vec::new();
    match healthy(&findings.ports) {
        Some(port) => hints.push(format!("{} answers on port {port}: --port {port}", endpoint.path)),
        None if findings.ports.is_empty() => hints.push(format!("make it listen on 0.0.0.0:{port}")),
        None => hints.push("name the port on which it answers: --port".into()),
    }
    Trouble {
        what: format!("nothing listens on port {port}; it listens on {}", places.join(" and ")),
        hints,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::http::Answer;
    use crate::measure::options::Headers;
    use crate::measure::probe::Expect;

    fn endpoint() -> Endpoint {
        Endpoint {
            address: "10.217.0.2:8080".parse().unwrap(),
            path: "/healthz".into(),
            headers: Headers::default(),
            expect: Expect::AnySuccess,
        }
    }

    fn sockets(tcp: &[&str], unix: &[&str]) -> Listening {
        Listening {
            tcp: tcp.iter().map(|address| address.parse().unwrap()).collect(),
            unix: unix.iter().map(|path| (*path).to_string()).collect(),
            ..Listening::default()
        }
    }

    fn no_connection(tcp: &[&str], unix: &[&str], ports: &[(u16, Other)]) -> Trouble {
        let findings = Findings {
            ports: ports.to_vec(),
            ..Findings::default()
        };
        let symptom = Symptom::NoConnection("refused".into());
        describe(&endpoint(), Some(&symptom), Some(&sockets(tcp, unix)), &findings)
    }

    fn status(status: u16, location: Option<&str>, body: &str, findings: &Findings) -> Trouble {
        let answer = Answer {
            status,
            location: location.map(Into::into),
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        };
        let symptom = Symptom::Wrong(Refusal::of(&answer, format!("status {status}")));
        describe(&endpoint(), Some(&symptom), None, findings)
    }

    #[test]
    fn an_address_that_cannot_be_reached_is_named() {
        let loopback = no_connection(&["127.0.0.1:8080", "[::1]:8080"], &[], &[]);
        assert!(
            loopback
                .what
                .starts_with("listens on 127.0.0.1:8080 and [::1]:8080 only; bind 0.0.0.0"),
            "{loopback:?}"
        );
        let v6 = no_connection(&["[::]:8080"], &[], &[]).what;
        assert!(
            v6.contains("listens on [::]:8080, and refuses connections to 10.217.0.2:8080"),
            "{v6}"
        );
    }

    #[test]
    fn another_place_to_listen_is_named() {
        let other = no_connection(&["0.0.0.0:9090"], &[], &[(9090, Other::Status(200))]);
        assert_eq!(
            other.what,
            "nothing listens on port 8080; it listens on 9090 (/healthz there: status 200)"
        );
        assert_eq!(other.hints, ["/healthz answers on port 9090: --port 9090"]);
        let unix = no_connection(&[], &["/run/app\u{1b}.sock"], &[]).what;
        assert!(
            unix.ends_with("it listens on the Unix socket /run/app\\x1b.sock"),
            "{unix}"
        );
        let local = no_connection(&["127.0.0.1:3000"], &[], &[]).what;
        assert!(local.ends_with("it listens on 127.0.0.1:3000"), "{local}");
        let none = no_connection(&[], &[], &[]);
        assert!(
            none.what.ends_with("nor on any other") && none.hints[0].contains("--network"),
            "{none:?}"
        );
        let unseen = describe(&endpoint(), None, None, &Findings::default());
        assert_eq!(unseen.what, "nothing answers on port 8080");
    }

    #[test]
    fn an_answer_is_told_with_its_remedy() {
        let none = Findings::default();
        let path = Findings {
            path: Some("/healthz/".into()),
            ..none.clone()
        };
        let moved = status(301, Some("/healthz/"), "", &path);
        assert_eq!(
            moved.what,
            "/healthz answered with status 301 to /healthz/: try --path /healthz/"
        );
        let host = Findings {
            header: Some("Host: localhost".into()),
            ..none.clone()
        };
        let django = status(400, None, "<title>DisallowedHost at /healthz</title>", &host);
        assert_eq!(
            django.what,
            "/healthz answered with status 400: \"DisallowedHost at /healthz\""
        );
        assert_eq!(
            django.hints,
            ["with this header it answers: --header 'Host: localhost'"]
        );
        let ports = Findings {
            ports: vec![(9090, Other::Status(200)), (9091, Other::Speaks(Protocol::Tls))],
            ..none.clone()
        };
        let other = status(404, None, "", &ports);
        assert_eq!(
            other.what,
            "/healthz answered with status 404; also listens on 9090 (/healthz there: status 200), 9091 (TLS)"
        );
        assert!(other.hints[0].contains("--health-port 9090"), "{other:?}");
        assert!(status(401, None, "", &none).hints[0].contains("Authorization"));
        assert!(status(500, None, "boom", &none).what.ends_with("status 500: \"boom\""));
    }

    #[test]
    fn another_protocol_is_named() {
        let of = |symptom: Symptom, protocol| {
            describe(
                &endpoint(),
                Some(&symptom),
                None,
                &Findings {
                    protocol,
                    ..Findings::default()
                },
            )
            .what
        };
        assert!(of(Symptom::Closed, Some(Protocol::Tls)).contains("looks like TLS"));
        assert!(of(Symptom::Silent, Some(Protocol::Http2)).contains("looks like HTTP/2 only"));
        assert!(of(Symptom::Silent, None).contains("accepts connections and gives no answer"));
        assert!(of(Symptom::Foreign(b"-ERR \x07".to_vec()), None).contains("not HTTP/1.1: -ERR \\x07"));
        assert!(of(Symptom::Closed, None).contains("closed without an answer"));
    }
}
