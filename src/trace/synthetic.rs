//! A synthetic trace of events for benchmarks and tests: Poisson arrivals over functions whose popularity follows Zipf's law,
//! with log-normal durations. Rows are written one by one, so memory does not grow with the length of the file.

use std::io::{self, Write};

use rand_distr::weighted::WeightedAliasIndex;
use rand_distr::{Distribution, LogNormal};

use super::Source;
use super::error::TraceError;
use super::open::arrival_stream;
use super::poisson::Poisson;
use crate::rng::{Draws, Purpose};
use crate::units::{PerSecond, SimDuration};

/// The settings of a synthetic trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    /// The arrivals per second of all functions together, above 0.
    pub rate: PerSecond,
    /// The length of the trace.
    pub horizon: SimDuration,
    /// The largest number of rows; `None`: as many as the length of the trace gives.
    pub requests: Option<u64>,
    /// The number of functions, at least 1.
    pub functions: u32,
    /// The exponent of Zipf's law, from 0 to 10: the k-th function is called in proportion to k^-zipf. 0 is uniform.
    pub zipf: f64,
    /// The mean service time of a request.
    pub duration_mean: SimDuration,
    /// The standard deviation of the service times divided by their mean, from 0 to 100.
    pub duration_cv: f64,
    /// The seed of all random numbers.
    pub seed: u64,
}

impl Synthetic {
    /// Returns all problems of the settings, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, text: &str| {
            if !ok {
                problems.push(text.to_string());
            }
        };
        check(self.rate.0 > 0.0, "the rate is 0: give one such as 50/s");
        check(self.functions > 0, "the number of functions is 0: give at least 1");
        check(
            (0.0..=10.0).contains(&self.zipf),
            "the Zipf exponent must be from 0 to 10, such as 1.1",
        );
        check(
            self.duration_mean.0 > 0,
            "the mean duration is 0: give one such as 900ms",
        );
        check(
            (0.0..=100.0).contains(&self.duration_cv),
            "the variation of durations must be from 0 to 100, such as 1",
        );
        problems
    }

    /// Writes the trace and returns the number of rows.
    ///
    /// # Errors
    /// The first problem of the settings, or a failure to write.
    pub fn write(&self, out: &mut dyn Write) -> Result<u64, WriteError> {
        let invalid = |e: &dyn std::fmt::Display| WriteError::Settings(TraceError::Settings(e.to_string()));
        if let Some(problem) = self.problems().first() {
            return Err(invalid(problem));
        }
        let weights = (1..=self.functions).map(|k| f64::from(k).powf(-self.zipf)).collect();
        let popularity = WeightedAliasIndex::new(weights).map_err(|e| invalid(&e))?;
        let durations =
            LogNormal::from_mean_cv(self.duration_mean.as_secs_f64(), self.duration_cv).map_err(|e| invalid(&e))?;
        let draws = Draws::new(self.seed, 0);
        let mut arrivals = Poisson::new(self.rate, arrival_stream(draws, 0, 0), self.horizon.0);
        let mut rng = draws.stream(Purpose::Service, 0).rng(0);
        let limit = self.requests.unwrap_or(u64::MAX);
        let (mut batch, mut text, mut rows) = (Vec::new(), Vec::new(), 0);
        out.write_all(b"func,arrival_s,duration_s\n")?;
        while rows < limit && arrivals.refill(&mut batch).map_err(WriteError::Settings)? {
            for arrival in batch.drain(..).take((limit - rows).min(usize::MAX as u64) as usize) {
                text.extend_from_slice(b"f");
                digits(&mut text, popularity.sample(&mut rng) as u64 + 1, 1);
                text.push(b',');
                micros(&mut text, arrival.at.0 / 1000);
                text.push(b',');
                let duration: f64 = durations.sample(&mut rng);
                micros(&mut text, ((duration * 1e6).round() as u64).max(1));
                text.push(b'\n');
                rows += 1;
            }
            out.write_all(&text)?;
            text.clear();
        }
        Ok(rows)
    }
}

/// Why a trace was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The numbers make no sense.
    #[error(transparent)]
    Settings(TraceError),
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Microseconds as decimal seconds.
fn micros(out: &mut Vec<u8>, micros: u64) {
    digits(out, micros / 1_000_000, 1);
    out.push(b'.');
    digits(out, micros % 1_000_000, 6);
}

/// A number with at least `width` digits.
fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut start = buffer.len();
    while number > 0 || buffer.len() - start < width {
        start -= 1;
        buffer[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&buffer[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::guess::{Columns, UnknownFile};
    use crate::trace::{Open, Traffic};

    fn synthetic() -> Synthetic {
        Synthetic {
            rate: PerSecond(50.0),
            horizon: SimDuration::from_secs(1000),
            requests: None,
            functions: 20,
            zipf: 1.0,
            duration_mean: SimDuration::from_millis(900),
            duration_cv: 0.5,
            seed: 1,
        }
    }

    #[test]
    fn a_written_trace_reads_back_with_the_requested_moments() {
        let mut bytes = Vec::new();
        let rows = synthetic().write(&mut bytes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.csv"), &bytes).unwrap();
        let file = UnknownFile::open("x.csv", folder.path(), Columns::default()).unwrap();
        let open = Open {
            base: folder.path(),
            draws: Draws::new(1, 0),
            entity: 0,
            horizon: None,
        };
        let mut reader = Traffic::guess(&file, None).unwrap().open(&open).unwrap().source;
        let mut all = Vec::new();
        while reader.refill(&mut all).unwrap() {}
        assert_eq!(all.len() as u64, rows);
        assert!((rows as f64 - 50_000.0).abs() < 5.0 * 50_000f64.sqrt());
        let mean = all
            .iter()
            .filter_map(|a| a.duration)
            .map(|d| d.as_secs_f64())
            .sum::<f64>()
            / rows as f64;
        assert!((mean - 0.9).abs() < 5.0 * 0.45 / (rows as f64).sqrt(), "{mean}");
        assert_eq!(reader.report().functions, 20);
        let text = String::from_utf8(bytes).unwrap();
        let most = text.lines().filter(|l| l.starts_with("f1,")).count() as f64;
        let share = 1.0 / (1..=20).map(|k| 1.0 / f64::from(k)).sum::<f64>();
        assert!((most / rows as f64 - share).abs() < 5.0 * (share / rows as f64).sqrt());
    }

    #[test]
    fn a_number_of_rows_may_be_asked_for() {
        let mut bytes = Vec::new();
        let rows = Synthetic {
            requests: Some(4500),
            ..synthetic()
        }
        .write(&mut bytes)
        .unwrap();
        assert_eq!(rows, 4500);
        assert_eq!(bytes.iter().filter(|&&b| b == b'\n').count(), 4501);
        let bad = Synthetic {
            functions: 0,
            ..synthetic()
        }
        .write(&mut Vec::new())
        .unwrap_err();
        assert!(bad.to_string().contains("at least 1"));
    }
}
