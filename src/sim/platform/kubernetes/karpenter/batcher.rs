//! The batcher: pods that wait for a node are collected before nodes are launched for them.

use crate::units::{SimDuration, SimTime};

/// Pods that wait for nodes together.
#[derive(Debug, Clone, Copy)]
struct Batch {
    /// When the first pod came.
    since: SimTime,
    /// When the last pod came.
    last: SimTime,
    /// Number of the newest pod.
    newest: u64,
}

/// The batch that is open, and the pods of the batches before.
#[derive(Debug)]
pub(super) struct Batcher {
    idle: SimDuration,
    most: SimDuration,
    batch: Option<Batch>,
    /// Number of the newest pod in all closed batches.
    seen: u64,
}

impl Batcher {
    /// A batcher without a batch. A batch closes `idle` after its last pod, and `most` after its first pod at the latest.
    pub(super) fn new(idle: SimDuration, most: SimDuration) -> Self {
        Self {
            idle,
            most,
            batch: None,
            seen: 0,
        }
    }

    /// Notes that pods wait, the newest of them with number `newest`. Returns the time at which the batch closes if a pod is
    /// new, or if no node is `coming` for pods of an earlier batch.
    pub(super) fn trigger(&mut self, newest: u64, coming: bool, now: SimTime) -> Option<SimTime> {
        let batch = match &mut self.batch {
            Some(batch) if newest <= batch.newest => return None,
            Some(batch) => {
                (batch.last, batch.newest) = (now, newest);
                *batch
            }
            None if newest <= self.seen && coming => return None,
            None => *self.batch.insert(Batch {
                since: now,
                last: now,
                newest,
            }),
        };
        Some(self.closes(batch))
    }

    /// Closes the batch if it is time to. Returns true if it did.
    pub(super) fn close(&mut self, now: SimTime) -> bool {
        let Some(batch) = self.batch.filter(|batch| self.closes(*batch) <= now) else {
            return false;
        };
        self.batch = None;
        self.seen = batch.newest;
        true
    }

    fn closes(&self, batch: Batch) -> SimTime {
        (batch.last + self.idle).min(batch.since + self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_closes_when_no_pod_comes_and_at_its_longest() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut batcher = Batcher::new(SimDuration::from_millis(1_000), SimDuration::from_millis(2_500));
        assert_eq!(batcher.trigger(1, false, at(0)), Some(at(1_000)));
        // The same pod is no news.
        assert_eq!(batcher.trigger(1, false, at(500)), None);
        assert_eq!(batcher.trigger(2, false, at(900)), Some(at(1_900)));
        assert!(!batcher.close(at(1_000)));
        assert_eq!(batcher.trigger(3, false, at(1_800)), Some(at(2_500)));
        assert!(batcher.close(at(2_500)));
        // A pod of a closed batch opens another one only if no node comes for it.
        assert_eq!(batcher.trigger(3, true, at(3_000)), None);
        assert_eq!(batcher.trigger(3, false, at(3_000)), Some(at(4_000)));
    }
}
