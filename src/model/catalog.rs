//! What is built in. A folder or a file under `models/` plus one line here is all that a new entry takes.

/// Price lists: file name without `.toml`, and text. A list named `<provider>-<region>-<date>` may be spread over
/// further files `<provider>-<region>-<date>.<part>.toml` with the same header.
pub const PRICE_LISTS: &[(&str, &str)] = &[(
    "aws-us-east-1-2026-11-01",
    include_str!("../../models/prices/aws-us-east-1-2026-11-01.toml"),
)];

/// The scenario that runs when none is given.
pub const DEFAULT_SCENARIO: &str = include_str!("../../models/scenarios/web-shop.toml");

macro_rules! frameworks {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../models/frameworks/", $name, "/framework.toml")),
            include_str!(concat!("../../models/frameworks/", $name, "/profile.json")),
        )),*]
    };
}

/// Frameworks: name, text of `framework.toml`, text of `profile.json`.
pub const FRAMEWORKS: &[(&str, &str, &str)] = frameworks!["express", "fastapi", "gin", "spring-boot"];

/// The text of a framework's measured profile.
pub fn profile(name: &str) -> Option<&'static str> {
    FRAMEWORKS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(.., profile)| *profile)
}

/// The names of all frameworks that have a measured profile.
pub fn profile_names() -> impl Iterator<Item = &'static str> {
    FRAMEWORKS.iter().map(|(name, ..)| *name)
}
