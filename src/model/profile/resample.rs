//! A profile as it might have come out if it had been measured once more: the bootstrap. Cold starts are drawn by blocks, whose samples
//! share the state of the machine, and all phases of a start stay together; service times by the batches in which they were taken;
//! work in sizes by rounds. Of profiles that were measured in the same blocks the same blocks are drawn.
//!
//! Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 8; for simulation inputs Barton, Nelson and
//! Xie, Quantifying Input Uncertainty via Simulation Confidence Intervals, INFORMS Journal on Computing 26 (2014).

use std::collections::BTreeMap;

use super::{FrameworkProfile, RouteRun, Verdict, WarmRun};
use crate::rng::{Draws, Purpose, Stream};

/// One draw of measurements: all profiles of a study that are drawn together have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redraw {
    /// The seed of the study.
    pub seed: u64,
    /// The number of the draw.
    pub number: u64,
}

/// Draws are no replications: their numbers begin here.
const FIRST: u64 = 1 << 40;
/// The batches into which logged durations are cut.
const LOGGED_BATCHES: usize = 30;

impl Redraw {
    /// The random numbers of something with this name.
    pub fn stream(&self, name: &str) -> Stream {
        // FNV-1a, 64 bits.
        let entity = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Draws::new(self.seed, FIRST + self.number).stream(Purpose::Order, entity)
    }
}

/// Draws numbers in order.
struct Dice {
    stream: Stream,
    next: u64,
}

impl Dice {
    fn new(stream: Stream) -> Self {
        Self { stream, next: 0 }
    }

    /// `n` of the numbers below `n`, each with equal chance each time.
    fn choose(&mut self, n: usize) -> Vec<usize> {
        let mut one = || {
            let bits = self.stream.bits(self.next);
            self.next += 1;
            ((u128::from(bits) * n as u128) >> 64) as usize
        };
        (0..n).map(|_| one()).collect()
    }

    fn values(&mut self, values: &mut Vec<f64>) {
        let chosen = self.choose(values.len());
        *values = chosen.into_iter().map(|k| values[k]).collect();
    }

    /// Whole batches of `size`; the rest of the last one is a batch as well.
    fn batches(&mut self, values: &mut Vec<f64>, size: usize) {
        let batches: Vec<&[f64]> = values.chunks(size.max(1)).collect();
        let chosen = self.choose(batches.len());
        *values = chosen.into_iter().flat_map(|k| batches[k].iter().copied()).collect();
    }
}

impl FrameworkProfile {
    /// Returns the profile with its samples drawn anew, with replacement.
    #[must_use]
    pub fn redrawn(&self, redraw: Redraw) -> Self {
        let mut profile = self.clone();
        let session = format!("blocks {}", self.provenance.started);
        let blocks = self
            .runs
            .iter()
            .flat_map(|run| run.cold.iter().map(|sample| sample.block))
            .max();
        let chosen = Dice::new(redraw.stream(&session)).choose(blocks.map_or(0, |last| last as usize + 1));
        let mut dice = Dice::new(redraw.stream(&format!("warm {} {}", self.name, self.provenance.started)));
        for run in &mut profile.runs {
            let mut by_block: BTreeMap<u32, Vec<_>> = BTreeMap::new();
            for sample in &run.cold {
                by_block.entry(sample.block).or_default().push(sample.clone());
            }
            let drawn = chosen
                .iter()
                .filter_map(|block| by_block.get(&(*block as u32)))
                .flatten();
            let drawn: Vec<_> = drawn.cloned().collect();
            // A size with few starts may have none in the blocks that were drawn.
            if drawn.iter().any(|sample| sample.verdict == Verdict::Counted) {
                run.cold = drawn;
            }
            if let Some(warm) = &mut run.warm {
                redraw_warm(warm, &mut dice);
            }
        }
        for run in &mut profile.functions {
            let chosen = dice.choose(run.starts.len());
            run.starts = chosen.into_iter().map(|k| run.starts[k].clone()).collect();
            // Neighbours in time are alike.
            let batch = run.warm_ms.len().div_ceil(LOGGED_BATCHES);
            dice.batches(&mut run.warm_ms, batch);
        }
        profile
    }
}

fn redraw_warm(warm: &mut WarmRun, dice: &mut Dice) {
    for route in warm.routes.values_mut() {
        let RouteRun {
            service_time_ms,
            cpu_ms,
            cpu_batch,
            cpu_loaded_ms,
            unsettled_cpu_loaded_ms: _,
        } = route;
        dice.batches(service_time_ms, *cpu_batch as usize);
        dice.values(cpu_ms);
        dice.values(cpu_loaded_ms);
    }
    // Value k of each size of each kind comes from round k.
    let rounds = warm
        .work
        .values()
        .flatten()
        .map(|size| size.cpu_ms.len())
        .min()
        .unwrap_or(0);
    let chosen = dice.choose(rounds);
    for size in warm.work.values_mut().flatten() {
        size.cpu_ms = chosen.iter().map(|&k| size.cpu_ms[k]).collect();
    }
    for run in &mut warm.rates {
        dice.values(&mut run.cpu_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog;
    use crate::model::profile::parse;

    fn redraw(number: u64) -> Redraw {
        Redraw { seed: 1, number }
    }

    #[test]
    fn a_draw_has_the_samples_of_the_profile_and_as_many_of_each() {
        let gin = parse(catalog::profile("gin").unwrap()).unwrap();
        let (one, other) = (gin.redrawn(redraw(0)), gin.redrawn(redraw(1)));
        assert_eq!(one, gin.redrawn(redraw(0)));
        assert_ne!(one, other);
        for (drawn, own) in one.runs.iter().zip(&gin.runs) {
            assert!(
                drawn.cold.iter().all(|sample| own.cold.contains(sample)),
                "phases stay together"
            );
            let (Some(drawn), Some(own)) = (&drawn.warm, &own.warm) else {
                continue;
            };
            for (name, route) in &drawn.routes {
                assert_eq!(route.cpu_loaded_ms.len(), own.routes[name].cpu_loaded_ms.len());
                let batch = &route.service_time_ms[..route.cpu_batch as usize];
                assert!(
                    own.routes[name]
                        .service_time_ms
                        .chunks(route.cpu_batch as usize)
                        .any(|own| own == batch),
                    "batches stay together"
                );
            }
        }
    }

    #[test]
    fn the_mean_of_many_draws_is_that_of_the_samples() {
        let gin = parse(catalog::profile("gin").unwrap()).unwrap();
        let mean = |profile: &FrameworkProfile| {
            let counted: Vec<f64> = profile.runs[0].counted().map(|sample| sample.total_ms).collect();
            counted.iter().sum::<f64>() / counted.len() as f64
        };
        let means: Vec<f64> = (0..200).map(|k| mean(&gin.redrawn(redraw(k)))).collect();
        let of_all = means.iter().sum::<f64>() / means.len() as f64;
        assert!((of_all / mean(&gin) - 1.0).abs() < 0.01, "{of_all} {}", mean(&gin));
        let spread = means.iter().map(|m| (m - of_all).powi(2)).sum::<f64>() / means.len() as f64;
        assert!(spread.sqrt() / of_all > 0.003, "draws differ: {spread}");
    }

    #[test]
    fn profiles_of_one_session_have_the_same_blocks() {
        let gin = parse(catalog::profile("gin").unwrap()).unwrap();
        let twin = FrameworkProfile {
            name: "twin".into(),
            ..gin.clone()
        };
        let blocks = |profile: &FrameworkProfile| -> Vec<u32> {
            profile.redrawn(redraw(3)).runs[0]
                .cold
                .iter()
                .map(|sample| sample.block)
                .collect()
        };
        assert_eq!(blocks(&gin), blocks(&twin));
    }
}
