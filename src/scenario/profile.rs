//! From a measured profile to an instance of the simulator.
//!
//! `instance` is the face. It takes the profile at the size of the platform's instances (`at_size`, with sizes between
//! measured ones in `interpolate`), asks whether memory is enough for the requests in flight (`memory`), chooses what
//! requests share inside an instance (`concurrency`), and adds the handler's own work (`work`). The extra cost of an
//! instance's first requests is `code_warm_up`. Before all that, `reference` brings profiles of several machines to one.

mod at_size;
pub mod code_warm_up;
mod concurrency;
mod instance;
mod interpolate;
pub mod memory;
mod out_of_memory;
mod quality;
pub mod reference;
mod runs;
mod work;

pub use at_size::{EMPTY_ROUTE, Law, Sized, Wanted, at_size};
pub(in crate::scenario) use instance::{Instance, Measured, instance};
