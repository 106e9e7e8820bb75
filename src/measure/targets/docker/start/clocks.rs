//! The wall clock and the monotonic clock of one start.

use std::time::{Duration, Instant, SystemTime};

use crate::measure::start::failed::Why;

/// The largest drift of the clocks over one start.
const CLOCK_DRIFT: Duration = Duration::from_millis(5);

/// Both clocks at the create call.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    pub monotonic: Instant,
    wall: SystemTime,
}

impl Clocks {
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Fails if the clocks have drifted apart since.
    pub fn check(&self) -> Result<(), Why> {
        let wall = self.wall.elapsed().unwrap_or(Duration::MAX);
        if wall.abs_diff(self.monotonic.elapsed()) > CLOCK_DRIFT {
            return Err(Why::dropped("the wall clock was set meanwhile"));
        }
        Ok(())
    }

    /// Converts the engine's RFC 3339 time to an instant; `None` if it lies before this one.
    pub fn monotonic(&self, rfc3339: &str) -> Option<Instant> {
        let wall: jiff::Timestamp = rfc3339.parse().ok()?;
        let since = SystemTime::from(wall).duration_since(self.wall).ok()?;
        Some(self.monotonic + since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::FailureKind;

    #[test]
    fn engine_times_move_to_the_monotonic_clock() {
        let clocks = Clocks::now();
        let later = jiff::Timestamp::try_from(clocks.wall + Duration::from_millis(1500))
            .unwrap()
            .to_string();
        assert_eq!(
            clocks.monotonic(&later).map(|at| (at - clocks.monotonic).as_millis()),
            Some(1500)
        );
        assert_eq!(clocks.monotonic("0001-01-01T00:00:00Z"), None);
    }

    #[test]
    fn clocks_that_come_apart_are_noticed() {
        let clocks = Clocks::now();
        assert!(clocks.check().is_ok());
        let set = Clocks {
            wall: clocks.wall - Duration::from_millis(50),
            ..clocks
        };
        assert_eq!(set.check().unwrap_err().kind, FailureKind::Dropped);
    }
}
