//! What the world is described with: frameworks and their measured profiles, distributions, prices, objectives.
pub mod arrival;
pub mod dist;
pub mod framework;
pub mod profile;
