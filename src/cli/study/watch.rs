//! Progress of a study on the terminal.

use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::exit::Failure;
use crate::scenario::Variant;
use crate::study::{self, Options, Progress, Study};

/// Runs the study while a progress bar shows how far it is.
pub(super) fn watched(variants: &[Variant], options: &Options, quiet: bool) -> Result<Study, Failure> {
    let progress = Progress::default();
    let most = |variant: &Variant| {
        options
            .precision
            .as_ref()
            .map_or(variant.replications.most(), |precision| precision.most)
    };
    let total: u64 = variants.iter().map(|variant| u64::from(most(variant))).sum();
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} replications, {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (finished, waiting) = std::sync::mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        let (progress, bar) = (&progress, &bar);
        scope.spawn(move || {
            while waiting.recv_timeout(Duration::from_millis(200)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let millions = progress.requests.load(Ordering::Relaxed) as f64 / 1e6;
                bar.set_message(format!("{millions:.1} million requests"));
                bar.set_position(progress.done.load(Ordering::Relaxed));
            }
        });
        let result = study::run(variants, options.clone(), progress);
        drop(finished);
        result
    });
    bar.finish_and_clear();
    result.map_err(Failure::input)
}
