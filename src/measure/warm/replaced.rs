//! Another instance in place of one that did not survive its load.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Instance, SATURATION_CLIENTS};
use crate::measure::http::{Connection, Request};
use crate::measure::load;
use crate::measure::usage::Usage;

/// Attempts to reach an instance before it counts as gone.
const ATTEMPTS: u32 = 3;

/// A new instance, and what became of the one before.
#[derive(Debug)]
pub struct Replaced {
    /// Whether the kernel killed the one before for its memory.
    pub out_of_memory: bool,
    /// Address of the new one.
    pub address: SocketAddr,
    /// The connection of its first answer.
    pub connection: Connection,
    /// What it uses, where that can be read.
    pub usage: Option<Usage>,
}

/// Starts a new instance in place of one that is gone; `None` if none comes up.
pub struct Replacements(pub Box<dyn FnMut() -> Option<Replaced> + Send>);

impl fmt::Debug for Replacements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replacements")
    }
}

/// In a trial, what is said of an instance that was killed for its memory.
pub const KILLED: &str = "killed for its memory";
/// And of one that ended otherwise.
const GONE: &str = "the instance ended";

impl Instance<'_> {
    /// Whether it still answers.
    pub(super) fn is_alive(&self, request: &Request) -> bool {
        (0..ATTEMPTS).any(|attempt| {
            std::thread::sleep(Duration::from_secs(u64::from(attempt)));
            let asked = self
                .server
                .connect()
                .and_then(|mut connection| self.server.ask(&mut connection, request));
            asked.unwrap_or(false)
        })
    }

    /// Puts a new instance in its place, and has it answer requests for so long that it is warm. Says what became of the one
    /// before; an error if no other comes up.
    pub(super) fn replace(&mut self, request: &Request, warming: Duration) -> Result<&'static str, &'static str> {
        let replaced = self.replacements.as_mut().and_then(|replacements| (replacements.0)());
        let Some(replaced) = replaced else { return Err(GONE) };
        self.server.address = replaced.address;
        self.connection = replaced.connection;
        self.usage = replaced.usage;
        load::closed_loop(self.server, request, SATURATION_CLIENTS, warming, || {});
        Ok(if replaced.out_of_memory { KILLED } else { GONE })
    }
}
