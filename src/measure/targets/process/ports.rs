//! Ports for servers to listen on.
//!
//! They lie below those that the kernel gives to clients. A prober that connects again and again to a port from which it
//! might itself be sent would some day meet itself: the kernel takes that for a connection, and the server finds its port
//! taken.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports to choose from.
const COUNT: u16 = 12_000;
/// Where clients' ports begin unless the kernel says otherwise.
const USUAL: u16 = 32_768;
/// Never below: ports of the system, and what is commonly taken above.
const LOWEST: u16 = 10_000;

/// Ports to choose from, each a new one as long as there are any, so that none waits for the last one's connections.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    count: u16,
    next: AtomicU16,
}

impl Ports {
    /// Those below the clients' ports; `seed` keeps runs at the same time apart.
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

    /// A port on which nobody listens, at any address.
    ///
    /// # Errors
    /// If all that were tried are taken.
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

/// First port and number of ports below the range of the clients', or below the usual one where that leaves no room.
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
