//! From metered quantities to money: month scaling, free allowances, tiers, bills.
//!
//! Owns every multiplication by a price. Knows nothing of traffic, frameworks or how quantities were metered. Money is
//! US dollars and quantities are units of the price list, both decimal; nothing is rounded to cents here.
mod advice;
pub mod bill;
pub mod commitment;
mod committed;
pub mod currency;
pub mod extras;
pub mod hours;
pub mod lambda;
mod mean;
pub mod meter;
pub mod month;
pub mod rate;
mod split;
pub mod stored;
pub mod usage;

pub use advice::{Advice, Level, Used, advise};
pub use committed::{Slice, bill_committed};
pub use split::bill_groups;
