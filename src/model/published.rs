//! Figures about frameworks that others have published: `models/frameworks/published.toml`. Never measured here, never
//! simulated with.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Published {
    /// Version of this format: 1.
    pub schema: u32,
    /// Where the figures come from, in words.
    pub source: String,
    /// Figures by folder name; names without a folder stand for what has none.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Figures>,
}

/// What was published of one framework.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Figures {
    /// Idle memory in megabytes.
    pub idle_memory_mb: f64,
    /// Cold start in milliseconds.
    pub cold_start_ms: f64,
    /// Image size in megabytes.
    pub image_mb: f64,
}

/// The built-in figures.
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
