//! The time until Lambda has an execution environment for a request: placing it, making the machine, and fetching the code. A
//! container of Docker does not stand for it. The figures are in `models/platforms/lambda-environment.toml`, with their source.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Package;
use crate::assumption::{Assumption, Topic};
use crate::model::dist::DistSpec;

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The version of this format: 1.
    schema: u32,
    /// When the times were taken.
    date: String,
    zip: Times,
    image: Times,
}

/// The times of one kind of package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    /// How well they are known, in words.
    confidence: String,
    time: DistSpec,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    let text = include_str!("../../../../models/platforms/lambda-environment.toml");
    let file: File = toml::from_str(text).expect("the built-in times of Lambda's environments");
    debug_assert_eq!(file.schema, 1);
    file
});

/// The time of a kind of package.
pub(super) fn time(package: Package) -> &'static DistSpec {
    &times(package).time
}

fn times(package: Package) -> &'static Times {
    match package {
        Package::Zip => &FILE.zip,
        Package::Image => &FILE.image,
    }
}

/// The assumption behind it.
pub(super) fn assumption(package: Package) -> Assumption {
    Topic::ColdStart
        .large(format!(
            "Lambda's execution environment, which is waited for and not billed, takes what it took in {}: {}; \
             `platform.lambda.environment` says otherwise",
            FILE.date,
            times(package).confidence
        ))
        .source(
            "the experiments of Mahmoudi and Khazaei, Performance Modeling of Serverless Computing Platforms, 2020, fitted by this project \
             (models/platforms/lambda-environment.toml)",
            "2026-11",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_times_can_be_used() {
        for package in [Package::Zip, Package::Image] {
            let mean = time(package).prepare(None).unwrap().mean_s();
            assert!((0.05..2.0).contains(&mean), "{package:?}: {mean}");
            assert!(assumption(package).source.is_some());
        }
    }
}
