//! Random numbers as a pure function of (seed, replication, purpose, entity, index): request k of function f has the
//! same luck under every framework and platform, whatever happened before. That makes paired comparisons cheap and
//! results independent of the number of threads.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014) read
//! by counter: the k-th number of a stream is its finaliser applied to `key + k * 0x9e3779b97f4a7c15`.

use std::convert::Infallible;

use rand::rand_core::TryRng;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream of numbers is for. Streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Service time, or the CPU part of the work.
    Service = 1,
    /// The waiting part of the work.
    Wait = 2,
    /// The framework's own overhead per request.
    Overhead = 3,
    /// Which measured cold start a new instance repeats.
    ColdStart = 4,
    /// Idle time-out of an instance.
    KeepAlive = 5,
    /// Choice among instances.
    Routing = 6,
    /// Arrival times.
    Arrival = 7,
    /// Counts per bin.
    Count = 8,
    /// Order of measurements, and resampling.
    Order = 9,
    /// Jitter of the waits between attempts.
    Backoff = 10,
    /// Time that users think.
    Think = 11,
    /// When something periodic begins.
    Phase = 12,
    /// The session of a request.
    Session = 13,
    /// Choice among nodes, and among pods.
    Placement = 14,
    /// Time that a node takes until it is ready.
    Boot = 15,
    /// Time that a node lasts.
    Fate = 16,
    /// How often a recorded arrival comes.
    Repeat = 17,
}

/// The seed of a run and its replication: the root of every stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    root: u64,
}

/// One stream of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Draws {
    /// The draws of replication `replication` under `seed`.
    pub fn new(seed: u64, replication: u64) -> Self {
        Self {
            root: mix(mix(seed.wrapping_add(GOLDEN)) ^ replication.wrapping_mul(GOLDEN)),
        }
    }

    /// The stream for `purpose` and an entity such as a function's number.
    pub fn stream(self, purpose: Purpose, entity: u64) -> Stream {
        let key = mix(self.root ^ (purpose as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        Stream {
            key: mix(key ^ entity.wrapping_mul(GOLDEN)),
        }
    }
}

impl Stream {
    /// The `index`-th number: 64 uniform bits.
    #[inline]
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// The `index`-th number, uniform in the open interval (0, 1).
    #[inline]
    pub fn uniform(self, index: u64) -> f64 {
        ((self.bits(index) >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// A stream that belongs to `index` alone.
    pub fn branch(self, index: u64) -> Stream {
        Stream { key: self.bits(index) }
    }

    /// A generator for `rand` and `rand_distr` whose numbers belong to `index` alone.
    pub fn rng(self, index: u64) -> CounterRng {
        CounterRng {
            stream: self.branch(index),
            next: 0,
        }
    }
}

/// A stream read in order, for `rand` and `rand_distr`.
#[derive(Debug, Clone)]
pub struct CounterRng {
    stream: Stream,
    next: u64,
}

impl TryRng for CounterRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let bits = self.stream.bits(self.next);
        self.next += 1;
        Ok(bits)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_a_function_of_their_place_and_look_uniform() {
        let stream = Draws::new(7, 0).stream(Purpose::Service, 3);
        assert_eq!(stream.bits(5), Draws::new(7, 0).stream(Purpose::Service, 3).bits(5));
        assert_ne!(stream.bits(5), Draws::new(7, 1).stream(Purpose::Service, 3).bits(5));
        assert_ne!(stream.bits(5), Draws::new(7, 0).stream(Purpose::Wait, 3).bits(5));
        assert_ne!(stream.bits(5), Draws::new(7, 0).stream(Purpose::Service, 4).bits(5));
        let n = 100_000u64;
        let mean = (0..n).map(|k| stream.uniform(k)).sum::<f64>() / n as f64;
        let mean_square = (0..n).map(|k| stream.uniform(k).powi(2)).sum::<f64>() / n as f64;
        let lag = (0..n)
            .map(|k| (stream.uniform(k) - 0.5) * (stream.uniform(k + 1) - 0.5))
            .sum::<f64>()
            / n as f64;
        // Five standard errors of each statistic.
        assert!((mean - 0.5).abs() < 5.0 * 0.2887 / (n as f64).sqrt());
        assert!((mean_square - 1.0 / 3.0).abs() < 5.0 * 0.2981 / (n as f64).sqrt());
        assert!(lag.abs() < 5.0 / 12.0 / (n as f64).sqrt());
    }
}
