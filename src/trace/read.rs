//! Readers of other tools' logs and exports. Traffic, measuring on Lambda and calibration share them.
//!
//! A reader says what a file says; it decides nothing. What is unknown stays unknown, and what it cannot read is counted.

pub mod lambda;
pub mod text;
