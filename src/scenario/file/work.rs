//! `[work]`: the handler's own work, on top of what the framework was measured to need for an empty one.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::dist::DistSpec;

/// `[work]`
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// CPU time of the handler.
    pub cpu: Option<CpuSpec>,
    /// Time that the handler waits for others without using CPU.
    pub io: Option<DistSpec>,
}

/// CPU time of a handler.
#[derive(Debug, Clone, PartialEq)]
pub enum CpuSpec {
    /// The measured CPU time of the framework for a route, multiplied by the stated number.
    Route {
        /// Name of the measured route, such as `items`.
        route: String,
        /// How often.
        times: f64,
    },
    /// CPU time on one vCPU, the same in every framework.
    Time(DistSpec),
}

impl<'de> Deserialize<'de> for CpuSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;
        impl<'de> Visitor<'de> for AnyForm {
            type Value = CpuSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"5ms\", { route = \"items\", times = 20 }, or a distribution")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<CpuSpec, E> {
                let duration = text.parse().map_err(E::custom)?;
                Ok(CpuSpec::Time(DistSpec::constant(duration)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CpuSpec, A::Error> {
                let mut table = toml::Table::new();
                while let Some((key, value)) = map.next_entry::<String, toml::Value>()? {
                    table.insert(key, value);
                }
                let route_form = ["route", "times"].iter().any(|key| table.contains_key(*key));
                let value = toml::Value::Table(table);
                if route_form {
                    let RouteForm { route, times } = value.try_into().map_err(|e| custom(&e))?;
                    Ok(CpuSpec::Route { route, times })
                } else {
                    value.try_into().map(CpuSpec::Time).map_err(|e| custom(&e))
                }
            }
        }
        fn custom<E: de::Error>(error: &toml::de::Error) -> E {
            E::custom(error.message())
        }
        deserializer.deserialize_any(AnyForm)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteForm {
    route: String,
    times: f64,
}

#[cfg(test)]
crate::units::written_as!(CpuSpec: "[duration](scenario.md#values), [distribution](scenario.md#values) or `{ route = \"items\", times = 20 }`");
