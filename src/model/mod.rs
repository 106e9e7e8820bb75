//! What the world is described with: frameworks and their measured profiles, distributions, prices, objectives.
pub mod framework;
pub mod profile;
