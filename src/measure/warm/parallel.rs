//! Parallelism: closed loops with more and more clients on the waiting route and on the burning route, and the memory that
//! requests in flight take.

use super::pace::Pace;
use super::{Peak, middle};
use crate::measure::http::Request;
use crate::measure::load::{self, Server, round3};
use crate::stats::regression;

/// The milliseconds that the waiting route waits.
const WAIT_MS: f64 = 100.0;
/// The CPU milliseconds that the burning route burns.
const BURN_MS: f64 = 20.0;
/// The numbers of clients of the closed loops on the waiting route.
const CLIENTS: &[u32] = &[1, 4, 16, 64];
const MANY_CLIENTS: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];
/// The numbers of clients of the closed loops on the burning route.
const BURNERS: &[u32] = &[1, 2, 4];
const MANY_BURNERS: &[u32] = &[1, 2, 4, 8, 16];

/// The parallelism of an instance.
#[derive(Debug, Default)]
pub struct Parallel {
    /// Clients, and waiting requests that were served at a time.
    pub io: Vec<(u32, f64)>,
    /// Clients, and CPUs that were used at a time.
    pub cpu: Vec<(u32, f64)>,
    /// Clients of the waiting route, and readings of anonymous memory in bytes.
    levels: Vec<(u32, Vec<f64>)>,
    /// Wrong answers and broken connections.
    pub errors: u32,
}

/// Runs the closed loops; `many` takes more numbers of clients.
pub fn run(server: Server<'_>, pace: Pace, many: bool, peak: &mut Peak<'_>) -> Parallel {
    let mut parallel = Parallel::default();
    for &clients in if many { MANY_CLIENTS } else { CLIENTS } {
        let mut anon = Vec::new();
        let seen = load::closed_loop(server, None, &Request::get("/io?ms=100"), clients, pace.closed, || {
            anon.extend(peak.look());
        });
        parallel.errors += seen.errors;
        parallel.io.push((clients, round3(seen.per_second * WAIT_MS / 1e3)));
        parallel.levels.push((clients, anon));
        if has_plateau(&parallel.io) {
            break;
        }
    }
    for &clients in if many { MANY_BURNERS } else { BURNERS } {
        let seen = load::closed_loop(server, None, &Request::get("/cpu?ms=20"), clients, pace.closed, || {
            peak.look();
        });
        parallel.errors += seen.errors;
        parallel.cpu.push((clients, round3(seen.per_second * BURN_MS / 1e3)));
        if has_plateau(&parallel.cpu) {
            break;
        }
    }
    parallel
}

impl Parallel {
    /// The CPUs that the instance can use, at most `limit` vCPUs.
    pub fn cores(&self, limit: f64) -> f64 {
        let cores = self.cpu.iter().map(|&(_, cores)| cores).fold(0.0, f64::max);
        if cores > 0.0 { cores.min(limit) } else { limit }
    }

    /// The median of anonymous memory, by number of clients.
    pub fn anon_by_clients(&self) -> Vec<(u32, f64)> {
        let levels = self.levels.iter();
        levels
            .filter_map(|(clients, anon)| Some((*clients, middle(anon)?)))
            .collect()
    }

    /// The growth of anonymous memory per waiting request in flight: the slope over all numbers of clients. `None` if its 95%
    /// interval contains 0, or if it is below one page.
    pub fn growth_per_client(&self) -> Option<f64> {
        let points = self.anon_by_clients();
        let points: Vec<(f64, f64)> = points
            .iter()
            .map(|&(clients, anon)| (f64::from(clients), anon))
            .collect();
        let line = regression::line(&points)?;
        (line.rises() && line.slope >= 4096.0).then(|| line.slope.round())
    }
}

/// Returns true if more clients no longer bring more parallel requests: twice within 10%, and well below the number of clients.
fn has_plateau(parallel: &[(u32, f64)]) -> bool {
    let [.., (_, a), (_, b), (clients, c)] = parallel else {
        return false;
    };
    *c < 0.5 * f64::from(*clients) && (c / b - 1.0).abs() < 0.1 && (b / a - 1.0).abs() < 0.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_growth_within_noise_is_unknown() {
        let mib = f64::from(1 << 20);
        let level = |clients: u32, at: f64| (clients, vec![at * mib, (at + 0.1) * mib]);
        let growth = |levels: &[(u32, Vec<f64>)]| {
            let levels = levels.to_vec();
            let parallel = Parallel {
                levels,
                ..Parallel::default()
            };
            parallel.growth_per_client()
        };
        let grows = [level(1, 11.0), level(4, 14.0), level(16, 26.1), level(64, 74.0)];
        let slope = growth(&grows).unwrap();
        assert!((slope / mib - 1.0).abs() < 0.02, "{slope}");
        let noisy = [level(1, 20.0), level(4, 40.0), level(16, 25.0), level(64, 30.0)];
        assert_eq!(growth(&noisy), None);
        assert_eq!(growth(&[]), None);
    }

    #[test]
    fn a_plateau_is_two_doublings_that_bring_nothing() {
        let pool = [(1, 1.0), (2, 2.0), (4, 4.0), (8, 4.05), (16, 4.0)];
        assert!(!has_plateau(&pool[..4]) && has_plateau(&pool));
        assert!(!has_plateau(&[(1, 1.0), (2, 2.0), (4, 3.9), (8, 7.9), (16, 15.5)]));
    }

    #[test]
    fn an_instance_uses_no_more_cpu_than_its_limit() {
        let of = |cpu: &[(u32, f64)]| {
            let cpu = cpu.to_vec();
            Parallel {
                cpu,
                ..Parallel::default()
            }
        };
        assert_eq!(of(&[(1, 0.98), (2, 1.7)]).cores(2.0), 1.7);
        assert_eq!(of(&[(1, 0.98), (2, 1.7)]).cores(1.0), 1.0);
        assert_eq!(of(&[]).cores(0.5), 0.5);
    }
}
