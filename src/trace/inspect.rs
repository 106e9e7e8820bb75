//! What a trace is like: its size, its peaks and how bursty it is. Variances of counts are taken over all bins of the
//! span, empty ones included.

use std::path::Path;

use serde::Serialize;

use super::error::TraceError;
use super::moments::{Bins, Finished, Gaps, MINUTE, SECOND};
use super::report::ImportReport;
use super::table::Table;
use super::{Source, Traffic, azure2019, counts, csv};

/// The figures of a trace. What the file cannot tell is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The file or folder.
    pub path: String,
    /// The kind of file, as in `[traffic.<format>]`.
    pub format: &'static str,
    /// What was read.
    #[serde(flatten)]
    pub report: ImportReport,
    /// Requests in all.
    pub requests: u64,
    /// Time of the first request, or start of the first bin with one, in seconds since the start of the run.
    pub first_s: Option<f64>,
    /// Time of the last request, or end of the last bin with one.
    pub last_s: Option<f64>,
    /// Length of the trace: from the first to the last request, or all bins of a file with counts.
    pub span_s: Option<f64>,
    /// Requests per second over the span.
    pub mean_rate_per_s: Option<f64>,
    /// Most requests in a second.
    pub peak_second: Option<u64>,
    /// When that second begins.
    pub peak_second_at_s: Option<f64>,
    /// Most requests in a minute.
    pub peak_minute: Option<u64>,
    /// When that minute begins.
    pub peak_minute_at_s: Option<f64>,
    /// Variance over mean of the requests per second; 1 for a Poisson process.
    pub dispersion_1s: Option<f64>,
    /// Variance over mean of the requests per minute.
    pub dispersion_60s: Option<f64>,
    /// Share of minutes without a request.
    pub idle_minutes_share: Option<f64>,
    /// Standard deviation over mean of the time between requests; 1 for a Poisson process.
    pub gap_cv: Option<f64>,
}

/// Reads a whole trace and describes it.
pub fn inspect(traffic: &Traffic, base: &Path) -> Result<Inspection, TraceError> {
    let mut found = match traffic {
        Traffic::Csv(spec) => events(spec, base)?,
        Traffic::Counts(spec) => bins(spec, base)?,
        Traffic::Azure2019(spec) => days(spec, base)?,
        Traffic::Poisson(_)
        | Traffic::Constant(_)
        | Traffic::Diurnal(_)
        | Traffic::FlashCrowd(_)
        | Traffic::ClosedLoop(_)
        | Traffic::AzureDay(_) => {
            return Err(TraceError::Settings(format!(
                "`{}` traffic has no file to inspect",
                traffic.name()
            )));
        }
    };
    found.path = traffic.path().unwrap_or_default().to_string();
    found.format = traffic.name();
    Ok(found)
}

fn events(spec: &csv::CsvSpec, base: &Path) -> Result<Inspection, TraceError> {
    let mut reader = csv::Reader::new(spec, Table::open(&base.join(&spec.path))?, u64::MAX)?;
    let mut batch = Vec::new();
    let (mut seconds, mut minutes) = (Bins::new(SECOND), Bins::new(MINUTE));
    let mut gaps = Gaps::default();
    while reader.refill(&mut batch)? {
        for arrival in batch.drain(..) {
            seconds.add(arrival.at.0, 1);
            minutes.add(arrival.at.0, 1);
            gaps.add(arrival.at.0);
        }
    }
    let mut found = Inspection::new(reader.report());
    found.fill(
        seconds.sum,
        gaps.first,
        Some(gaps.last),
        gaps.last - gaps.first.unwrap_or(0),
    );
    found.set_minutes(minutes.finish());
    // Stamps in whole minutes say nothing of seconds, stamps in whole seconds nothing of gaps.
    if !gaps.whole_minutes {
        found.set_seconds(seconds.finish());
    }
    if !gaps.whole_seconds {
        found.gap_cv = gaps.cv();
    }
    Ok(found)
}

fn bins(spec: &counts::CountsSpec, base: &Path) -> Result<Inspection, TraceError> {
    let (series, _) = spec.load(base)?;
    let (mut seconds, mut minutes) = (Bins::new(SECOND), Bins::new(MINUTE));
    for &(start, count) in &series.bins {
        seconds.add(start, count.into());
        minutes.add(start, count.into());
    }
    let busy = |&&(_, count): &&(u64, u32)| count > 0;
    let first = series.bins.iter().find(busy).map(|b| b.0);
    let last = series.bins.iter().rfind(busy).map(|b| b.0 + series.bin);
    let start = series.bins.first().map_or(0, |b| b.0);
    let mut found = Inspection::new(series.report.clone());
    found.fill(minutes.sum, first, last, series.length().0 - start);
    if SECOND.is_multiple_of(series.bin) {
        found.set_seconds(seconds.finish());
    }
    if MINUTE.is_multiple_of(series.bin) {
        found.set_minutes(minutes.finish());
    }
    Ok(found)
}

fn days(spec: &azure2019::Azure2019Spec, base: &Path) -> Result<Inspection, TraceError> {
    let mut days = spec.load(base)?;
    let mut minutes = Bins::new(MINUTE);
    let (mut first, mut last) = (None, None);
    loop {
        for (i, cells) in days.day.minutes.iter().enumerate() {
            let at = days.minute(i) * MINUTE;
            let count: u64 = cells.iter().map(|c| u64::from(c.1)).sum();
            minutes.add(at, count);
            if count > 0 {
                first.get_or_insert(at);
                last = Some(at + MINUTE);
            }
        }
        if !days.advance()? {
            break;
        }
    }
    let mut found = Inspection::new(days.report());
    found.fill(minutes.sum, first, last, days.length().map_or(0, |l| l.0));
    found.set_minutes(minutes.finish());
    Ok(found)
}

impl Inspection {
    fn new(report: ImportReport) -> Self {
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

    fn fill(&mut self, requests: u64, first: Option<u64>, last: Option<u64>, span: u64) {
        let seconds = |ns: u64| ns as f64 / SECOND as f64;
        self.requests = requests;
        self.first_s = first.map(seconds);
        self.last_s = last.map(seconds);
        self.span_s = Some(seconds(span));
        self.mean_rate_per_s = (span > 0).then(|| requests as f64 / seconds(span));
    }

    fn set_seconds(&mut self, bins: Finished) {
        (self.peak_second, self.peak_second_at_s, self.dispersion_1s) = (bins.peak, bins.peak_at_s, bins.dispersion);
    }

    fn set_minutes(&mut self, bins: Finished) {
        (self.peak_minute, self.peak_minute_at_s, self.dispersion_60s) = (bins.peak, bins.peak_at_s, bins.dispersion);
        self.idle_minutes_share = bins.idle_share;
    }
}
