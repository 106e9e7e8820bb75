//! The figures of a trace: its size, its peaks and its burstiness. Variances of counts are taken over all bins between the
//! first and the last request, empty bins included.

use serde::Serialize;

use super::moments::{Finished, SECOND};
use super::report::ImportReport;

/// The figures of a trace. A figure that the file cannot tell is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The file or folder.
    pub path: String,
    /// The kind of file, as in `[traffic.<format>]`.
    pub format: &'static str,
    /// The account of the file.
    #[serde(flatten)]
    pub report: ImportReport,
    /// The number of requests.
    pub requests: u64,
    /// Time of the first request, or start of the first bin with one, in seconds since the start of the run.
    pub first_s: Option<f64>,
    /// Time of the last request, or end of the last bin with one, in seconds since the start of the run.
    pub last_s: Option<f64>,
    /// The length of the trace in seconds: from the first to the last request, or all bins of a file with counts.
    pub span_s: Option<f64>,
    /// The mean number of requests per second over the span.
    pub mean_rate_per_s: Option<f64>,
    /// The largest number of requests in one second.
    pub peak_second: Option<u64>,
    /// The start of that second, in seconds since the start of the run.
    pub peak_second_at_s: Option<f64>,
    /// The largest number of requests in one minute.
    pub peak_minute: Option<u64>,
    /// The start of that minute, in seconds since the start of the run.
    pub peak_minute_at_s: Option<f64>,
    /// The variance of the requests per second, divided by their mean (index of dispersion): 1 for a Poisson process, more
    /// for bursty traffic.
    pub dispersion_1s: Option<f64>,
    /// The same for the requests per minute.
    pub dispersion_60s: Option<f64>,
    /// The share of minutes without a request, between 0 and 1.
    pub idle_minutes_share: Option<f64>,
    /// The standard deviation of the time between requests, divided by its mean (coefficient of variation): 1 for a Poisson
    /// process.
    pub gap_cv: Option<f64>,
}

impl Inspection {
    pub(super) fn new(report: ImportReport) -> Self {
        Self {
            path: String::new(),
            format: "",
            report,
            requests: 0,
            first_s: None,
            last_s: None,
            span_s: None,
            mean_rate_per_s: None,
            peak_second: None,
            peak_second_at_s: None,
            peak_minute: None,
            peak_minute_at_s: None,
            dispersion_1s: None,
            dispersion_60s: None,
            idle_minutes_share: None,
            gap_cv: None,
        }
    }

    /// Sets the figures that every trace has. `first`, `last` and `span` are nanoseconds.
    pub(super) fn fill(&mut self, requests: u64, first: Option<u64>, last: Option<u64>, span: u64) {
        let seconds = |ns: u64| ns as f64 / SECOND as f64;
        self.requests = requests;
        self.first_s = first.map(seconds);
        self.last_s = last.map(seconds);
        self.span_s = Some(seconds(span));
        self.mean_rate_per_s = (span > 0).then(|| requests as f64 / seconds(span));
    }

    pub(super) fn set_seconds(&mut self, bins: Finished) {
        (self.peak_second, self.peak_second_at_s, self.dispersion_1s) = (bins.peak, bins.peak_at_s, bins.dispersion);
    }

    pub(super) fn set_minutes(&mut self, bins: Finished) {
        (self.peak_minute, self.peak_minute_at_s, self.dispersion_60s) = (bins.peak, bins.peak_at_s, bins.dispersion);
        self.idle_minutes_share = bins.idle_share;
    }
}
