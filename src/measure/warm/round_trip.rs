//! The round trip of an empty handler: the cost of the network path and of the client, without a framework.
//!
//! The empty handler is a thread of this process. It listens inside the container's network namespace, so that its packets
//! cross the same bridge. It runs outside the container's CPU limit. Entering the namespace needs root; otherwise the handler
//! listens on the host's side of the bridge, where packets never leave the host's own stack. A process of this machine and
//! its empty handler both use the loopback interface.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

use crate::measure::http::Request;
use crate::measure::load::{self, Server};
use crate::stats::order;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

/// The place where the empty handler listens, on the network path of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the network namespace of a container.
    Container {
        /// The first process of the container.
        pid: i64,
        /// The address of the container.
        address: Ipv4Addr,
        /// The address of the host on its bridge.
        gateway: Ipv4Addr,
    },
    /// On the loopback interface.
    Loopback,
}

/// A round trip to the empty handler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoundTrip {
    /// The median in milliseconds.
    pub median_ms: f64,
    /// True if it took the path of the instance; false if the empty handler had to listen on the host's side.
    pub same_path: bool,
}

/// Measures `count` round trips to an empty handler at this place.
pub fn measure(place: Place, server: Server<'_>, count: usize) -> io::Result<RoundTrip> {
    let at = |host: Ipv4Addr| {
        let listener = TcpListener::bind((host, 0))?;
        let address = listener.local_addr()?;
        io::Result::Ok((listener, address))
    };
    let ((listener, address), same_path) = match place {
        Place::Container { pid, address, gateway } => match listen_in_namespace(pid) {
            Ok(listener) => {
                let port = listener.local_addr()?.port();
                ((listener, SocketAddr::from((address, port))), true)
            }
            Err(_) => (at(gateway)?, false),
        },
        Place::Loopback => (at(Ipv4Addr::LOCALHOST)?, true),
    };
    let responder = std::thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            let _ = answer_all(stream);
        }
    });
    let here = Server { address, ..server };
    let mut connection = here.connect()?;
    let (times, _) = load::one_by_one(
        here,
        &mut connection,
        &Request::get("/"),
        count,
        Duration::from_secs(2),
        |_| {},
    )?;
    drop(connection);
    let _ = responder.join();
    let median_ms = order::median(&order::sorted(times)).ok_or(io::ErrorKind::TimedOut)?;
    Ok(RoundTrip {
        median_ms: load::round3(median_ms),
        same_path,
    })
}

/// Opens a listener in the network namespace of process `pid`. The thread that enters the namespace ends at once; the socket stays
/// there.
fn listen_in_namespace(pid: i64) -> io::Result<TcpListener> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    std::thread::spawn(move || {
        setns(&namespace, CloneFlags::CLONE_NEWNET)?;
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
    })
    .join()
    .map_err(|_| io::Error::other("the thread failed"))?
}

/// Answers each request. Requests have no body and end with an empty line, and may come in several packets.
fn answer_all(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut seen = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let n = stream.read(&mut chunk)?;
        if n == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&chunk[..n]);
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            stream.write_all(ANSWER)?;
        }
    }
}
