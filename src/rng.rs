//! Random numbers. A number is a pure function of (seed, replication, purpose, entity, index) and depends on nothing that
//! happened before it.
//!
//! Request k of function f therefore uses the same random numbers under every framework and platform. These common random
//! numbers make the differences between variants precise with few replications, and they make results independent of the
//! number of threads.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), read by a
//! counter: number k of a stream is the finaliser applied to `key + (k + 1) * 0x9e3779b97f4a7c15`.

use std::convert::Infallible;

use rand::rand_core::TryRng;

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64, with the constants of its authors.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The use of a stream of numbers. Streams of different purposes are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Service time of a request, or its CPU time if CPU time and waiting are separate.
    Service = 1,
    /// Time for which a request waits without using the CPU.
    Wait = 2,
    /// Time that the framework itself adds to a request.
    Overhead = 3,
    /// The measured cold start that a new instance repeats.
    ColdStart = 4,
    /// Idle time after which an instance is removed.
    KeepAlive = 5,
    /// The choice among instances.
    Routing = 6,
    /// Arrival times.
    Arrival = 7,
    /// Numbers of arrivals per bin of time.
    Count = 8,
    /// The order of measurements, and resampling.
    Order = 9,
    /// Jitter of the waits between retries.
    Backoff = 10,
    /// Time that users think between an answer and the next request.
    Think = 11,
    /// Start time of periodic events.
    Phase = 12,
    /// The session of a request.
    Session = 13,
    /// The choice among nodes, and among pods.
    Placement = 14,
    /// Time from the creation of a node until it is ready.
    NodeBoot = 15,
    /// Time until a node fails or is taken back.
    NodeLifetime = 16,
    /// The number of times that a recorded arrival is repeated.
    Repeat = 17,
    /// The worker process that has the connection of a request.
    Connection = 18,
}

/// The root of all streams of one replication, made from the seed and the number of the replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    root: u64,
}

/// One stream of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Draws {
    /// Returns the root for replication `replication`, counted from 0, under `seed`.
    pub fn new(seed: u64, replication: u64) -> Self {
        Self {
            root: mix(mix(seed.wrapping_add(GOLDEN)) ^ replication.wrapping_mul(GOLDEN)),
        }
    }

    /// Returns the stream for `purpose` and an entity, such as the number of a function.
    pub fn stream(self, purpose: Purpose, entity: u64) -> Stream {
        let key = mix(self.root ^ (purpose as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
        Stream {
            key: mix(key ^ entity.wrapping_mul(GOLDEN)),
        }
    }
}

impl Stream {
    /// Returns number `index` as 64 uniform bits.
    #[inline]
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// Returns number `index`, uniform in the open interval (0, 1).
    #[inline]
    pub fn uniform(self, index: u64) -> f64 {
        ((self.bits(index) >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// Returns a new stream that depends on this one and `index` only.
    pub fn branch(self, index: u64) -> Stream {
        Stream { key: self.bits(index) }
    }

    /// Returns a generator for `rand` and `rand_distr` whose numbers depend on this stream and `index` only.
    pub fn rng(self, index: u64) -> CounterRng {
        CounterRng {
            stream: self.branch(index),
            next: 0,
        }
    }
}

/// A generator for `rand` and `rand_distr` that reads a stream in order.
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
    fn numbers_depend_on_their_place_only_and_look_uniform() {
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
