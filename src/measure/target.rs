//! The seam between the protocol of a measurement and the place where its instances run.
//!
//! A session knows blocks, order, samples and warm runs. Its target deploys a subject, starts and removes one instance at a
//! time, and sweeps up after the run. At most one instance runs at a time.

use std::collections::BTreeMap;
use std::future::Future;

use crate::measure::config::Config;
use crate::measure::error::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::subject::Subject;

pub use crate::measure::assemble::{Backing, Image};
pub use crate::measure::cleanup::Leftover;
pub use crate::measure::noise::{Looked, Machine, Readings};
pub use crate::measure::probe::{Endpoint, Expect, NotReady, Ready, until_ready};
pub use crate::measure::start::{Failed, Outcome, Up};

/// A place where instances run.
pub trait Target {
    /// A subject that is ready to be started.
    type Deployed;

    /// The facts about the place that go into profiles.
    fn backing(&self) -> Backing;

    /// Deploys a subject: makes it ready to be started, and returns the facts about its image.
    ///
    /// # Errors
    /// The reason why the subject cannot be measured. If [`MeasureError::is_of_one_subject`], the session measures the others.
    fn deploy(
        &self,
        subject: &Subject,
        progress: &Progress,
    ) -> impl Future<Output = Result<(Image, Self::Deployed), MeasureError>>;

    /// Makes what all starts share, such as a network. The session calls it once, before the first start.
    ///
    /// # Errors
    /// The reason why nothing can be started.
    fn open(&self) -> impl Future<Output = Result<(), MeasureError>>;

    /// Starts an instance and waits for its first correct answer. `number` is unique within the run.
    fn cold_start(
        &self,
        subject: &Subject,
        deployed: &Self::Deployed,
        config: Config,
        number: u32,
    ) -> impl Future<Output = Outcome>;

    /// Stops an instance and removes what was made for it. [`Target::sweep`] removes what stays.
    fn remove(&self, id: &str) -> impl Future<Output = ()>;

    /// Returns the machine to rest after a cold start in a block, once the instance is gone.
    fn settle(&self, deployed: &Self::Deployed, config: Config) -> impl Future<Output = ()>;

    /// The last lines that an instance wrote.
    fn last_log_lines(&self, id: &str) -> impl Future<Output = Vec<String>>;

    /// Returns true if the kernel killed an instance for its memory.
    fn is_out_of_memory(&self, id: &str) -> impl Future<Output = bool>;

    /// Confines a running instance to one CPU of the machine, by its number, so that the load generator does not compete with it.
    /// Returns true if it is confined; a place that does so from the start on, or cannot, returns false.
    fn confine(&self, _id: &str, _cpu: usize) -> impl Future<Output = bool> {
        std::future::ready(false)
    }

    /// The way in which an instance ended by itself, such as `exited with code 7`; `None` if it still runs, or if that is unknown.
    fn how_it_ended(&self, id: &str) -> impl Future<Output = Option<String>>;

    /// Looks further for the cause of a first start that failed, and returns the failure with what was found. It may start
    /// instances with other settings; their numbers begin with `number`.
    fn explain(
        &self,
        _subject: &Subject,
        _deployed: &Self::Deployed,
        _config: Config,
        _number: u32,
        failed: Failed,
    ) -> impl Future<Output = Failed> {
        std::future::ready(failed)
    }

    /// The number of instances that belong to others and run at the same time; `None` if it is unknown.
    fn other_instances(&self) -> impl Future<Output = Option<u64>>;

    /// The source of the readings that tell noisy blocks from quiet ones: this machine, unless the target knows better.
    fn readings(&self) -> Box<dyn Readings> {
        Box::new(Machine::here())
    }

    /// Remarks about the place for readers of the profile.
    fn remarks(&self) -> Vec<String>;

    /// The command that checks one framework against the HTTP contract at this place.
    fn contract_command(&self, name: &str) -> String;

    /// The remains of earlier runs at this place, by run.
    ///
    /// # Errors
    /// If the place does not answer.
    fn leftovers(&self) -> impl Future<Output = Result<BTreeMap<String, Leftover>, MeasureError>>;

    /// Removes everything that the run has made. Returns a description of what is left; `None` when all is gone.
    fn sweep(&self) -> impl Future<Output = Option<String>>;

    /// The command that does by hand what [`Target::sweep`] does.
    fn by_hand(&self) -> String;
}
