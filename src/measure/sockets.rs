//! The sockets on which the processes of a network namespace listen, as the kernel shows them in `/proc/<pid>/net`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state LISTEN of a TCP socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
/// The state of a UDP socket that is bound and not connected.
const UDP_BOUND: &str = "07";
/// The flag of a Unix socket that accepts connections (`__SO_ACCEPTCON`).
const ACCEPTS: u32 = 0x1_0000;

/// The sockets on which a container listens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listening {
    /// The addresses of TCP sockets.
    pub tcp: BTreeSet<SocketAddr>,
    /// The addresses of UDP sockets.
    pub udp: BTreeSet<SocketAddr>,
    /// The paths of Unix sockets; an abstract one begins with `@`.
    pub unix: BTreeSet<String>,
}

impl Listening {
    /// The sockets in the network namespace of process `pid`; `None` if they cannot be read, or if the process shares the
    /// namespace of this one.
    pub fn of_process(pid: i64) -> Option<Self> {
        let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
        let pid = pid.to_string();
        if pid == "0" || namespace(&pid).is_some_and(|theirs| namespace("self") == Some(theirs)) {
            return None;
        }
        let read = |table: &str| fs::read_to_string(format!("/proc/{pid}/net/{table}"));
        let optional = |table: &str| read(table).unwrap_or_default();
        let mut tcp = addresses(&read("tcp").ok()?, LISTEN);
        tcp.extend(addresses(&optional("tcp6"), LISTEN));
        let mut udp = addresses(&optional("udp"), UDP_BOUND);
        udp.extend(addresses(&optional("udp6"), UDP_BOUND));
        Some(Self {
            tcp,
            udp,
            unix: paths(&optional("unix")),
        })
    }

    /// The TCP addresses on this port.
    pub fn on(&self, port: u16) -> impl Iterator<Item = &SocketAddr> {
        self.tcp.iter().filter(move |address| address.port() == port)
    }

    /// Returns true if something listens on this port at an address that other machines can reach.
    pub fn is_reachable(&self, port: u16) -> bool {
        self.on(port).any(|address| !is_loopback(address))
    }

    /// The other TCP ports that can be reached from outside, in order.
    pub fn other_ports(&self, port: u16) -> Vec<u16> {
        let others = self
            .tcp
            .iter()
            .filter(|address| address.port() != port && !is_loopback(address));
        let others: BTreeSet<u16> = others.map(SocketAddr::port).collect();
        others.into_iter().collect()
    }

    /// Returns true if nothing listens on TCP or on a Unix socket.
    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.unix.is_empty()
    }
}

/// Returns true if only the container itself reaches an address.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// The local addresses of the sockets with this state in a table of the kernel. The engine's name server, which listens on
/// 127.0.0.11 in each container with a network of its own, does not count.
fn addresses(table: &str, state: &str) -> BTreeSet<SocketAddr> {
    let rows = table.lines().skip(1);
    let local = rows.filter_map(|row| {
        let mut fields = row.split_whitespace().skip(1);
        let (local, _remote, is) = (fields.next()?, fields.next()?, fields.next()?);
        if is != state {
            return None;
        }
        address(local)
    });
    local
        .filter(|address| address.ip() != IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)))
        .collect()
}

/// Parses an address such as `0100007F:1F90`. Each group of eight digits is a number in the byte order of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = host
        .as_bytes()
        .chunks(8)
        .map(|word| {
            Some(
                u32::from_str_radix(std::str::from_utf8(word).ok()?, 16)
                    .ok()?
                    .to_ne_bytes(),
            )
        })
        .collect();
    let ip = match words?.as_slice() {
        [v4] => IpAddr::V4(Ipv4Addr::from(*v4)),
        [a, b, c, d] => {
            let mut bytes = [0; 16];
            for (place, word) in bytes.chunks_mut(4).zip([a, b, c, d]) {
                place.copy_from_slice(word);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The paths of the Unix sockets that accept connections.
fn paths(table: &str) -> BTreeSet<String> {
    let rows = table.lines().skip(1);
    let accepting = rows.filter_map(|row| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(3)?, 16).ok()?;
        let path = fields.get(7..).filter(|path| !path.is_empty())?.join(" ");
        (flags & ACCEPTS != 0).then_some(path)
    });
    accepting.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/proc/net/tcp` of a container: 127.0.0.1:8080 and 0.0.0.0:9090 listen, the engine's name server too, and one
    /// connection is open. The addresses are those of a little-endian machine.
    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 41 1 0 100 0 0 10 0\n\
        \x20  1: 00000000:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65532        0 42 1 0 100 0 0 10 0\n\
        \x20  2: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 43 1 0 100 0 0 10 0\n\
        \x20  3: 0200D90A:1F90 0100D90A:C350 01 00000000:00000000 00:00000000 00000000 65532        0 44 1 0 100 0 0 10 0\n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue\n\
        \x20  0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000\n\
        \x20  1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000\n";
    const UNIX: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 25281 /run/app server.sock\n\
        0000000000000000: 00000003 00000000 00000000 0001 03 25282 /run/client.sock\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 25283 @abstract\n\
        0000000000000000: 00000002 00000000 00010000 0001 01 25284\n";

    fn listening() -> Listening {
        let mut tcp = addresses(TCP, LISTEN);
        tcp.extend(addresses(TCP6, LISTEN));
        Listening {
            tcp,
            udp: BTreeSet::new(),
            unix: paths(UNIX),
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_tables_are_read() {
        let seen = listening();
        let tcp: Vec<String> = seen.tcp.iter().map(ToString::to_string).collect();
        assert_eq!(tcp, ["0.0.0.0:9090", "127.0.0.1:8080", "[::]:80", "[::1]:8080"]);
        assert_eq!(
            seen.unix.iter().collect::<Vec<_>>(),
            ["/run/app server.sock", "@abstract"]
        );
        assert_eq!(seen.on(8080).count(), 2);
        assert!(!seen.is_reachable(8080), "both addresses are loopback");
        assert!(seen.is_reachable(80) && seen.is_reachable(9090));
        assert_eq!(seen.other_ports(8080), [80, 9090]);
        assert!(!seen.is_empty() && Listening::default().is_empty());
    }

    #[test]
    fn an_address_of_v4_written_as_v6_is_loopback_too() {
        assert!(is_loopback(&"[::ffff:127.0.0.1]:80".parse().unwrap()));
        assert!(!is_loopback(&"[::]:80".parse().unwrap()));
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        assert!(addresses("header\n  0: zz:1 x 0A\n  1: 0100007F:1F90\n", LISTEN).is_empty());
        assert!(paths("header\nshort line\n").is_empty());
        // The namespace of this very process is not that of a container.
        assert_eq!(Listening::of_process(i64::from(std::process::id())), None);
        assert_eq!(Listening::of_process(0), None);
    }
}
