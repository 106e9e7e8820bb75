//! Statistics that know nothing of money, and of time only what a rate and a service time are: histograms, quantiles,
//! confidence intervals, regression, change points and queues.
pub mod beta;
pub mod bootstrap;
pub mod change_points;
pub mod gap_law;
pub mod histogram;
pub mod interval;
pub mod link;
pub mod normal;
pub mod order;
pub mod outliers;
pub mod reciprocal;
pub mod regression;
pub mod service_order;
pub mod settled;
pub mod work_line;
