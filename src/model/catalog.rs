//! What is built in. A folder or a file under `models/` plus one line here is all that a new entry takes.

use super::nodes::Cloud;

/// Price lists: file name without `.toml`, and text. A list named `<provider>-<region>-<date>` may be spread over
/// further files `<provider>-<region>-<date>.<part>.toml` with the same header.
pub const PRICE_LISTS: &[(&str, &str)] = &[
    (
        "aws-us-east-1-2026-11-01",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.api-gateway",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.api-gateway.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.cloudwatch",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.cloudwatch.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.elb",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.elb.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.network",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.network.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.storage",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.storage.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.commitments",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.commitments.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.ec2",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.ec2.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.fargate",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.fargate.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.fargate-more",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.fargate-more.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.lambda-more",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.lambda-more.toml"),
    ),
    (
        "aws-us-east-1-2026-11-01.managed",
        include_str!("../../models/prices/aws-us-east-1-2026-11-01.managed.toml"),
    ),
    (
        "azure-eastus-2026-11-01",
        include_str!("../../models/prices/azure-eastus-2026-11-01.toml"),
    ),
    (
        "azure-eastus-2026-11-01.aks",
        include_str!("../../models/prices/azure-eastus-2026-11-01.aks.toml"),
    ),
    (
        "azure-eastus-2026-11-01.container-apps",
        include_str!("../../models/prices/azure-eastus-2026-11-01.container-apps.toml"),
    ),
    (
        "gcp-europe-west3-2026-11-01",
        include_str!("../../models/prices/gcp-europe-west3-2026-11-01.toml"),
    ),
    (
        "gcp-us-central1-2026-11-01.gke",
        include_str!("../../models/prices/gcp-us-central1-2026-11-01.gke.toml"),
    ),
    (
        "gcp-us-central1-2026-11-01",
        include_str!("../../models/prices/gcp-us-central1-2026-11-01.toml"),
    ),
];

/// Node types by cloud.
pub const NODE_TYPES: &[(Cloud, &str)] = &[
    (Cloud::Aws, include_str!("../../models/nodes/aws.csv")),
    (Cloud::Gcp, include_str!("../../models/nodes/gcp.csv")),
    (Cloud::Azure, include_str!("../../models/nodes/azure.csv")),
];

/// A table of metered quantities, to try `bill` with.
pub const USAGE: &str = include_str!("../../models/usage.csv");

/// The scenario that runs when none is given.
pub const DEFAULT_SCENARIO: &str = include_str!("../../models/scenarios/thousand-functions.toml");

macro_rules! profile_of {
    ($name:literal measured) => {
        Some(include_str!(concat!(
            "../../models/frameworks/",
            $name,
            "/profile.json"
        )))
    };
    ($name:literal not_measured) => {
        None
    };
}

macro_rules! frameworks {
    ($($name:literal $state:ident),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../models/frameworks/", $name, "/framework.toml")),
            profile_of!($name $state),
        )),*]
    };
}

/// Frameworks: name, text of `framework.toml`, and text of `profile.json` where it was measured.
pub const FRAMEWORKS: &[(&str, &str, Option<&str>)] = frameworks![
    "buffalo" measured,
    "django" measured,
    "echo" measured,
    "express" measured,
    "fastapi" measured,
    "fastapi-uvicorn" measured,
    "fastify" measured,
    "flask" measured,
    "gin" measured,
    "hono" measured,
    "laravel" measured,
    "micronaut" measured,
    "nestjs" measured,
    "quarkus" measured,
    "quarkus-native" not_measured,
    "spring-boot" measured,
    "spring-boot-aot" measured,
    "symfony" measured,
];

/// The text of a framework's measured profile.
pub fn profile(name: &str) -> Option<&'static str> {
    FRAMEWORKS
        .iter()
        .find(|(known, ..)| *known == name)
        .and_then(|(.., profile)| *profile)
}

/// Whether a framework is in the catalog without having been measured.
pub fn is_not_measured(name: &str) -> bool {
    FRAMEWORKS
        .iter()
        .any(|(known, _, profile)| *known == name && profile.is_none())
}

/// The names of all frameworks that have a measured profile.
pub fn profile_names() -> impl Iterator<Item = &'static str> {
    let measured = FRAMEWORKS.iter().filter(|(.., profile)| profile.is_some());
    measured.map(|(name, ..)| *name)
}
