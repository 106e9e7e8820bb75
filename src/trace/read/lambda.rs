//! Logs of AWS Lambda: the messages of the platform among those of the function, from every form in which people have them.
//!
//! [`export`] finds the messages in a file, [`message`] says what the platform says in one of them, and [`mod@invocations`] puts them
//! together. Traffic importers, `measure lambda` (which has the log tail of each call) and calibration share these.
//!
//! Sources: AWS Lambda Developer Guide, "Lambda runtime environment lifecycle", "Log formats", "Lambda Telemetry API Event schema
//! reference", and "Monitoring for Lambda SnapStart"; the forms of `REPORT` were seen in public logs of 2020 to 2026.

pub mod export;
pub mod invocations;
pub mod message;

pub use export::{Event, Export, Form};
pub use invocations::{Invocation, Start, invocations};
pub use message::{InitReport, Report, RestoreReport, Said};
