//! The simulator: pure, synchronous, in integer nanoseconds. Given a [`setup::Setup`] it cannot fail.
//!
//! A run:
//! 1. [`engine::run`] makes a world of the setup: services, the platform, an empty calendar. Functions get their random
//!    streams, and instances of the initial state are created.
//! 2. The engine takes the next arrival or the next event, whichever is earlier, until there are none.
//! 3. The world asks the [`platform`], which answers with decisions and changes only its own memory. The world carries them
//!    out, and puts future events in its calendar.
//! 4. The world tells [`fact`]s to observers ([`observe`]), which never steer.
//! 5. At the end of the warm-up and at the end of the run the world cuts its integrals, and returns them.
//!
//! Rooms: `pool` holds free instances by the routing rule, `inside` is one instance (workers, CPU, first requests), `observe`
//! counts, `autoscaler` and `cluster` are rules of upstream projects, `platform` holds one file for each platform.
pub mod autoscaler;
pub(crate) mod calendar;
pub mod client;
pub mod cluster;
pub mod engine;
pub mod fact;
pub(crate) mod fleet;
pub(crate) mod gauge;
pub mod inside;
pub mod late;
pub mod observe;
pub mod platform;
pub mod pool;
pub(crate) mod service_draws;
pub mod setup;
pub(crate) mod slab;
pub(crate) mod world;
