//! The time to wait for a server that shows no sign of becoming ready.
//!
//! A server that uses CPU is given the whole time, because it may still be loading. An answer that will not change, such as
//! a redirection, a protocol that is not HTTP/1.1, or a socket on loopback ends the wait after seconds. So does a server
//! that does nothing at all. The answers 408, 425, 429, 502, 503 and 504 say "not yet", and are waited for.

use std::time::{Duration, Instant};

use crate::measure::probe::sight::{Lasting, Symptom};
use crate::measure::sockets::Listening;

/// The share of one core from which on a server counts as busy.
const BUSY: f64 = 0.05;
/// The time over which the CPU in use is looked at.
const WINDOW: Duration = Duration::from_secs(1);

/// The times after which a server is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiveUpAfter {
    /// After an answer, or a socket, that will not change by itself.
    settled: Duration,
    /// After an answer that may change, if nothing uses CPU.
    wrong: Duration,
    /// With a socket but without an answer, if nothing uses CPU.
    silent: Duration,
    /// Without a socket, if nothing uses CPU.
    idle: Duration,
}

impl GiveUpAfter {
    /// The times for a start that counts.
    pub const USUAL: Self = Self {
        settled: Duration::from_secs(3),
        wrong: Duration::from_secs(6),
        silent: Duration::from_secs(10),
        idle: Duration::from_secs(20),
    };
    /// The times for a trial whose only purpose is to see if a start gets further.
    pub const TRIAL: Self = Self {
        settled: Duration::from_millis(500),
        wrong: Duration::from_millis(1000),
        silent: Duration::from_millis(2000),
        idle: Duration::from_millis(3000),
    };

    /// The usual times, for a user who has said how long to wait: doing nothing is no reason to give up.
    pub fn as_asked() -> Self {
        Self {
            silent: Duration::MAX,
            idle: Duration::MAX,
            ..Self::USUAL
        }
    }
}

/// A look at a starting server.
#[derive(Debug, Clone)]
pub struct Look {
    /// The time of the look.
    pub at: Instant,
    /// The symptom that the prober sees.
    pub lasting: Option<Lasting>,
    /// The sockets; `None` if they cannot be seen.
    pub listening: Option<Listening>,
    /// The CPU time used so far; `None` if unknown.
    pub cpu: Option<Duration>,
}

/// The looks so far.
#[derive(Debug)]
pub struct Watch {
    port: u16,
    give_up_after: GiveUpAfter,
    /// The time since which the server has used hardly any CPU.
    idle_since: Instant,
    /// The last reading of the CPU time.
    cpu: Option<(Instant, Duration)>,
    /// The sockets of the last look, and the time of the first look that showed them.
    sockets: Option<(Listening, Instant)>,
}

impl Watch {
    /// A watch over a server that was started at `now` and is to listen on `port`.
    pub fn new(port: u16, give_up_after: GiveUpAfter, now: Instant) -> Self {
        Self {
            port,
            give_up_after,
            idle_since: now,
            cpu: None,
            sockets: None,
        }
    }

    /// Returns true if it makes no sense to wait any longer.
    pub fn is_hopeless(&mut self, look: &Look) -> bool {
        self.note(look);
        let idle = look.at.saturating_duration_since(self.idle_since);
        let GiveUpAfter {
            settled,
            wrong,
            silent,
            idle: nothing,
        } = self.give_up_after;
        let Some(Lasting { symptom, since }) = &look.lasting else {
            return idle >= nothing;
        };
        let lasts = look.at.saturating_duration_since(*since);
        match symptom {
            Symptom::Wrong(refusal) => match refusal.status {
                408 | 425 | 429 | 502..=504 => false,
                300..=399 | 400 | 401 | 403 | 405 | 426 => lasts >= settled,
                _ => lasts >= wrong && idle >= wrong,
            },
            Symptom::Foreign(_) => lasts >= settled,
            Symptom::Closed | Symptom::Broken(_) => lasts >= wrong && idle >= wrong,
            Symptom::Silent => lasts >= silent && idle >= silent,
            Symptom::NoConnection(_) => match &self.sockets {
                Some((sockets, since)) if !sockets.is_empty() => {
                    let shown = look.at.saturating_duration_since(*since);
                    let on_loopback = sockets.on(self.port).next().is_some() && !sockets.is_reachable(self.port);
                    (on_loopback && shown >= settled) || (shown >= silent && idle >= silent)
                }
                _ => idle >= nothing,
            },
        }
    }

    fn note(&mut self, look: &Look) {
        match (self.cpu, look.cpu) {
            (Some((at, before)), Some(cpu)) if look.at.saturating_duration_since(at) >= WINDOW => {
                let used = cpu.saturating_sub(before).as_secs_f64();
                if used >= BUSY * (look.at - at).as_secs_f64() {
                    self.idle_since = look.at;
                }
                self.cpu = Some((look.at, cpu));
            }
            (None, Some(cpu)) => self.cpu = Some((look.at, cpu)),
            _ => {}
        }
        if let Some(now) = &look.listening
            && self.sockets.as_ref().is_none_or(|(before, _)| before != now)
        {
            self.sockets = Some((now.clone(), look.at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::http::Answer;
    use crate::measure::probe::sight::Refusal;

    /// The second after which a server is given up that shows this symptom from `from` on, has these sockets from second 1
    /// on, and uses this share of a core; `None` if it is not within two minutes.
    fn given_up(symptom: &Symptom, from: u64, tcp: &[&str], share: f64, give_up_after: GiveUpAfter) -> Option<u64> {
        let zero = Instant::now();
        let mut watch = Watch::new(8080, give_up_after, zero);
        let at = |second: u64| zero + Duration::from_secs(second);
        (1..120).find(|&second| {
            let listening = Listening {
                tcp: tcp.iter().map(|address| address.parse().unwrap()).collect(),
                ..Listening::default()
            };
            let before = Lasting {
                symptom: Symptom::NoConnection("refused".into()),
                since: zero,
            };
            let now = Lasting {
                symptom: symptom.clone(),
                since: at(from),
            };
            watch.is_hopeless(&Look {
                at: at(second),
                lasting: Some(if second < from { before } else { now }),
                listening: Some(listening),
                cpu: Some(Duration::from_secs_f64(second as f64 * share)),
            })
        })
    }

    fn status(status: u16) -> Symptom {
        Symptom::Wrong(Refusal::of(
            &Answer {
                status,
                ..Answer::default()
            },
            String::new(),
        ))
    }

    #[test]
    fn what_will_not_change_is_given_up_within_seconds() {
        let usual = |symptom: &Symptom, tcp: &[&str], share| given_up(symptom, 2, tcp, share, GiveUpAfter::USUAL);
        let here = ["0.0.0.0:8080"];
        for symptom in [
            status(301),
            status(308),
            status(400),
            status(401),
            Symptom::Foreign(vec![0x15]),
        ] {
            assert_eq!(usual(&symptom, &here, 1.0), Some(5), "{symptom}");
        }
        assert_eq!(usual(&status(404), &here, 0.0), Some(8));
        assert_eq!(usual(&status(500), &here, 0.0), Some(8));
        assert_eq!(usual(&Symptom::Closed, &here, 0.0), Some(8));
        assert_eq!(usual(&Symptom::Silent, &here, 0.0), Some(12));
        let refused = Symptom::NoConnection("refused".into());
        assert_eq!(usual(&refused, &["127.0.0.1:8080", "[::1]:8080"], 1.0), Some(4));
        assert_eq!(usual(&refused, &["0.0.0.0:9090"], 0.0), Some(11));
        assert_eq!(usual(&refused, &["[::]:8080"], 0.0), Some(11), "IPv6 only");
        assert_eq!(usual(&refused, &[], 0.01), Some(20));
    }

    #[test]
    fn a_slow_starter_gets_its_whole_time() {
        let usual = |symptom: &Symptom, tcp: &[&str], share| given_up(symptom, 2, tcp, share, GiveUpAfter::USUAL);
        let refused = Symptom::NoConnection("refused".into());
        assert_eq!(usual(&refused, &[], 0.25), None, "it loads at a quarter of a core");
        assert_eq!(
            usual(&refused, &["127.0.0.1:9999"], 0.25),
            None,
            "a port for its operator comes first"
        );
        assert_eq!(
            usual(&Symptom::Silent, &["0.0.0.0:8080"], 0.25),
            None,
            "its workers still load"
        );
        assert_eq!(
            usual(&status(404), &["0.0.0.0:8080"], 0.25),
            None,
            "its routes still load"
        );
        assert_eq!(usual(&status(503), &["0.0.0.0:8080"], 0.0), None, "it says: not yet");
        let asked = |tcp: &[&str]| given_up(&refused, 2, tcp, 0.0, GiveUpAfter::as_asked());
        assert_eq!((asked(&[]), asked(&["0.0.0.0:9090"])), (None, None));
        assert_eq!(asked(&["127.0.0.1:8080"]), Some(4), "no time makes that reachable");
    }

    #[test]
    fn without_any_figure_idleness_counts_from_the_start() {
        let zero = Instant::now();
        let mut watch = Watch::new(80, GiveUpAfter::USUAL, zero);
        let mut look = |second: u64| {
            let at = zero + Duration::from_secs(second);
            watch.is_hopeless(&Look {
                at,
                lasting: None,
                listening: None,
                cpu: None,
            })
        };
        assert!(!look(19) && look(20));
    }
}
