//! Service times drawn ahead, a block at a time: what a request takes depends on its number alone, so the numbers that follow can
//! be done at once, whose steps a processor does side by side. They are the same to the last bit as drawn one by one.

use crate::sim::setup::{FunctionStreams, ServiceTime};
use crate::units::SimDuration;

/// Times drawn at once.
pub(crate) const BLOCK: usize = 32;

/// The service times of the requests of a function, of which a block is known.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// The block that is known, and which one it is; none until a function has had a block of requests: many never do.
    known: Option<Box<(u64, [SimDuration; BLOCK])>>,
}

impl Drawn {
    /// The time of request `index` on an instance that is warm.
    #[inline]
    pub(crate) fn time(&mut self, warm: &ServiceTime, streams: &FunctionStreams, index: u64) -> SimDuration {
        let (block, place) = (index / BLOCK as u64, (index % BLOCK as u64) as usize);
        match &self.known {
            Some(known) if known.0 == block => known.1[place],
            _ => self.draw(warm, streams, index),
        }
    }

    #[inline(never)]
    fn draw(&mut self, warm: &ServiceTime, streams: &FunctionStreams, index: u64) -> SimDuration {
        let (block, place) = (index / BLOCK as u64, (index % BLOCK as u64) as usize);
        let newer = self.known.as_ref().is_none_or(|known| known.0 < block);
        if block == 0 || !newer {
            // A request that has waited while those after it were served.
            return warm.draw(streams, index, None);
        }
        let known = self.known.get_or_insert_default();
        known.0 = block;
        known.1 = [SimDuration::ZERO; BLOCK];
        warm.add_block(streams, block * BLOCK as u64, &mut known.1);
        known.1[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::dist::{Dist, DistSpec};
    use crate::rng::Draws;

    fn dist(text: &str) -> Dist {
        #[derive(serde::Deserialize)]
        struct Holder {
            d: DistSpec,
        }
        toml::from_str::<Holder>(&format!("d = {text}"))
            .unwrap()
            .d
            .prepare(None)
            .unwrap()
    }

    #[test]
    fn a_time_is_the_same_to_the_last_bit_however_it_is_drawn() {
        let streams = FunctionStreams::new(Draws::new(3, 1), 5);
        let texts = [
            "\"20ms\"",
            "{ lognormal = { median = \"20ms\", p99 = \"120ms\" } }",
            "{ lognormal = { mean = \"1s\", sd = \"5s\" } }",
            "{ exponential = { mean = \"20ms\" } }",
            "{ gamma = { mean = \"20ms\", sd = \"9ms\" } }",
            "{ weibull = { scale = \"20ms\", shape = 0.7 } }",
            "{ uniform = { min = \"1ms\", max = \"9ms\" } }",
            "{ empirical = { values = [\"1ms\", \"2ms\", \"30ms\"] } }",
            "{ mixture = [{ weight = 49, of = \"1ms\" }, { weight = 1, of = { exponential = { mean = \"1s\" } } }] }",
        ];
        for text in texts {
            for warm in [
                ServiceTime::Whole(dist(text)),
                ServiceTime::Parts {
                    overhead: dist("{ empirical = { values = [\"1ms\", \"3ms\"] } }"),
                    cpu: dist("\"4ms\""),
                    wait: dist(text),
                },
            ] {
                let mut drawn = Drawn::default();
                // In order, with some that come late.
                for index in (0..2_000).chain([10, 40, 1_990, 5_000, 2_001, 5_001]) {
                    let (found, alone) = (drawn.time(&warm, &streams, index), warm.draw(&streams, index, None));
                    assert_eq!(found, alone, "{text}, {index}");
                }
            }
        }
    }
}
