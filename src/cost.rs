//! From metered quantities to money: scaling to a month, free allowances, tiers and bills.
//!
//! Every multiplication by a price is in this layer. Meters ([`meter`]) count quantities; everything else knows neither traffic
//! nor frameworks. Money is US dollars and quantities are in units of the price list. Both are decimals, and nothing is
//! rounded to cents here.
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

pub use advice::{Advice, Level, ReplicatedUsage, advise};
pub use committed::{Slice, bill_committed};
pub use split::bill_groups;
