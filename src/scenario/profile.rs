//! From a measured profile to an instance of the simulator.
//!
//! `instance` is the face. It takes the profile at the size of the platform's instances (`at_size`, with sizes between
//! measured ones in `interpolate`), asks whether memory is enough for the requests in flight (`memory`), chooses what
//! requests share inside an instance (`concurrency`), and adds the handler's own work (`work`, by the cost of its `units`). What a request costs
//! beside its work, by the time since the last one, is `overhead`; the extra cost of an instance's first requests is `code_warm_up`. Before all that, `reference` brings profiles of several machines to one, and `architecture`
//! asks whether they tell anything of the platform's instruction set.

pub(in crate::scenario) mod architecture;
mod at_size;
pub mod code_warm_up;
mod concurrency;
mod function;
mod instance;
mod interpolate;
pub mod memory;
mod out_of_memory;
mod overhead;
mod quality;
pub mod reference;
mod runs;
mod units;
mod work;

pub use at_size::{EMPTY_ROUTE, Law, Sized, Wanted, at_size};
pub(in crate::scenario) use instance::{Instance, Measured, instance};
