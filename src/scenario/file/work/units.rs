//! A number of units of work: a number, or a distribution of numbers for work that varies from request to request.

use crate::model::dist::{Dist, DistSpec};
use crate::units::SimDuration;

/// A number of units. A distribution is kept as one of durations, in which a unit is a millisecond.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitsSpec {
    /// The same number for every request.
    Number(f64),
    /// A number for each request.
    Distribution(DistSpec),
}

impl UnitsSpec {
    /// Reads `200`, or a table such as `{ uniform = { min = 10, max = 400 } }`.
    ///
    /// # Errors
    /// A sentence that says how a number of units is written.
    pub(super) fn of(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Integer(_) | toml::Value::Float(_) => number(value).map(Self::Number),
            toml::Value::Table(_) => {
                let spec = as_durations(value)?
                    .try_into()
                    .map_err(|error: toml::de::Error| error.message().to_string())?;
                Ok(Self::Distribution(spec))
            }
            other => Err(format!(
                "a number of units is a number such as 200, or a distribution of numbers, not {other}"
            )),
        }
    }

    /// The distribution of the CPU time of so many units that cost `unit_ms` milliseconds each.
    ///
    /// # Errors
    /// A sentence that names the wrong parameter of the distribution.
    pub fn times(&self, unit_ms: f64) -> Result<Dist, String> {
        match self {
            Self::Number(units) => Ok(Dist::Constant(SimDuration::from_millis_f64(units * unit_ms))),
            // A factor of 0 is not defined for all distributions.
            Self::Distribution(spec) => Ok(spec.prepare(None)?.scaled(unit_ms.max(1e-9))),
        }
    }

    /// The mean number of units.
    ///
    /// # Errors
    /// A sentence that names the wrong parameter of the distribution.
    pub fn mean(&self) -> Result<f64, String> {
        match self {
            Self::Number(units) => Ok(*units),
            Self::Distribution(spec) => Ok(spec.prepare(None)?.mean_s() * 1e3),
        }
    }
}

/// A number that is at least 0.
fn number(value: &toml::Value) -> Result<f64, String> {
    let number = value
        .as_float()
        .or_else(|| value.as_integer().map(|whole| whole as f64))
        .ok_or_else(|| format!("{value} is no number of units: write a number without a unit, such as 200"))?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err(format!("{number} is no number of units: it must be at least 0"))
    }
}

/// The same distribution with each number of units as milliseconds. Weights and shapes stay numbers.
fn as_durations(value: &toml::Value) -> Result<toml::Value, String> {
    match value {
        toml::Value::Table(table) => {
            let mut found = toml::Table::new();
            for (key, value) in table {
                let value = match key.as_str() {
                    "weight" | "shape" => value.clone(),
                    "path" => return Err("a distribution of units has no `path`: write its numbers as `values`".into()),
                    _ => as_durations(value)?,
                };
                found.insert(key.clone(), value);
            }
            Ok(toml::Value::Table(found))
        }
        toml::Value::Array(values) => values
            .iter()
            .map(as_durations)
            .collect::<Result<_, _>>()
            .map(toml::Value::Array),
        one => Ok(toml::Value::String(format!("{}ms", number(one)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Purpose};

    fn units(text: &str) -> Result<UnitsSpec, String> {
        UnitsSpec::of(&text.parse::<toml::Table>().unwrap()["u"])
    }

    #[test]
    fn numbers_and_distributions_of_numbers_are_read() {
        let constant = units("u = 200").unwrap();
        assert_eq!(constant.times(0.002).unwrap().mean_s(), 0.4e-3);
        assert_eq!(units("u = 0.5").unwrap().mean(), Ok(0.5));
        let uniform = units("u = { uniform = { min = 10, max = 30 } }").unwrap();
        assert_eq!(uniform.mean(), Ok(20.0));
        let stream = Draws::new(1, 0).stream(Purpose::Service, 0);
        let drawn = uniform.times(0.1).unwrap();
        assert!((0..100).all(|k| (1.0..=3.0).contains(&drawn.at(stream, k).as_millis_f64())));
        let mixture =
            units("u = { mixture = [{ weight = 3, of = 10 }, { weight = 1, of = { exponential = { mean = 50 } } }] }");
        assert!((mixture.unwrap().mean().unwrap() - 20.0).abs() < 1e-6);
        let listed = units("u = { empirical = { values = [1, 2, 6] } }").unwrap();
        assert!((listed.mean().unwrap() - 3.0).abs() < 1e-9);
        let weibull = units("u = { weibull = { scale = 10, shape = 1 } }").unwrap();
        assert!((weibull.mean().unwrap() - 10.0).abs() < 1e-6);
    }

    #[test]
    fn durations_and_negative_numbers_are_refused() {
        for (text, part) in [
            ("u = \"20ms\"", "such as 200"),
            ("u = { exponential = { mean = \"20ms\" } }", "without a unit"),
            ("u = -1", "at least 0"),
            ("u = nan", "at least 0"),
            ("u = { empirical = { path = \"a\" } }", "as `values`"),
            ("u = { normal = { mean = 1 } }", "unknown variant"),
        ] {
            let problem = units(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
