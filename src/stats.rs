//! Statistics that know nothing of time or money: histograms, quantiles, confidence intervals, regression and change points.
pub mod beta;
pub mod bootstrap;
pub mod change_points;
pub mod histogram;
pub mod interval;
pub mod link;
pub mod normal;
pub mod order;
pub mod outliers;
pub mod reciprocal;
pub mod regression;
