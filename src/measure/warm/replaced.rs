//! The replacement of an instance that did not survive its load.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::measure::http::{Connection, Request};
use crate::measure::load;
use crate::measure::usage::Usage;
use crate::measure::warm::{Instance, SATURATION_CLIENTS};

/// The number of attempts to reach an instance before it counts as gone.
const ATTEMPTS: u32 = 3;

/// A new instance, and the end of the one before.
#[derive(Debug)]
pub struct Replaced {
    /// True if the kernel killed the one before for its memory.
    pub out_of_memory: bool,
    /// The address of the new instance.
    pub address: SocketAddr,
    /// The connection of its first answer.
    pub connection: Connection,
    /// The reader of its CPU and memory, where they can be read.
    pub usage: Option<Usage>,
}

/// A function that starts a new instance in place of one that is gone. It returns `None` if the start fails.
pub struct Replacements(pub Box<dyn FnMut() -> Option<Replaced> + Send>);

impl fmt::Debug for Replacements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replacements")
    }
}

/// The words in a trial for an instance that was killed for its memory.
pub const KILLED: &str = "killed for its memory";
/// The words for an instance that ended for another reason.
const GONE: &str = "the instance ended";

impl Instance<'_> {
    /// Returns true if the instance still answers.
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

    /// Replaces the instance by a new one, and loads it for `warming` so that it is warm. Returns the words for the end of the one
    /// before, as an error if the new one does not start.
    pub(super) fn replace(&mut self, request: &Request, warming: Duration) -> Result<&'static str, &'static str> {
        let replaced = self.replacements.as_mut().and_then(|replacements| (replacements.0)());
        let Some(replaced) = replaced else { return Err(GONE) };
        self.server.address = replaced.address;
        self.connection = replaced.connection;
        self.usage = replaced.usage;
        load::closed_loop(self.server, None, request, SATURATION_CLIENTS, warming, || {});
        Ok(if replaced.out_of_memory { KILLED } else { GONE })
    }
}
