//! Connection attempts that overlap. While a container's link comes up, first packets get lost and their attempts hang. A
//! probe that waited for each of them to time out would see the server late by up to one timeout.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, connect, getsockopt, socket, sockopt::SocketError,
};

use super::sight::Symptom;

/// The longest time that an attempt may stay without an answer.
const GIVE_UP: Duration = Duration::from_millis(100);

/// Attempts to connect to one address.
#[derive(Debug)]
pub struct Attempts {
    address: SocketAddr,
    pending: Vec<(OwnedFd, Instant)>,
    /// The number of attempts begun.
    pub begun: u32,
    /// The error of the last attempt that failed.
    pub last_error: Option<io::Error>,
}

impl Attempts {
    /// No attempt yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            pending: Vec::new(),
            begun: 0,
            last_error: None,
        }
    }

    /// The reason why no attempt was accepted so far.
    pub fn symptom(&self) -> Symptom {
        Symptom::NoConnection(match &self.last_error {
            Some(error) => error.to_string(),
            None => "packets got lost".into(),
        })
    }

    /// Begins one attempt and waits for `pause`, or until an attempt is accepted. Returns the accepted one.
    pub fn next(&mut self, pause: Duration) -> Option<TcpStream> {
        let until = Instant::now() + pause;
        if let Err(error) = self.begin() {
            self.last_error = Some(error);
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if let Some(stream) = self.wait(left) {
                self.pending.clear();
                return Some(stream);
            }
            if left.is_zero() {
                self.pending.retain(|(_, since)| since.elapsed() < GIVE_UP);
                return None;
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.begun += 1;
        let family = if self.address.is_ipv4() {
            AddressFamily::Inet
        } else {
            AddressFamily::Inet6
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let fd = socket(family, SockType::Stream, flags, None)?;
        let begun = match self.address {
            SocketAddr::V4(address) => connect(fd.as_raw_fd(), &SockaddrIn::from(address)),
            SocketAddr::V6(address) => connect(fd.as_raw_fd(), &SockaddrIn6::from(address)),
        };
        match begun {
            Ok(()) | Err(Errno::EINPROGRESS) => {
                self.pending.push((fd, Instant::now()));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the first attempt that is accepted within `left`, and drops those that failed.
    fn wait(&mut self, left: Duration) -> Option<TcpStream> {
        let mut fds: Vec<PollFd<'_>> = self
            .pending
            .iter()
            .map(|(fd, _)| PollFd::new(fd.as_fd(), PollFlags::POLLOUT))
            .collect();
        // The descriptors tell the outcome, also after an interruption.
        let _ = ppoll(&mut fds, Some(left.into()), None);
        let settled: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        for (position, _) in settled.iter().enumerate().rev().filter(|(_, settled)| **settled) {
            let (fd, _) = self.pending.swap_remove(position);
            match getsockopt(&fd, SocketError) {
                Ok(0) => return Some(TcpStream::from(fd)),
                Ok(code) => self.last_error = Some(io::Error::from_raw_os_error(code)),
                Err(error) => self.last_error = Some(error.into()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_accepted_attempt_ends_the_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut attempts = Attempts::new(listener.local_addr().unwrap());
        let began = Instant::now();
        assert!(attempts.next(Duration::from_secs(5)).is_some());
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn a_refused_attempt_waits_its_pause_and_says_why() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut attempts = Attempts::new(closed);
        let began = Instant::now();
        assert!(attempts.next(Duration::from_millis(5)).is_none());
        assert!(began.elapsed() >= Duration::from_millis(5));
        assert_eq!(
            attempts.last_error.map(|e| e.kind()),
            Some(io::ErrorKind::ConnectionRefused)
        );
    }
}
