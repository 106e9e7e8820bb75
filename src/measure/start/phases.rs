//! The phases of a start, computed from its moments. They must add up to the time that the client saw.

use std::time::{Duration, Instant};

use crate::measure::load::{ms, round3};
use crate::measure::probe;
use crate::measure::start::failed::Why;
use crate::model::profile::{ColdSample, Verdict};

/// The milliseconds by which the sum of the phases may differ from the total, in addition to one probe interval.
const SUM_TOLERANCE_MS: f64 = 2.0;

/// The moments of a start, in order of time.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// The pull call and its end.
    pub pulled: Option<(Instant, Instant)>,
    /// The create call.
    pub create_call: Instant,
    /// The answer to the create call.
    pub created: Instant,
    /// The time at which the program started: the engine's `StartedAt`.
    pub started_at: Instant,
    /// The first accepted connection.
    pub accepted: Instant,
    /// The first correct answer.
    pub answered: Instant,
    /// The first request of the workload, and its answer.
    pub first_request: Option<(Instant, Instant)>,
}

impl Moments {
    /// Computes the phases. The time between the first correct answer and the first request of the workload belongs to none.
    pub fn phases(&self) -> Result<ColdSample, Why> {
        // The engine may note the start only after the program has begun to listen.
        let started = self.started_at.max(self.created).min(self.accepted);
        let between = |(from, to): (Instant, Instant)| ms(to - from);
        let began = self.pulled.map_or(self.create_call, |(call, _)| call);
        let limit_update = self.first_request.map(|(sent, _)| sent - self.answered);
        let end = self.first_request.map_or(self.answered, |(_, answered)| answered);
        let sample = ColdSample {
            block: 0,
            order: 0,
            create_ms: ms(self.created - self.create_call),
            start_ms: ms(started - self.created),
            boot_ms: ms(self.accepted - started),
            first_response_ms: ms(self.answered - self.accepted),
            pull_ms: self.pulled.map(between),
            first_request_ms: self.first_request.map(between),
            limit_update_ms: limit_update.map(ms),
            total_ms: ms((end - began).saturating_sub(limit_update.unwrap_or(Duration::ZERO))),
            cpu_ms: None,
            anon_bytes: None,
            tries: 0,
            spin_ratio: 0.0,
            process_id: None,
            verdict: Verdict::Counted,
        };
        let off = round3((sample.phase_sum_ms() - sample.total_ms).abs());
        let interval = probe::interval(self.answered - self.created);
        if off > SUM_TOLERANCE_MS + ms(interval) {
            return Err(Why::dropped(format!("the phases differ from the total by {off} ms")));
        }
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::FailureKind;

    /// Moments in milliseconds after the pull call.
    fn moments(started_at: u64) -> Moments {
        let zero = Instant::now();
        let at = |ms| zero + Duration::from_millis(ms);
        Moments {
            pulled: None,
            create_call: at(1001),
            created: at(1100),
            started_at: at(started_at),
            accepted: at(1650),
            answered: at(1660),
            first_request: None,
        }
    }

    #[test]
    fn phases_add_up_also_when_the_engine_is_late() {
        let usual = moments(1400).phases().unwrap();
        assert_eq!(
            [
                usual.create_ms,
                usual.start_ms,
                usual.boot_ms,
                usual.first_response_ms,
                usual.total_ms
            ],
            [99.0, 300.0, 250.0, 10.0, 659.0]
        );
        assert_eq!(
            (usual.pull_ms, usual.first_request_ms, usual.limit_update_ms),
            (None, None, None)
        );
        let late = moments(1700).phases().unwrap();
        assert_eq!([late.start_ms, late.boot_ms, late.total_ms], [550.0, 0.0, 659.0]);
    }

    #[test]
    fn a_pull_and_a_first_request_count_and_setting_the_limit_does_not() {
        let mut whole = moments(1400);
        whole.pulled = Some((
            whole.create_call - Duration::from_millis(1001),
            whole.create_call - Duration::from_millis(1),
        ));
        let sent = whole.answered + Duration::from_millis(80);
        whole.first_request = Some((sent, sent + Duration::from_millis(7)));
        let sample = whole.phases().unwrap();
        assert_eq!(
            (sample.pull_ms, sample.first_request_ms, sample.limit_update_ms),
            (Some(1000.0), Some(7.0), Some(80.0))
        );
        // Wall time from the pull call to the last answer, less the 80 ms.
        assert_eq!(sample.total_ms, 1747.0 - 80.0);
    }

    #[test]
    fn phases_that_miss_the_total_are_dropped() {
        let mut gap = moments(1400);
        gap.pulled = Some((
            gap.create_call - Duration::from_millis(1000),
            gap.create_call - Duration::from_millis(50),
        ));
        assert_eq!(gap.phases().unwrap_err().kind, FailureKind::Dropped);
    }
}
