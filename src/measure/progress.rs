//! The progress of a measurement on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// The share of the work after which its pace counts as much as the expectation.
const TRUST: f64 = 0.05;

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
        // The work of preparation has no known length.
        let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::no_length().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar)
    }

    /// Begins the work of known length.
    pub fn begin(&mut self, weight: u64) {
        match self {
            Self::Quiet => {}
            Self::Lines { began, whole, done } => (*began, *whole, *done) = (Instant::now(), weight, 0),
            Self::Bar(bar) => {
                let style =
                    ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {percent:>3}% ETA {left} {wide_msg}")
                        .unwrap_or_else(|_| ProgressStyle::default_bar())
                        .with_key("left", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                            let _ = write!(
                                text,
                                "{}",
                                human(time_left(state.elapsed(), state.pos(), state.len().unwrap_or(0)))
                            );
                        });
                bar.set_style(style);
                bar.set_length(weight);
                bar.reset_elapsed();
            }
        }
    }

    /// Prints a remark.
    pub fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Lines { .. } => line(text),
            Self::Bar(bar) => bar.suspend(|| line(text)),
        }
    }

    /// Shows the current step, on a bar only.
    pub fn now(&self, text: String) {
        if let Self::Bar(bar) = self {
            bar.set_message(text);
        }
    }

    /// Shows a step that may take minutes: on a bar, or as a line.
    pub fn step(&self, text: String) {
        match self {
            Self::Quiet => {}
            Self::Lines { .. } => line(&text),
            Self::Bar(bar) => bar.set_message(text),
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
            let left = time_left(began.elapsed(), *done, *whole);
            line(&format!("{text}, about {} left", human(left)));
        }
    }

    /// Ends the display.
    pub fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The time that is left. Weights are expected milliseconds. They are corrected by the time that the work so far has taken,
/// the more the larger its share is: after a hundredth of the work the expectation still counts most.
fn time_left(elapsed: Duration, done: u64, whole: u64) -> Duration {
    let (done, left) = (done as f64, whole.saturating_sub(done) as f64);
    if done <= 0.0 {
        return Duration::from_secs_f64(left / 1e3)
            .saturating_sub(elapsed)
            .max(Duration::from_secs(1));
    }
    let factor = elapsed.as_secs_f64() * 1e3 / done;
    let trust = done / (done + TRUST * (done + left));
    Duration::from_secs_f64(left / 1e3 * (1.0 + trust * (factor - 1.0)))
}

/// Writes a line to standard error. If nobody reads it any more, such as after the end of the terminal, the line is lost and
/// the measurement goes on to its orderly end.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
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
    fn the_time_left_begins_with_the_expectation_and_follows_the_pace() {
        let left = |elapsed: u64, done: u64| time_left(Duration::from_secs(elapsed), done * 1000, 1_000_000).as_secs();
        assert_eq!(left(0, 0), 1_000);
        assert_eq!(left(30, 0), 970, "nothing is done yet, and the clock runs");
        assert_eq!(left(5_000, 0), 1, "never nothing");
        assert_eq!(left(500, 500), 500);
        // Twice as slow as expected: hardly believed after a hundredth, and believed after a half.
        assert_eq!(left(20, 10), 1_155);
        assert_eq!(left(1_000, 500), 954);
    }

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
