//! `[work]`: the handler's own work, on top of what the framework was measured to need for an empty one.

mod units;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::dist::DistSpec;
pub use units::UnitsSpec;

/// The kind of work of [`CpuSpec::Like`] that weighs all measured kinds equally.
pub const MIXED: &str = "mixed";
/// The objects in an answer of `/items` without a count.
const ITEMS_BY_DEFAULT: f64 = 20.0;

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

/// CPU time of a handler, on top of the framework's overhead, which every request costs once.
#[derive(Debug, Clone, PartialEq)]
pub enum CpuSpec {
    /// The number of units of each kind of work. A unit costs what it was measured to cost in the framework.
    Units(BTreeMap<String, UnitsSpec>),
    /// The work of a handler that is known from another framework.
    Like(Like),
    /// CPU time on one vCPU, the same in every framework.
    Time(DistSpec),
}

/// The work of a handler that takes `time` of CPU in the framework `like` today.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Like {
    /// The catalog profile, or the path of a profile file.
    pub like: String,
    /// The CPU time of the handler there, on one vCPU, without the framework's overhead.
    pub time: DistSpec,
    /// The kind of work; `mixed` weighs all measured kinds equally.
    #[serde(default = "mixed")]
    pub kind: String,
}

fn mixed() -> String {
    MIXED.into()
}

impl Work {
    /// The framework whose handlers are compared with, if there is one.
    pub fn like(&self) -> Option<&Like> {
        match &self.cpu {
            Some(CpuSpec::Like(like)) => Some(like),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for CpuSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;
        impl<'de> Visitor<'de> for AnyForm {
            type Value = CpuSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "units of work such as { items = 200 }, { like = \"django\", time = \"15ms\" }, a duration such as \"5ms\", or a \
                     distribution",
                )
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
                of_table(table).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(AnyForm)
    }
}

fn of_table(table: toml::Table) -> Result<CpuSpec, String> {
    let has = |key: &str| table.contains_key(key);
    let message = |error: toml::de::Error| error.message().to_string();
    if has("route") || has("times") {
        return Err(instead_of_times(&table));
    }
    if has("like") || has("time") {
        return toml::Value::Table(table).try_into().map(CpuSpec::Like).map_err(message);
    }
    if DistSpec::FORMS.iter().any(|form| has(form)) {
        return toml::Value::Table(table).try_into().map(CpuSpec::Time).map_err(message);
    }
    if table.is_empty() {
        return Err("it names no work: write such as { items = 200 }, or leave it out".into());
    }
    let each = table.iter().map(|(kind, value)| {
        let units = UnitsSpec::of(value).map_err(|problem| format!("`{kind}`: {problem}"))?;
        Ok((kind.clone(), units))
    });
    let units: BTreeMap<String, UnitsSpec> = each.collect::<Result<_, String>>()?;
    let varies = units.values().any(|units| matches!(units, UnitsSpec::Distribution(_)));
    if units.len() > 1 && varies {
        return Err("of several kinds of work each has a number of units: a distribution stands alone".into());
    }
    Ok(CpuSpec::Units(units))
}

/// Says what to write in place of the form that multiplied a whole route.
fn instead_of_times(table: &toml::Table) -> String {
    let times = table.get("times").and_then(|times| {
        let whole = times.as_integer().map(|whole| whole as f64);
        times.as_float().or(whole)
    });
    let route = table.get("route").and_then(toml::Value::as_str).unwrap_or("items");
    let instead = match (route, times) {
        ("items", Some(times)) => format!(
            "write {{ items = {} }}: the work alone of so many items, as each call of /items made {ITEMS_BY_DEFAULT}",
            times * ITEMS_BY_DEFAULT
        ),
        ("items", None) => "write such as { items = 400 }".into(),
        _ => format!(
            "/{route} does next to no work: leave `cpu` out for an empty handler, or write how much work there is, such as {{ items = 200 }}"
        ),
    };
    format!(
        "{{ route, times }} is no longer read, for it multiplied the overhead of the framework as well, which a request costs once; {instead}"
    )
}

#[cfg(test)]
crate::units::written_as!(CpuSpec: "`{ items = 200 }`, `{ like = \"django\", time = \"15ms\" }`, [duration](scenario.md#values) or [distribution](scenario.md#values)");

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(text: &str) -> Result<CpuSpec, String> {
        let work: Result<Work, toml::de::Error> = toml::from_str(&format!("cpu = {text}"));
        work.map(|work| work.cpu.unwrap())
            .map_err(|error| error.message().to_string())
    }

    #[test]
    fn each_form_is_told_from_the_others() {
        assert!(matches!(cpu("\"5ms\""), Ok(CpuSpec::Time(_))));
        assert!(matches!(
            cpu("{ exponential = { mean = \"5ms\" } }"),
            Ok(CpuSpec::Time(_))
        ));
        let Ok(CpuSpec::Units(units)) = cpu("{ items = 200, template = 50.5 }") else {
            panic!("two kinds");
        };
        assert_eq!((units["items"].clone(), units.len()), (UnitsSpec::Number(200.0), 2));
        assert!(matches!(
            cpu("{ search = { uniform = { min = 1, max = 9 } } }"),
            Ok(CpuSpec::Units(_))
        ));
        let Ok(CpuSpec::Like(like)) = cpu("{ like = \"django\", time = \"15ms\" }") else {
            panic!("like");
        };
        assert_eq!((like.like.as_str(), like.kind.as_str()), ("django", MIXED));
        let Ok(CpuSpec::Like(like)) =
            cpu("{ like = \"a.json\", time = { exponential = { mean = \"9ms\" } }, kind = \"items\" }")
        else {
            panic!("like with a distribution");
        };
        assert_eq!(like.kind, "items");
    }

    #[test]
    fn a_wrong_form_says_what_to_write() {
        for (text, part) in [
            ("{ route = \"items\", times = 20 }", "write { items = 400 }"),
            ("{ route = \"items\", times = 2.5 }", "write { items = 50 }"),
            ("{ route = \"json\", times = 20 }", "leave `cpu` out"),
            ("{ times = 20 }", "write { items = 400 }"),
            ("{ like = \"django\" }", "missing field `time`"),
            ("{ time = \"15ms\" }", "missing field `like`"),
            (
                "{ like = \"django\", time = \"15ms\", units = 3 }",
                "unknown field `units`",
            ),
            (
                "{ items = \"20ms\" }",
                "`items`: a number of units is a number such as 200",
            ),
            (
                "{ items = 1, rows = { uniform = { min = 1, max = 2 } } }",
                "stands alone",
            ),
            ("{}", "names no work"),
            ("7", "units of work such as { items = 200 }"),
        ] {
            let problem = cpu(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
