//! Statistics without a notion of time or money: quantiles of large counts, intervals of means, the normal quantile.
pub mod bootstrap;
pub mod change_points;
pub mod histogram;
pub mod interval;
pub mod normal;
pub mod order;
pub mod outliers;
pub mod reciprocal;
pub mod regression;
