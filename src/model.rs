//! The data that describe the world: frameworks and their measured profiles, distributions, prices and node types.

pub mod arrival;
pub mod catalog;
pub mod code_warm_up;
pub mod concurrency;
pub mod cpu_check;
pub mod discipline;
pub mod dist;
pub mod framework;
pub mod nodes;
pub mod overhead;
pub mod panel;
pub mod price;
pub mod profile;
pub mod published;
pub mod unit_cost;
pub mod work_ratio;
