//! How often a variant is simulated.

use std::fmt;

use crate::scenario::file::replications::{PrecisionSpec, RelativeError, ReplicationsSpec};

/// How often a variant is simulated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Replications {
    /// So many times.
    Count(u32),
    /// Until the 95% intervals are narrow.
    Until {
        /// The error relative to the true mean that is allowed, such as 0.02.
        relative: f64,
        /// The metrics that must be known so precisely, by their column in `summary.csv`; empty: the usual ones.
        of: Vec<String>,
        /// The most replications.
        most: u32,
    },
}

impl Replications {
    /// The most replications that there can be.
    pub fn most(&self) -> u32 {
        match self {
            Self::Count(count) => *count,
            Self::Until { most, .. } => *most,
        }
    }
}

impl From<u32> for Replications {
    fn from(count: u32) -> Self {
        Self::Count(count)
    }
}

/// The value as a scenario has it.
impl fmt::Display for Replications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Until { relative, of, most } => {
                write!(f, "{{ precision = \"{}\", ", RelativeError(*relative))?;
                if !of.is_empty() {
                    write!(f, "of = {of:?}, ")?;
                }
                write!(f, "most = {most} }}")
            }
        }
    }
}

impl From<&ReplicationsSpec> for Replications {
    fn from(spec: &ReplicationsSpec) -> Self {
        match spec {
            ReplicationsSpec::Count(count) => Self::Count(*count),
            ReplicationsSpec::Until(PrecisionSpec { precision, of, most }) => Self::Until {
                relative: precision.0,
                of: of.clone(),
                most: *most,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replications_print_as_a_scenario_has_them() {
        let until = |of: &[&str]| Replications::Until {
            relative: 0.02,
            of: of.iter().map(ToString::to_string).collect(),
            most: 200,
        };
        assert_eq!(Replications::from(7).to_string(), "7");
        assert_eq!(until(&[]).to_string(), "{ precision = \"2%\", most = 200 }");
        assert_eq!(
            until(&["cold_starts"]).to_string(),
            "{ precision = \"2%\", of = [\"cold_starts\"], most = 200 }"
        );
    }
}
