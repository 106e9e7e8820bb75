//! Distributions of durations: their form in files, and the way from a uniform random number to a duration.
//!
//! A duration is the quantile function of a uniform number wherever that function has a closed form. A larger uniform
//! number then always means a longer duration, which keeps the differences between variants precise.

use std::fmt;
use std::sync::Arc;

use rand_distr::Distribution;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::rng::Stream;
use crate::stats::normal;
use crate::units::SimDuration;

/// A distribution as written in a file: `"20ms"` for a constant, or a table with one key.
#[derive(Debug, Clone, PartialEq)]
pub struct DistSpec(Form);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    #[serde(skip)]
    Constant(SimDuration),
    Exponential(MeanForm),
    Lognormal(LognormalForm),
    Gamma(MeanSdForm),
    Weibull(WeibullForm),
    Uniform(UniformForm),
    Empirical(EmpiricalForm),
    Mixture(Vec<PartForm>),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeanForm {
    mean: SimDuration,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LognormalForm {
    median: Option<SimDuration>,
    p99: Option<SimDuration>,
    mean: Option<SimDuration>,
    sd: Option<SimDuration>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeanSdForm {
    mean: SimDuration,
    sd: SimDuration,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeibullForm {
    scale: SimDuration,
    shape: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct UniformForm {
    min: SimDuration,
    max: SimDuration,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartForm {
    weight: f64,
    of: DistSpec,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmpiricalForm {
    values: Option<Vec<SimDuration>>,
    path: Option<String>,
}

impl<'de> Deserialize<'de> for DistSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrTable;
        impl<'de> Visitor<'de> for StringOrTable {
            type Value = DistSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"20ms\" or a table such as { exponential = { mean = \"20ms\" } }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<DistSpec, E> {
                text.parse().map(|d| DistSpec(Form::Constant(d))).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DistSpec, A::Error> {
                Form::deserialize(MapAccessDeserializer::new(map)).map(DistSpec)
            }
        }
        deserializer.deserialize_any(StringOrTable)
    }
}

/// A distribution that is ready for use.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Dist {
    /// A constant.
    Constant(SimDuration),
    /// Exponential with this mean in nanoseconds.
    Exponential(f64),
    /// Log-normal: mean and standard deviation of the logarithm of nanoseconds.
    Lognormal(f64, f64),
    /// Gamma: shape, and scale in nanoseconds.
    Gamma(f64, f64),
    /// Weibull: scale in nanoseconds, and the reciprocal of the shape.
    Weibull(f64, f64),
    /// Uniform between two ends in nanoseconds.
    Uniform(f64, f64),
    /// One of these samples in ascending order, each with the same probability.
    Empirical(Arc<[SimDuration]>),
    /// One of these distributions. Each comes with the cumulative probability of itself and those before it.
    Mixture(Arc<[(f64, Dist)]>),
}

impl DistSpec {
    /// The names of the forms of a table.
    pub const FORMS: [&'static str; 7] = [
        "exponential",
        "lognormal",
        "gamma",
        "weibull",
        "uniform",
        "empirical",
        "mixture",
    ];

    /// Makes a constant.
    pub fn constant(duration: SimDuration) -> Self {
        Self(Form::Constant(duration))
    }

    /// Returns a log-normal distribution by its median and its 99th percentile.
    pub fn lognormal(median: SimDuration, p99: SimDuration) -> Self {
        Self(Form::Lognormal(LognormalForm {
            median: Some(median),
            p99: Some(p99),
            mean: None,
            sd: None,
        }))
    }

    /// Returns the path of a file with one duration per line; `None` if the distribution names no file.
    pub fn path(&self) -> Option<&str> {
        match &self.0 {
            Form::Empirical(form) => form.path.as_deref(),
            _ => None,
        }
    }

    /// Checks the parameters and prepares the distribution. `file` is the text of the file named by [`Self::path`].
    ///
    /// # Errors
    /// A sentence that names the wrong parameter and the remedy.
    pub fn prepare(&self, file: Option<&str>) -> Result<Dist, String> {
        let positive = |name: &str, d: SimDuration| match d {
            SimDuration::ZERO => Err(format!("`{name}` must be longer than 0")),
            d => Ok(d.0 as f64),
        };
        Ok(match &self.0 {
            Form::Constant(d) => Dist::Constant(*d),
            Form::Exponential(f) => Dist::Exponential(positive("mean", f.mean)?),
            Form::Lognormal(f) => lognormal(f)?,
            Form::Gamma(f) => {
                let (mean, sd) = (positive("mean", f.mean)?, positive("sd", f.sd)?);
                Dist::Gamma((mean / sd).powi(2), sd * sd / mean)
            }
            Form::Weibull(f) => {
                if !(f.shape.is_finite() && f.shape > 0.0) {
                    return Err("`shape` must be a number above 0".into());
                }
                Dist::Weibull(positive("scale", f.scale)?, 1.0 / f.shape)
            }
            Form::Uniform(f) if f.min > f.max => return Err("`min` must not be above `max`".into()),
            Form::Uniform(f) => Dist::Uniform(f.min.0 as f64, f.max.0 as f64),
            Form::Empirical(f) => {
                let values = match (&f.values, file) {
                    (Some(values), None) => values.clone(),
                    (None, Some(text)) => samples(text)?,
                    _ => return Err("give either `values` or `path`".into()),
                };
                Dist::empirical(values).ok_or("there is no value to draw from")?
            }
            Form::Mixture(parts) => mixture(parts)?,
        })
    }
}

fn samples(text: &str) -> Result<Vec<SimDuration>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| line.trim().parse().map_err(|e| format!("line {}: {e}", i + 1)))
        .collect()
}

fn mixture(parts: &[PartForm]) -> Result<Dist, String> {
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    if parts.iter().any(|part| !(part.weight > 0.0 && part.weight.is_finite())) || parts.is_empty() {
        return Err("a mixture has at least one part, each with a `weight` above 0".into());
    }
    let mut below = 0.0;
    let prepared = parts.iter().map(|part| {
        if part.of.path().is_some() {
            return Err("a part of a mixture cannot name a file".to_string());
        }
        below += part.weight;
        Ok((below / total, part.of.prepare(None)?))
    });
    Ok(Dist::Mixture(prepared.collect::<Result<_, _>>()?))
}

fn lognormal(form: &LognormalForm) -> Result<Dist, String> {
    match (form.median, form.p99, form.mean, form.sd) {
        (Some(median), Some(p99), None, None) if SimDuration::ZERO < median && median <= p99 => {
            let mu = (median.0 as f64).ln();
            Ok(Dist::Lognormal(mu, ((p99.0 as f64).ln() - mu) / normal::quantile(0.99)))
        }
        (None, None, Some(mean), Some(sd)) if mean > SimDuration::ZERO => {
            let variance = (1.0 + (sd.0 as f64 / mean.0 as f64).powi(2)).ln();
            Ok(Dist::Lognormal((mean.0 as f64).ln() - variance / 2.0, variance.sqrt()))
        }
        (Some(_), Some(_), None, None) => Err("`median` must be above 0 and not above `p99`".into()),
        (None, None, Some(_), Some(_)) => Err("`mean` must be above 0".into()),
        _ => Err("a lognormal takes either `median` and `p99`, or `mean` and `sd`".into()),
    }
}

impl Dist {
    /// An exponential distribution with this mean.
    pub fn exponential(mean: SimDuration) -> Self {
        Self::Exponential(mean.0 as f64)
    }

    /// Makes a distribution that chooses one of `samples` with equal probability; `None` if there are none.
    pub fn empirical(mut samples: Vec<SimDuration>) -> Option<Self> {
        samples.sort_unstable();
        (!samples.is_empty()).then(|| Self::Empirical(samples.into()))
    }

    /// Returns the duration for random number `index` of `stream`.
    #[inline]
    pub fn at(&self, stream: Stream, index: u64) -> SimDuration {
        let ns = match self {
            Self::Constant(d) => return *d,
            Self::Exponential(mean) => -stream.uniform(index).ln() * mean,
            Self::Lognormal(mu, sigma) => (mu + sigma * normal::quantile(stream.uniform(index))).exp(),
            Self::Uniform(min, max) => min + stream.uniform(index) * (max - min),
            Self::Weibull(scale, power) => scale * (-stream.uniform(index).ln()).powf(*power),
            Self::Gamma(shape, scale) => gamma(*shape, *scale, stream, index),
            Self::Empirical(samples) => return one_of(samples, stream.bits(index)),
            Self::Mixture(parts) => return chosen(parts, stream.uniform(index)).at(stream.branch(index), 0),
        };
        SimDuration((ns + 0.5) as u64)
    }

    /// Adds [`Self::at`] for random numbers `first`, `first + 1` and so on of `stream` to the elements of `durations`. The loops
    /// run over all elements at once, so that the compiler can vectorise them.
    pub fn add_block<const N: usize>(&self, stream: Stream, first: u64, durations: &mut [SimDuration; N]) {
        let indices = first..;
        match self {
            Self::Constant(d) => durations.iter_mut().for_each(|duration| *duration += *d),
            Self::Lognormal(mu, sigma) => {
                let mut uniform = [0.0; N];
                for (uniform, index) in uniform.iter_mut().zip(indices) {
                    *uniform = stream.uniform(index);
                }
                let normal = normal::quantiles(&uniform);
                for (duration, z) in durations.iter_mut().zip(normal) {
                    *duration += SimDuration(((mu + sigma * z).exp() + 0.5) as u64);
                }
            }
            Self::Empirical(samples) => {
                for (duration, index) in durations.iter_mut().zip(indices) {
                    *duration += one_of(samples, stream.bits(index));
                }
            }
            other => {
                for (duration, index) in durations.iter_mut().zip(indices) {
                    *duration += other.at(stream, index);
                }
            }
        }
    }

    /// Returns the distribution of the duration multiplied by `factor`, which is above 0.
    pub fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Constant(d) => Self::Constant(d.scale(factor)),
            Self::Exponential(mean) => Self::Exponential(mean * factor),
            Self::Lognormal(mu, sigma) => Self::Lognormal(mu + factor.ln(), sigma),
            Self::Gamma(shape, scale) => Self::Gamma(shape, scale * factor),
            Self::Weibull(scale, power) => Self::Weibull(scale * factor, power),
            Self::Uniform(min, max) => Self::Uniform(min * factor, max * factor),
            Self::Empirical(samples) => Self::Empirical(samples.iter().map(|d| d.scale(factor)).collect()),
            Self::Mixture(parts) => {
                let scaled = parts.iter().map(|(below, part)| (*below, part.clone().scaled(factor)));
                Self::Mixture(scaled.collect())
            }
        }
    }

    /// Returns the mean in seconds.
    pub fn mean_s(&self) -> f64 {
        1e-9 * match self {
            Self::Constant(d) => d.0 as f64,
            Self::Exponential(mean) => *mean,
            Self::Lognormal(mu, sigma) => (mu + sigma * sigma / 2.0).exp(),
            Self::Gamma(shape, scale) => shape * scale,
            Self::Weibull(scale, power) => scale * gamma_function(1.0 + power),
            Self::Uniform(min, max) => (min + max) / 2.0,
            Self::Empirical(samples) => samples.iter().map(|d| d.0 as f64).sum::<f64>() / samples.len() as f64,
            Self::Mixture(parts) => {
                let mut before = 0.0;
                let each = parts.iter().map(|(below, part)| {
                    let share = below - std::mem::replace(&mut before, *below);
                    1e9 * share * part.mean_s()
                });
                each.sum()
            }
        }
    }
}

/// Chooses one of the samples with equal probability by 64 random bits.
#[inline]
fn one_of(samples: &[SimDuration], bits: u64) -> SimDuration {
    samples[((u128::from(bits) * samples.len() as u128) >> 64) as usize]
}

/// Chooses the part of a mixture by a uniform random number.
fn chosen(parts: &[(f64, Dist)], uniform: f64) -> &Dist {
    let part = parts.iter().find(|(below, _)| uniform < *below);
    &part.unwrap_or(&parts[parts.len() - 1]).1
}

#[inline(never)]
fn gamma(shape: f64, scale: f64, stream: Stream, index: u64) -> f64 {
    // The parameters were checked in `prepare`; a degenerate shape falls back to its mean.
    rand_distr::Gamma::new(shape, scale).map_or(shape * scale, |g| g.sample(&mut stream.rng(index)))
}

/// Returns the gamma function of x >= 1 by the approximation of Lanczos; the relative error is below 1e-10.
///
/// Source: Press et al., Numerical Recipes, section 6.1.
fn gamma_function(x: f64) -> f64 {
    const C: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        1.208_650_973_866_179e-3,
        -5.395_239_384_953e-6,
    ];
    let t = x + 5.5;
    let series = C
        .iter()
        .zip(1..)
        .fold(1.000_000_000_190_015, |sum, (c, j)| sum + c / (x + f64::from(j)));
    (-t + (x + 0.5) * t.ln()).exp() * 2.506_628_274_631_000_5 * series / x
}

#[cfg(test)]
crate::units::written_as!(DistSpec: "[distribution](scenario.md#values)");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_listed() {
        let unknown = toml::from_str::<std::collections::BTreeMap<String, DistSpec>>("d = { other = 1 }");
        let told = unknown.unwrap_err().message().to_string();
        let listed = told.matches('`').count() / 2 - 1;
        assert!(
            listed == DistSpec::FORMS.len() && DistSpec::FORMS.iter().all(|form| told.contains(&format!("`{form}`"))),
            "{told}"
        );
    }
    use crate::rng::{Draws, Purpose};

    fn dist(text: &str) -> Result<Dist, String> {
        #[derive(Deserialize)]
        struct Holder {
            d: DistSpec,
        }
        let holder: Holder = toml::from_str(&format!("d = {text}")).map_err(|e| e.message().to_string())?;
        holder.d.prepare(None)
    }

    #[test]
    fn means_of_draws_are_the_means_of_the_laws() {
        let stream = Draws::new(1, 0).stream(Purpose::Service, 0);
        let n = 200_000u64;
        for text in [
            "'20ms'",
            "{ exponential = { mean = '20ms' } }",
            "{ lognormal = { median = '20ms', p99 = '120ms' } }",
            "{ lognormal = { mean = '20ms', sd = '10ms' } }",
            "{ gamma = { mean = '20ms', sd = '30ms' } }",
            "{ weibull = { scale = '20ms', shape = 0.7 } }",
            "{ uniform = { min = '10ms', max = '20ms' } }",
            "{ empirical = { values = ['1ms', '2ms', '30ms'] } }",
            "{ mixture = [{ weight = 49, of = '1ms' }, { weight = 1, of = { exponential = { mean = '200ms' } } }] }",
        ] {
            let dist = dist(text).unwrap();
            let draws: Vec<f64> = (0..n).map(|k| dist.at(stream, k).as_secs_f64()).collect();
            let mean = draws.iter().sum::<f64>() / n as f64;
            let sd = (draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            let error = (mean - dist.mean_s()).abs();
            assert!(
                error <= 4.0 * sd / (n as f64).sqrt() + 1e-9,
                "{text}: {mean} {}",
                dist.mean_s()
            );
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        assert!(
            dist("{ lognormal = { median = '20ms' } }")
                .unwrap_err()
                .contains("median")
        );
        assert!(
            dist("{ lognormal = { median = '20ms', p99 = '10ms' } }")
                .unwrap_err()
                .contains("p99")
        );
        assert!(dist("{ exponential = { mean = '0s' } }").unwrap_err().contains("mean"));
        assert!(
            dist("{ uniform = { min = '2s', max = '1s' } }")
                .unwrap_err()
                .contains("min")
        );
        assert!(
            dist("{ empirical = { values = [] } }")
                .unwrap_err()
                .contains("no value")
        );
        assert!(dist("{ expo = { mean = '1s' } }").unwrap_err().contains("exponential"));
        assert!(dist("5").unwrap_err().contains("duration"));
        assert!(dist("'-5ms'").unwrap_err().contains("negative"));
    }
}
