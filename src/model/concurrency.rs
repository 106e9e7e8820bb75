//! How a server handles concurrent requests, found by measuring: how many waiting requests it works on at a time, and
//! how many cores its handlers use.

use super::framework::ConcurrencyModel;
use super::profile::WarmRun;

/// A server keeps up with more waiting requests than were tried if it got to at least this share of them.
const KEEPS_UP: f64 = 0.7;
/// A core and a half or more is several.
const SEVERAL: f64 = 1.5;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectedConcurrency {
    /// Waiting requests that it works on at a time; `None`: more than were tried.
    pub waiting: Option<f64>,
    /// Cores that its handlers use, no more than the CPU limit allows.
    pub cores: f64,
}

/// What a warm run shows; `None` if the loops were not run.
///
/// Source: operational law `N = X W` for the closed loop on a route that waits `W` (Denning and Buzen 1978).
pub fn detect(warm: &WarmRun) -> Option<DetectedConcurrency> {
    let &(clients, reached) = warm.parallel_io.last()?;
    let most = warm.parallel_io.iter().map(|pair| pair.1).fold(0.0, f64::max);
    Some(DetectedConcurrency {
        waiting: (reached < KEEPS_UP * f64::from(clients)).then_some(most),
        cores: warm.parallel_cpu.iter().map(|pair| pair.1).fold(0.0, f64::max),
    })
}

impl DetectedConcurrency {
    /// One line, such as `32 at a time, 2 cores`.
    pub fn label(&self) -> String {
        let waiting = match self.waiting {
            None => "waits overlap".to_string(),
            Some(number) if number < SEVERAL => "one at a time".to_string(),
            Some(number) => format!("{number:.0} at a time"),
        };
        match self.cores >= SEVERAL {
            true => format!("{waiting}, {:.0} cores", self.cores),
            false => format!("{waiting}, one core"),
        }
    }

    /// Whether it fits what was declared, at a CPU limit of `vcpu`. A pool larger than what was tried looks unlimited, and
    /// below one and a half vCPUs nobody uses several cores.
    pub fn fits(&self, declared: ConcurrencyModel, vcpu: f64) -> bool {
        let (overlaps, several) = (self.waiting.is_none(), self.cores >= SEVERAL);
        let cores_fit = |wants: bool| vcpu < SEVERAL || several == wants;
        match declared {
            ConcurrencyModel::EventLoop => overlaps && cores_fit(false),
            ConcurrencyModel::Coroutines | ConcurrencyModel::PreforkEventLoop => overlaps && cores_fit(true),
            ConcurrencyModel::ThreadPool => cores_fit(true),
            ConcurrencyModel::Prefork => !overlaps && cores_fit(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_name_the_model() {
        let of = |waiting, cores| DetectedConcurrency { waiting, cores };
        assert_eq!(of(None, 1.0).label(), "waits overlap, one core");
        assert_eq!(of(Some(8.1), 1.9).label(), "8 at a time, 2 cores");
        assert_eq!(of(Some(1.0), 0.9).label(), "one at a time, one core");
        assert!(of(None, 1.0).fits(ConcurrencyModel::EventLoop, 2.0));
        assert!(!of(None, 1.9).fits(ConcurrencyModel::EventLoop, 2.0));
        assert!(of(Some(16.0), 1.9).fits(ConcurrencyModel::Prefork, 2.0));
        assert!(!of(None, 1.9).fits(ConcurrencyModel::Prefork, 2.0));
        assert!(of(None, 0.9).fits(ConcurrencyModel::Coroutines, 1.0));
    }
}
