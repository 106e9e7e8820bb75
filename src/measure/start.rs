//! One cold start at any place: its outcome, and its phases from the moments that were seen.
//!
//! Durations are differences of the monotonic clock. The phases must add up to the time that the client saw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::measure::probe::Ready;
use crate::measure::targets::docker::pull::Pulled;
use crate::measure::usage::Usage;
use crate::measure::warm::round_trip::Place;
use crate::model::profile::ColdSample;

pub mod failed;
pub mod phases;
pub mod trouble;

pub use failed::Failed;

/// Sets a stop flag when dropped, so that no thread outlives the task that started it.
#[derive(Debug)]
pub struct StopOnDrop(pub Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An instance that has given its first correct answer.
#[derive(Debug)]
pub struct Up {
    /// The id by which its target knows it.
    pub id: String,
    /// Its address.
    pub address: SocketAddr,
    /// The place of an empty handler on the same network path.
    pub place: Place,
    /// The sample. The session sets block, order and spin ratio.
    pub sample: ColdSample,
    /// The answer that proved it.
    pub ready: Ready,
    /// The reader of its CPU and memory, where they can be read.
    pub usage: Option<Usage>,
    /// The time for which its CPU limit had stopped it until then, summed over CPUs.
    pub throttled: Option<Duration>,
    /// The bytes that its first process had read from the disk until then.
    pub disk_read: Option<u64>,
    /// The pull of a node-cold start.
    pub pulled: Option<Pulled>,
}

/// The outcome of a start.
#[derive(Debug)]
pub enum Outcome {
    /// A correct answer came; the instance is up.
    Up(Box<Up>),
    /// No correct answer came, or the sample proves nothing; the instance is gone.
    Failed(Failed),
}
