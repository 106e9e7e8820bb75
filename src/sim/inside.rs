//! The inside of an instance: its CPU, the workers that share it, the requests in service, and the extra cost of its first
//! requests.

pub mod code_warm_up;
pub(crate) mod cpu;
pub(crate) mod in_service;
pub(crate) mod station;
