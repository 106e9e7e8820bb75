//! The ports on which servers listen.
//!
//! They lie below the ports that the kernel gives to clients. Otherwise a probe that connects again and again could get its
//! own target as its source port and connect to itself; the server would then find its port in use.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The number of ports to choose from.
const COUNT: u16 = 12_000;
/// The first port of clients, unless the kernel tells another one.
const USUAL: u16 = 32_768;
/// The lowest port to choose: below lie the ports of the system and common services.
const LOWEST: u16 = 10_000;

/// The ports to choose from. Each start gets a new port as long as there are any, so that it need not wait for old connections.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    count: u16,
    next: AtomicU16,
}

impl Ports {
    /// The ports below those of clients. `seed` separates runs at the same time.
    pub fn new(seed: &str) -> Self {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        let (first, count) = below(&range);
        let mixed = seed
            .bytes()
            .fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self {
            first,
            count,
            next: AtomicU16::new((mixed % u32::from(count)) as u16),
        }
    }

    /// A port on which no server listens, at any address.
    ///
    /// # Errors
    /// If all ports that were tried are in use.
    pub fn free(&self) -> io::Result<u16> {
        let mut last = io::ErrorKind::AddrInUse.into();
        for _ in 0..100 {
            let port = self.first + self.next.fetch_add(1, Ordering::Relaxed) % self.count;
            match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
                Ok(_) => return Ok(port),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// The first port and the number of ports below the range of clients, or below the usual range if that leaves too few.
fn below(range: &str) -> (u16, u16) {
    let begin = range.split_whitespace().next().and_then(|first| first.parse().ok());
    let end = begin.filter(|&begin: &u16| begin > LOWEST + 1000).unwrap_or(USUAL);
    let first = end.saturating_sub(COUNT).max(LOWEST);
    (first, end - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_below_those_of_clients() {
        assert_eq!(below("32768\t60999\n"), (20_768, 12_000));
        assert_eq!(below("15000 60999"), (10_000, 5_000));
        assert_eq!(below("1024 65535"), (20_768, 12_000));
        assert_eq!(below(""), (20_768, 12_000));
    }

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let ports = Ports::new("ab12");
        let one = ports.free().unwrap();
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, one + 1)).ok();
        let two = ports.free().unwrap();
        assert!(two > one + 1, "{one} {two}");
    }
}
