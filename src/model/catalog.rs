//! The built-in catalog. A new entry is a file or a folder under `models/` and one line here.

use super::nodes::Cloud;

macro_rules! price_lists {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../models/prices/", $name, ".toml")))),*]
    };
}

/// Price lists: the name of the file without `.toml`, and its text. A list `<provider>-<region>-<date>` may be spread over
/// further files `<provider>-<region>-<date>.<part>.toml` with the same header.
pub const PRICE_LISTS: &[(&str, &str)] = price_lists![
    "aws-us-east-1-2026-11-01",
    "aws-us-east-1-2026-11-01.api-gateway",
    "aws-us-east-1-2026-11-01.cloudwatch",
    "aws-us-east-1-2026-11-01.elb",
    "aws-us-east-1-2026-11-01.network",
    "aws-us-east-1-2026-11-01.storage",
    "aws-us-east-1-2026-11-01.commitments",
    "aws-us-east-1-2026-11-01.ec2",
    "aws-us-east-1-2026-11-01.fargate",
    "aws-us-east-1-2026-11-01.fargate-more",
    "aws-us-east-1-2026-11-01.lambda-more",
    "aws-us-east-1-2026-11-01.managed",
    "azure-eastus-2026-11-01",
    "azure-eastus-2026-11-01.aks",
    "azure-eastus-2026-11-01.container-apps",
    "gcp-europe-west3-2026-11-01",
    "gcp-us-central1-2026-11-01.gke",
    "gcp-us-central1-2026-11-01",
];

macro_rules! node_types {
    ($($cloud:ident = $name:literal),* $(,)?) => {
        &[$((Cloud::$cloud, include_str!(concat!("../../models/nodes/", $name, ".csv")))),*]
    };
}

/// Node types by cloud: one CSV file for each cloud.
pub const NODE_TYPES: &[(Cloud, &str)] = node_types![Aws = "aws", Gcp = "gcp", Azure = "azure",];

/// Facts about the clouds: the words of their price lists, and the list that is used by default.
pub(super) const CLOUDS: &str = include_str!("../../models/nodes/clouds.toml");

/// An example of a table with metered quantities, for the command `bill`.
pub const USAGE: &str = include_str!("../../models/usage.csv");

/// The scenario that runs if the user names none.
pub const DEFAULT_SCENARIO: &str = include_str!("../../models/scenarios/thousand-functions.toml");

/// The panel of the reference machine, to which profiles of linked machines are brought; `None` until one is shipped in
/// `models/panels/`.
pub const REFERENCE_PANEL: Option<&str> = None;

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

/// Frameworks: the name of the folder, the text of `framework.toml`, and the text of `profile.json` if the framework was
/// measured.
pub const FRAMEWORKS: &[(&str, &str, Option<&str>)] = frameworks![
    "axum" not_measured,
    "buffalo" measured,
    "chi" not_measured,
    "django" measured,
    "django-ninja" not_measured,
    "echo" measured,
    "express" measured,
    "fastapi" measured,
    "fastapi-uvicorn" measured,
    "fastify" measured,
    "flask" measured,
    "gin" measured,
    "hono" measured,
    "hono-bun" not_measured,
    "laravel" measured,
    "micronaut" measured,
    "nestjs" measured,
    "quarkus" measured,
    "quarkus-native" not_measured,
    "spring-boot" measured,
    "spring-boot-aot" measured,
    "symfony" measured,
];

/// Returns the text of the measured profile of a framework; `None` if there is none.
pub fn profile(name: &str) -> Option<&'static str> {
    FRAMEWORKS
        .iter()
        .find(|(known, ..)| *known == name)
        .and_then(|(.., profile)| *profile)
}

/// Returns true if the catalog has the framework but no measured profile of it.
pub fn is_not_measured(name: &str) -> bool {
    FRAMEWORKS
        .iter()
        .any(|(known, _, profile)| *known == name && profile.is_none())
}

/// Returns the names of all frameworks with a measured profile.
pub fn profile_names() -> impl Iterator<Item = &'static str> {
    let measured = FRAMEWORKS.iter().filter(|(.., profile)| profile.is_some());
    measured.map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The names of the entries of a folder of `models` for which `name_of` gives a name.
    fn entries(folder: &str, name_of: impl Fn(&Path) -> Option<String>) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.filter_map(|entry| name_of(&entry.unwrap().path())).collect()
    }

    /// The name of a file with this extension, without the extension.
    fn stem(path: &Path, extension: &str) -> Option<String> {
        let name = path.file_name()?.to_str()?;
        name.strip_suffix(extension).map(str::to_string)
    }

    fn rows<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        names.map(str::to_string).collect()
    }

    /// A row without its file does not compile; a file without its row fails here.
    #[test]
    fn every_file_under_models_has_a_row() {
        let lists = rows(PRICE_LISTS.iter().map(|(name, _)| *name));
        assert_eq!(entries("prices", |path| stem(path, ".toml")), lists);
        let clouds = rows(NODE_TYPES.iter().map(|(cloud, _)| cloud.name()));
        assert_eq!(entries("nodes", |path| stem(path, ".csv")), clouds);
        let folder = |path: &Path| {
            let is_framework = path.join("framework.toml").is_file();
            is_framework.then(|| path.file_name().unwrap().to_str().unwrap().to_string())
        };
        let frameworks = rows(FRAMEWORKS.iter().map(|(name, ..)| *name));
        assert_eq!(entries("frameworks", folder), frameworks);
        let measured = |path: &Path| folder(path).filter(|_| path.join("profile.json").is_file());
        assert_eq!(entries("frameworks", measured), rows(profile_names()));
    }

    #[test]
    fn no_row_is_there_twice() {
        assert_eq!(rows(PRICE_LISTS.iter().map(|(name, _)| *name)).len(), PRICE_LISTS.len());
        assert_eq!(rows(FRAMEWORKS.iter().map(|(name, ..)| *name)).len(), FRAMEWORKS.len());
        assert_eq!(
            rows(NODE_TYPES.iter().map(|(cloud, _)| cloud.name())).len(),
            NODE_TYPES.len()
        );
    }
}
