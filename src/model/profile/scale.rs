//! A profile on another machine: all times are multiplied by the factors between the two machines.
//!
//! A factor changes the unit of time. So rates of requests are divided by it where they follow from the machine (saturation, the
//! highest stable rate, loads in proportion to it), and utilisation stays what it was.

use super::{CPU_5MS, ColdSample, FrameworkProfile, Plateau, RouteRun, StableRate, WarmRun, WorkSize};
use crate::model::panel::linked::Scale;

/// The CPU time of `/cpu?ms=5` in milliseconds. The handler measures it, so it is the same on every machine.
const BURNT_MS: f64 = 5.0;
/// The routes with a handler that works: their cost follows that of the handler's work.
const WORKING: [&str; 1] = ["items"];

impl FrameworkProfile {
    /// Returns the profile as the other machine would have measured it. Pulls and memory stay as they are, for they hang on the
    /// network and the image.
    #[must_use]
    pub fn scaled(mut self, scale: &Scale) -> Self {
        for run in &mut self.runs {
            run.cold.iter_mut().for_each(|sample| cold(sample, scale));
            if let Some(run) = &mut run.warm {
                warm(run, scale);
            }
        }
        self
    }
}

fn cold(sample: &mut ColdSample, scale: &Scale) {
    let factor = scale.cold.value;
    let pull = sample.pull_ms.unwrap_or(0.0);
    sample.total_ms = pull + (sample.total_ms - pull) * factor;
    for ms in [
        &mut sample.create_ms,
        &mut sample.start_ms,
        &mut sample.boot_ms,
        &mut sample.first_response_ms,
    ] {
        *ms *= factor;
    }
    times(
        sample.first_request_ms.iter_mut().chain(&mut sample.limit_update_ms),
        factor,
    );
    times(&mut sample.cpu_ms, scale.cpu_to_ready.value);
}

fn times<'a>(values: impl IntoIterator<Item = &'a mut f64>, factor: f64) {
    values.into_iter().for_each(|value| *value *= factor);
}

fn warm(run: &mut WarmRun, scale: &Scale) {
    let (requests, work) = (scale.requests.value, scale.work.value);
    // Without `..`, so that a new field cannot be forgotten here.
    let WarmRun {
        warm_up_ms,
        warm_up_rate: _,
        warm_up_cpu_ms,
        round_trip_ms,
        routes,
        settling: _,
        work: sizes,
        work_settling: _,
        rates,
        responses,
        rates_idle_cpu_ms_per_s,
        idle: _,
        loaded: _,
        peak_anon_bytes: _,
        anon_bytes_per_in_flight: _,
        idle_cpu_ms_per_s,
        saturation_rps,
        parallel_io: _,
        parallel_cpu: _,
        anon_by_in_flight: _,
        plateaus,
        after_rest: _,
        stable_rate,
        processes: _,
        threads: _,
        errors: _,
    } = run;
    times(warm_up_ms.iter_mut().chain(warm_up_cpu_ms), requests);
    *round_trip_ms *= requests;
    times(idle_cpu_ms_per_s.iter_mut().chain(rates_idle_cpu_ms_per_s), requests);
    times(saturation_rps, 1.0 / requests);
    for (name, run) in routes {
        let factor = if WORKING.contains(&name.as_str()) {
            work
        } else {
            requests
        };
        let RouteRun {
            service_time_ms,
            cpu_ms,
            cpu_batch: _,
            cpu_loaded_ms,
            unsettled_cpu_loaded_ms,
        } = run;
        let all = service_time_ms.iter_mut().chain(cpu_ms).chain(cpu_loaded_ms);
        times(all.chain(unsettled_cpu_loaded_ms), factor);
    }
    for size in sizes.values_mut().flatten() {
        let WorkSize {
            cpu_ms,
            unsettled_cpu_ms,
            latency_ms,
            ..
        } = size;
        times(cpu_ms.iter_mut().chain(unsettled_cpu_ms), work);
        times(latency_ms.iter_mut().map(|(_, ms)| ms), work);
    }
    for load in rates {
        let burnt = if load.route == CPU_5MS { BURNT_MS } else { 0.0 };
        let beyond = |ms: &mut f64| *ms = burnt + (*ms - burnt) * requests;
        load.cpu_ms.iter_mut().for_each(beyond);
        if burnt == 0.0 {
            times(load.latency_ms.iter_mut().map(|(_, ms)| ms), requests);
            times(&mut load.latency_mean_ms, requests);
        }
    }
    // Their latencies come from the work of a fixed time and from the order of service; only what lies beyond is the machine's.
    for point in responses {
        point.cpu_ms = BURNT_MS + (point.cpu_ms - BURNT_MS) * requests;
    }
    plateaus.iter_mut().for_each(|plateau| of_plateau(plateau, requests));
    if let Some(stable) = stable_rate {
        of_stable(stable, requests);
    }
}

fn of_plateau(plateau: &mut Plateau, factor: f64) {
    plateau.rate /= factor;
    plateau.seconds *= factor;
    times(&mut plateau.cpu_s, factor);
    times(plateau.latency_ms.iter_mut().map(|(_, ms)| ms), factor);
}

fn of_stable(stable: &mut StableRate, factor: f64) {
    times(&mut stable.rate, 1.0 / factor);
    for trial in &mut stable.trials {
        trial.rate /= factor;
        trial.seconds *= factor;
        times(&mut trial.latency_mean_ms, factor);
    }
}

#[cfg(test)]
mod tests {
    use crate::model::catalog;
    use crate::model::panel::linked::{Factor, Scale};
    use crate::model::profile::{FrameworkProfile, parse};

    fn factor(value: f64) -> Factor {
        Factor {
            value,
            interval: (0.9 * value, 1.1 * value),
        }
    }

    fn gin() -> FrameworkProfile {
        parse(catalog::profile("gin").unwrap()).unwrap()
    }

    #[test]
    fn times_are_multiplied_and_utilisation_stays() {
        let scale = Scale {
            cold: factor(0.5),
            cpu_to_ready: factor(0.6),
            requests: factor(2.0),
            work: factor(4.0),
        };
        let (before, after) = (gin(), gin().scaled(&scale));
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} {b}");
        for (a, b) in before.runs.iter().zip(&after.runs) {
            for (a, b) in a.cold.iter().zip(&b.cold) {
                let phases = b.create_ms + b.start_ms + b.boot_ms + b.first_response_ms;
                let of_before = a.create_ms + a.start_ms + a.boot_ms + a.first_response_ms;
                near(phases, 0.5 * of_before);
                near(b.total_ms, 0.5 * a.total_ms);
                near(b.cpu_ms.unwrap(), 0.6 * a.cpu_ms.unwrap());
            }
            let (Some(a), Some(b)) = (&a.warm, &b.warm) else {
                continue;
            };
            near(
                b.routes["json"].service_time_ms[0],
                2.0 * a.routes["json"].service_time_ms[0],
            );
            near(
                b.routes["items"].cpu_loaded_ms[0],
                4.0 * a.routes["items"].cpu_loaded_ms[0],
            );
            near(b.round_trip_ms, 2.0 * a.round_trip_ms);
            near(b.saturation_rps.unwrap(), 0.5 * a.saturation_rps.unwrap());
            for (a, b) in a.plateaus.iter().zip(&b.plateaus) {
                near(b.cpu_s.unwrap() / b.seconds, a.cpu_s.unwrap() / a.seconds);
                near(b.rate * b.seconds, a.rate * a.seconds);
            }
            assert_eq!(
                (a.idle.anon_bytes, a.parallel_io.clone()),
                (b.idle.anon_bytes, b.parallel_io.clone())
            );
        }
    }

    #[test]
    fn a_factor_of_one_changes_nothing() {
        let one = Scale {
            cold: Factor::ONE,
            cpu_to_ready: Factor::ONE,
            requests: Factor::ONE,
            work: Factor::ONE,
        };
        assert_eq!(gin().scaled(&one), gin());
    }
}
