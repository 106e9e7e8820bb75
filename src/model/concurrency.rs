//! The measured concurrency of a server: the number of waiting requests that it handles at a time, and the number of cores
//! that its handlers use.

use super::framework::ConcurrencyModel;
use super::profile::WarmRun;

/// The share of the tried clients that a server must reach. From here on its true limit may lie above the number that was
/// tried.
const KEEPS_UP: f64 = 0.7;
/// The number of cores, or of requests, from which there are several.
const SEVERAL: f64 = 1.5;

/// The concurrency of a server as measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectedConcurrency {
    /// The number of waiting requests that the server handles at a time; `None` if it handles more than were tried.
    pub waiting: Option<f64>,
    /// The number of cores that the handlers use. The CPU limit bounds it.
    pub cores: f64,
}

/// Returns the concurrency that a warm run shows; `None` if the closed loops were not run.
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
    /// Returns one line for people, such as `32 at a time, 2 cores`.
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

    /// Returns true if the measured concurrency agrees with the declared model at a CPU limit of `vcpu`. A pool that is larger
    /// than the number of tried clients looks unlimited, and below 1.5 vCPU no server can use several cores.
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
