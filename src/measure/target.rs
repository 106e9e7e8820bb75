//! Where instances run: the seam between the protocol of a measurement and what it is taken on.
//!
//! A session knows blocks, order, samples and warm runs. How a subject is made ready, how one instance of it is started
//! and removed, and what remains of a run is its target's business. At most one instance runs at a time.

use std::future::Future;

use super::assemble::{Backing, Image};
use super::config::Config;
use super::error::MeasureError;
use super::progress::Progress;
use super::start::Outcome;
use super::subject::Subject;

/// Where instances run.
pub trait Target {
    /// A subject that can be started.
    type Deployed;

    /// What profiles say about it.
    fn backing(&self) -> Backing;

    /// Makes a subject ready to be started, and says what it is.
    ///
    /// # Errors
    /// What keeps the subject from being measured; if [`MeasureError::is_of_one_subject`], others may go on.
    fn deploy(
        &self,
        subject: &Subject,
        progress: &Progress,
    ) -> impl Future<Output = Result<(Image, Self::Deployed), MeasureError>>;

    /// Called once before the first start, if anything is to be started.
    ///
    /// # Errors
    /// What is missing for starts.
    fn open(&self) -> impl Future<Output = Result<(), MeasureError>>;

    /// Starts an instance and waits for its first right answer. `number` is its own within the run.
    fn cold_start(
        &self,
        subject: &Subject,
        deployed: &Self::Deployed,
        config: Config,
        number: u32,
    ) -> impl Future<Output = Outcome>;

    /// Ends an instance and removes what was made for it. What stays is removed by [`Target::sweep`].
    fn remove(&self, id: &str) -> impl Future<Output = ()>;

    /// Called after each cold start in a block, once its instance is gone.
    fn settle(&self, deployed: &Self::Deployed, config: Config) -> impl Future<Output = ()>;

    /// The last lines that an instance wrote.
    fn last_log_lines(&self, id: &str) -> impl Future<Output = Vec<String>>;

    /// Whether the kernel has killed an instance for its memory.
    fn is_out_of_memory(&self, id: &str) -> impl Future<Output = bool>;

    /// How many instances of others run beside it; `None` if that cannot be told.
    fn other_instances(&self) -> impl Future<Output = Option<u64>>;

    /// What a reader of the profile should know about it.
    fn remarks(&self) -> Vec<String>;

    /// Removes all that the run has made. Returns what is left, as text; `None` when all is gone.
    fn sweep(&self) -> impl Future<Output = Option<String>>;

    /// The command that does by hand what [`Target::sweep`] does.
    fn by_hand(&self) -> String;
}
