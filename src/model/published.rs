//! Figures about frameworks that others have published: `models/frameworks/published.toml`. They serve for comparison only
//! and never enter a simulation.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Published {
    /// The version of this format: 1.
    pub schema: u32,
    /// The source of the figures, in words.
    pub source: String,
    /// The figures by the name of the framework. A name without a folder stands for a framework that has none.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Figures>,
}

/// The published figures of one framework.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Figures {
    /// The memory of an idle instance in megabytes.
    pub idle_memory_mb: f64,
    /// The time of a cold start in milliseconds.
    pub cold_start_ms: f64,
    /// The size of the image in megabytes.
    pub image_mb: f64,
}

/// Returns the built-in figures.
pub fn built_in() -> Published {
    toml::from_str(include_str!("../../models/frameworks/published.toml")).expect("a built-in file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_figures_can_be_read() {
        let published = built_in();
        assert_eq!((published.schema, published.figures.len()), (1, 8));
        let gin = published.figures["gin"];
        assert_eq!(
            (gin.idle_memory_mb, gin.cold_start_ms, gin.image_mb),
            (20.0, 200.0, 12.0)
        );
        assert!(
            !published.figures.contains_key("quarkus"),
            "a native figure is not one of the JVM"
        );
    }
}
