//! Statistics of counts per bin and of times between arrivals, in one pass over a trace and in constant memory.

/// One second in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;
/// One minute in nanoseconds.
pub const MINUTE: u64 = 60 * SECOND;

/// Counts per bin of `length` nanoseconds. `add` must be called in time order.
pub struct Bins {
    length: u64,
    current: u64,
    count: u64,
    pub sum: u64,
    sum_of_squares: u128,
    first: Option<u64>,
    busy: u64,
    peak: (u64, u64),
}

/// The statistics of counts per bin. `None` without requests.
pub struct Finished {
    /// The largest count of a bin.
    pub peak: Option<u64>,
    /// The start of that bin in seconds.
    pub peak_at_s: Option<f64>,
    /// The variance of the counts divided by their mean.
    pub dispersion: Option<f64>,
    /// The share of bins without requests.
    pub idle_share: Option<f64>,
}

impl Bins {
    pub fn new(length: u64) -> Self {
        Self {
            length,
            current: 0,
            count: 0,
            sum: 0,
            sum_of_squares: 0,
            first: None,
            busy: 0,
            peak: (0, 0),
        }
    }

    #[inline]
    pub fn add(&mut self, at: u64, count: u64) {
        let bin = at / self.length;
        if bin != self.current {
            self.close();
            self.current = bin;
        }
        self.first.get_or_insert(bin);
        self.count += count;
        self.sum += count;
    }

    fn close(&mut self) {
        if self.count > 0 {
            self.busy += 1;
            self.sum_of_squares += u128::from(self.count) * u128::from(self.count);
            if self.count > self.peak.0 {
                self.peak = (self.count, self.current);
            }
        }
        self.count = 0;
    }

    pub fn finish(mut self) -> Finished {
        self.close();
        let bins = self.first.map_or(0, |first| self.current - first + 1) as f64;
        let mean = self.sum as f64 / bins;
        let variance = self.sum_of_squares as f64 / bins - mean * mean;
        let some = self.sum > 0;
        Finished {
            peak: some.then_some(self.peak.0),
            peak_at_s: some.then_some(self.peak.1 as f64 * self.length as f64 / SECOND as f64),
            dispersion: (some && bins > 1.0).then_some(variance / mean),
            idle_share: self.first.map(|_| 1.0 - self.busy as f64 / bins),
        }
    }
}

/// Times between arrivals, by the recurrence of Welford (Note on a method for calculating corrected sums of squares and
/// products, Technometrics 4, 1962).
pub struct Gaps {
    pub first: Option<u64>,
    pub last: u64,
    n: f64,
    mean: f64,
    squares: f64,
    /// True if all arrivals are at whole seconds.
    pub whole_seconds: bool,
    /// True if all arrivals are at whole minutes.
    pub whole_minutes: bool,
}

impl Default for Gaps {
    fn default() -> Self {
        Self {
            first: None,
            last: 0,
            n: 0.0,
            mean: 0.0,
            squares: 0.0,
            whole_seconds: true,
            whole_minutes: true,
        }
    }
}

impl Gaps {
    #[inline]
    pub fn add(&mut self, at: u64) {
        if self.first.is_none() {
            self.first = Some(at);
        } else {
            let gap = (at - self.last) as f64;
            self.n += 1.0;
            let from_mean = gap - self.mean;
            self.mean += from_mean / self.n;
            self.squares += from_mean * (gap - self.mean);
        }
        self.last = at;
        self.whole_seconds = self.whole_seconds && at.is_multiple_of(SECOND);
        self.whole_minutes = self.whole_minutes && at.is_multiple_of(MINUTE);
    }

    /// Returns the standard deviation of the times divided by their mean; `None` with fewer than two times.
    pub fn cv(&self) -> Option<f64> {
        (self.n > 1.0 && self.mean > 0.0).then(|| (self.squares / (self.n - 1.0)).sqrt() / self.mean)
    }
}
