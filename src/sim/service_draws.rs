//! Service times drawn ahead, a block at a time: what a request takes depends on its number alone, so the numbers that follow
//! can be done at once, whose steps a processor does side by side. They are the same to the last bit as drawn one by one.

use crate::sim::setup::{FunctionStreams, Inside, ServiceTime};
use crate::units::SimDuration;

/// Times drawn at once.
pub(crate) const BLOCK: usize = 32;

/// A block of requests: of each so many times.
pub(crate) type Block<const TIMES: usize> = [[SimDuration; BLOCK]; TIMES];

/// The times of the requests of a function, of which a block is known.
#[derive(Debug, Default)]
pub(crate) struct ServiceDraws<const TIMES: usize> {
    /// The block that is known, and which one it is; none until a function has had a block of requests: many never do.
    known: Option<Box<(u64, Block<TIMES>)>>,
}

/// From this index on a draw belongs to a request that is no arrival. Such draws are made one by one.
const NO_ARRIVAL: u64 = u64::MAX / 2;

impl<const TIMES: usize> ServiceDraws<TIMES> {
    /// The times of request `index`: from the block that is known, which `fill` makes from the number of its first request
    /// on, or from `one`.
    #[inline]
    fn at(
        &mut self,
        index: u64,
        one: impl FnOnce() -> [SimDuration; TIMES],
        fill: impl FnOnce(u64, &mut Block<TIMES>),
    ) -> [SimDuration; TIMES] {
        let (block, place) = (index / BLOCK as u64, (index % BLOCK as u64) as usize);
        match &self.known {
            Some(known) if known.0 == block => of(&known.1, place),
            _ => self.draw(index, one, fill),
        }
    }

    #[inline(never)]
    fn draw(
        &mut self,
        index: u64,
        one: impl FnOnce() -> [SimDuration; TIMES],
        fill: impl FnOnce(u64, &mut Block<TIMES>),
    ) -> [SimDuration; TIMES] {
        let (block, place) = (index / BLOCK as u64, (index % BLOCK as u64) as usize);
        let newer = self.known.as_ref().is_none_or(|known| known.0 < block);
        if block == 0 || !newer || index >= NO_ARRIVAL {
            // Perhaps a request that has waited while those after it were served.
            return one();
        }
        let empty = || Box::new((0, [[SimDuration::ZERO; BLOCK]; TIMES]));
        let known = self.known.get_or_insert_with(empty);
        known.0 = block;
        known.1 = [[SimDuration::ZERO; BLOCK]; TIMES];
        fill(block * BLOCK as u64, &mut known.1);
        of(&known.1, place)
    }
}

/// The times of the request in a place of a block.
#[inline]
fn of<const TIMES: usize>(block: &Block<TIMES>, place: usize) -> [SimDuration; TIMES] {
    std::array::from_fn(|k| block[k][place])
}

impl ServiceDraws<1> {
    /// The time of request `index` on an instance that is warm.
    #[inline]
    pub(crate) fn time(&mut self, warm: &ServiceTime, streams: &FunctionStreams, index: u64) -> SimDuration {
        let one = || [warm.draw(streams, index, None)];
        let [time] = self.at(index, one, |first, [times]| warm.add_block(streams, first, times));
        time
    }
}

impl ServiceDraws<2> {
    /// CPU time and wait of request `index` on an instance that is warm and whose requests share its CPU.
    #[inline]
    pub(crate) fn parts(
        &mut self,
        warm: &ServiceTime,
        streams: &FunctionStreams,
        index: u64,
        inside: &Inside,
    ) -> (SimDuration, SimDuration) {
        let one = || {
            let (cpu, wait) = warm.parts(streams, index, None, inside);
            [cpu, wait]
        };
        let [cpu, wait] = self.at(index, one, |first, block| warm.add_parts(streams, first, inside, block));
        (cpu, wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::dist::{Dist, DistSpec};
    use crate::rng::Draws;
    use crate::sim::setup::CpuLimit;
    use crate::units::MilliCpu;

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
        let inside = Inside {
            workers: None,
            turns: None,
            discipline: None,
            cpu: CpuLimit {
                quota: MilliCpu(500),
                cores: 1,
                period: None,
            },
            overhead_cpu: SimDuration(123_456),
            boost: None,
        };
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
                let (mut drawn, mut parts) = (ServiceDraws::default(), ServiceDraws::default());
                // In order, with some that come late, and one that is no arrival.
                for index in (0..2_000).chain([10, 40, 1_990, 5_000, u64::MAX, 2_001, 5_001]) {
                    let (found, alone) = (drawn.time(&warm, &streams, index), warm.draw(&streams, index, None));
                    assert_eq!(found, alone, "{text}, {index}");
                    let found = parts.parts(&warm, &streams, index, &inside);
                    let alone = warm.parts(&streams, index, None, &inside);
                    assert_eq!(found, alone, "{text}, {index}");
                }
            }
        }
    }
}
