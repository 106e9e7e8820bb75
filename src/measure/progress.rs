//! The progress of a measurement on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The way in which a measurement shows its progress.
#[derive(Debug)]
pub enum Progress {
    /// No output.
    Quiet,
    /// One line per block.
    Lines {
        /// The time at which the work of known length began.
        began: Instant,
        /// The weight of all work.
        whole: u64,
        /// The weight of the work done.
        done: u64,
    },
    /// A bar.
    Bar(ProgressBar),
}

impl Progress {
    /// A bar if `terminal`, lines if not, no output if `quiet`.
    pub fn new(quiet: bool, terminal: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !terminal {
            return Self::Lines {
                began: Instant::now(),
                whole: 0,
                done: 0,
            };
        }
        let style = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {percent:>3}% ETA {eta} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Bar(ProgressBar::no_length().with_style(style))
    }

    /// Begins the work of known length.
    pub fn begin(&mut self, weight: u64) {
        match self {
            Self::Quiet => {}
            Self::Lines { began, whole, done } => (*began, *whole, *done) = (Instant::now(), weight, 0),
            Self::Bar(bar) => {
                bar.set_length(weight);
                bar.reset_elapsed();
            }
        }
    }

    /// Prints a remark.
    pub fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Lines { .. } => eprintln!("{text}"),
            Self::Bar(bar) => bar.suspend(|| eprintln!("{text}")),
        }
    }

    /// Shows the current step, on a bar only.
    pub fn now(&self, text: String) {
        if let Self::Bar(bar) = self {
            bar.set_message(text);
        }
    }

    /// Adds work of this weight as done.
    pub fn advance(&mut self, weight: u64) {
        match self {
            Self::Quiet => {}
            Self::Lines { done, .. } => *done += weight,
            Self::Bar(bar) => bar.inc(weight),
        }
    }

    /// Sets the weight of the work that is left.
    pub fn left(&mut self, weight: u64) {
        match self {
            Self::Quiet => {}
            Self::Lines { whole, done, .. } => *whole = *done + weight,
            Self::Bar(bar) => bar.set_length(bar.position() + weight),
        }
    }

    /// Prints a line with the time that is left, if there is no bar.
    pub fn milestone(&self, text: &str) {
        if let Self::Lines { began, whole, done } = self {
            let left = began
                .elapsed()
                .mul_f64(whole.saturating_sub(*done) as f64 / (*done).max(1) as f64);
            eprintln!("{text}, about {} left", human(left));
        }
    }

    /// Ends the display.
    pub fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// A duration for people: seconds below 100 s, minutes below 100 min, else hours and minutes.
pub fn human(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds @ 100..5970 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {} min", (seconds + 30) / 3600, (seconds + 30) % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_goes_by_weight() {
        let mut progress = Progress::new(false, false);
        progress.begin(1_000);
        progress.advance(300);
        progress.left(500);
        let Progress::Lines { whole, done, .. } = progress else {
            panic!("no terminal, no bar");
        };
        assert_eq!((whole, done), (800, 300));
    }
}
