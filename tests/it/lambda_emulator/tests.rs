//! Tests of the emulator itself, over HTTP as a client sees it. They show what the fault tests of measurements stand on.

mod changes;
mod client;
mod control;
mod faults;
mod invocations;
mod lifetime;
mod logs;
mod starts;
