//! A token bucket: a rate limit with a burst.

use crate::units::{SimDuration, SimTime};

/// Tokens that come back at a steady rate up to a capacity.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    /// Time that one token takes to come back.
    interval: SimDuration,
    /// The bucket is full again at this instant; every missing token puts it one interval further.
    full_at: SimTime,
    /// `full_at` is never further ahead than this.
    depth: SimDuration,
}

impl TokenBucket {
    /// A full bucket of `capacity` tokens of which `per_second` come back each second.
    pub(crate) fn new(capacity: f64, per_second: f64) -> Self {
        let interval = SimDuration::from_secs_f64(1.0 / per_second);
        Self {
            interval,
            full_at: SimTime::ZERO,
            depth: interval.scale(capacity),
        }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: SimTime) -> bool {
        let after = self.full_at.max(now) + self.interval;
        let granted = after <= now + self.depth;
        if granted {
            self.full_at = after;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_capacity_and_refills_steadily() {
        let mut bucket = TokenBucket::new(1_000.0, 100.0);
        let start = SimTime(5_000_000_000);
        assert_eq!((0..2_000).filter(|_| bucket.take(start)).count(), 1_000);
        let later = start + SimDuration::from_secs(3);
        assert_eq!((0..2_000).filter(|_| bucket.take(later)).count(), 300);
        let much_later = later + SimDuration::from_secs(3_600);
        assert_eq!((0..2_000).filter(|_| bucket.take(much_later)).count(), 1_000);
    }
}
