//! Lambda's time, and waits that end when the emulator stops.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The clock of the emulated service.
#[derive(Debug)]
pub struct Clock {
    began: Instant,
    epoch: Timestamp,
    scale: f64,
    stopped: Mutex<bool>,
    stop: Condvar,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(scale: f64) -> Self {
        assert!(scale > 0.0, "a time scale above 0");
        Self {
            began: Instant::now(),
            epoch: Timestamp::now(),
            scale,
            stopped: Mutex::new(false),
            stop: Condvar::new(),
        }
    }

    /// Milliseconds since the start.
    pub fn now_ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3 / self.scale
    }

    /// Waits so many milliseconds, or until the clock stops.
    pub fn wait(&self, ms: f64) {
        let duration = Duration::from_secs_f64(ms.max(0.0) * self.scale / 1e3);
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stop.wait_timeout_while(stopped, duration, |stopped| !*stopped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends all waits.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.notify_all();
    }

    /// Returns true if the clock has stopped.
    pub fn has_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A moment as logs write it.
    pub fn in_logs(&self, ms: f64) -> String {
        self.moment(ms).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// A moment as `LastModified` has it.
    pub fn in_answers(&self, ms: f64) -> String {
        self.moment(ms).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
    }

    fn moment(&self, ms: f64) -> Timestamp {
        self.epoch + SignedDuration::from_secs_f64(ms / 1e3)
    }
}
