//! The warnings about a measurement. Each names the symptom, the likely cause and the next step. Warnings are shown once and kept
//! as notes in the profile; no sample is deleted because of them.

use std::fmt;

use crate::measure::host;
use crate::measure::noise;
use crate::model::profile::BlockReading;
use crate::stats::{order, outliers};

/// The load average per core above which other work was running before the first start.
const BUSY: f64 = 0.5;
/// The share of CPU time above which stolen time is a warning.
const STOLEN: f64 = 0.01;
/// The per cent of 10 seconds of waiting for memory or disks above which pressure is a warning.
const PRESSED: f64 = 10.0;
/// The available memory in MiB below which the kernel begins to reclaim pages.
const SCARCE_MIB: u64 = 1024;
/// The milliseconds below which starts are close to the interval of the probe.
const SHORT_MS: f64 = 5.0;

/// A circumstance that may have spoilt samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The number of blocks that began on a noisy machine, and of all blocks.
    NoisyBlocks(usize, usize),
    /// The load average before anything was built or started, and the number of cores.
    Loaded(f64, u32),
    /// The share of CPU time that was stolen.
    Stolen(f64),
    /// The largest number of containers of others before a block.
    OtherContainers(u64),
    /// The smallest available memory in MiB.
    ScarceMemory(u64),
    /// The resource that tasks waited for, and the highest per cent of time.
    Pressure(&'static str, f64),
    /// The number of times that the cores were slowed down for heat.
    Hot(u64),
    /// The governor of the cores' clock rate, if it is not `performance`.
    Governor(String),
    /// A configuration whose first start is an outlier.
    SlowFirstStart(String),
    /// A configuration, with the numbers of outliers and of all starts.
    Outliers(String, usize, usize),
    /// A configuration with very short starts, and their median in milliseconds.
    ShortStarts(String, f64),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoisyBlocks(noisy, of) => write!(
                f,
                "{noisy} of {of} blocks began on a noisy machine (a fixed computation or walk through memory took longer than the \
                 spread of the machine at rest allows, or other programs took time from it), probably because of other programs or \
                 other virtual machines on the host; up to a quarter of the blocks are repeated. Stop other programs (`top` shows \
                 them) and measure again; `coldcast measure noise` shows the state of the machine"
            ),
            Self::Loaded(load, cores) => write!(
                f,
                "the load average was {load} on {cores} cores before the measurement began, so other work was running. Find it with \
                 `top`, wait for its end and measure again"
            ),
            Self::Stolen(share) => write!(
                f,
                "the hypervisor took {:.1} % of the CPU time, so other virtual machines share these cores. Trust CPU times more \
                 than wall times, and use a dedicated machine for published figures",
                100.0 * share
            ),
            Self::OtherContainers(number) => write!(
                f,
                "{number} other containers were running and share the cores and the engine. Find them with `docker ps`, stop \
                 them and measure again"
            ),
            Self::ScarceMemory(mib) => write!(
                f,
                "only {mib} MiB of memory were left before a block, so the kernel may have dropped files of the images from \
                 memory. Find the cause with `free -m` and `top`, and measure again"
            ),
            Self::Pressure(resource, percent) => write!(
                f,
                "tasks waited for {resource} in up to {percent:.0} % of the ten seconds before a block, probably because other \
                 programs use it too. Look at `/proc/pressure`, and measure again on an idle machine"
            ),
            Self::Hot(times) => write!(
                f,
                "the cores were slowed down for heat {times} times, so later starts are slower than earlier ones. Let the \
                 machine cool, or measure with fewer samples at a time (`--resume` goes on)"
            ),
            Self::Governor(governor) => write!(
                f,
                "the clock rate of the cores follows the governor `{governor}`, so a start after a pause may be slow. Set it with \
                 `cpupower frequency-set -g performance` and measure again"
            ),
            Self::SlowFirstStart(label) => write!(
                f,
                "{label}: the first start was an outlier, probably because of a cold cache; it is kept. Look at the samples, \
                 and measure again if it matters"
            ),
            Self::Outliers(label, number, of) => write!(
                f,
                "{label}: {number} of {of} starts are outliers, probably because of other work on the machine; they are kept. If \
                 they matter, find other work with `top` and measure again"
            ),
            Self::ShortStarts(label, ms) => write!(
                f,
                "{label}: starts take {ms:.1} ms, of which the probe's interval of 1 ms is a large part. Compare the CPU time to \
                 ready instead"
            ),
        }
    }
}

/// The warnings about a session, from its blocks, the load average before it began, and the share of CPU time stolen.
pub fn of_session(blocks: &[BlockReading], load: Option<f64>, steal_share: Option<f64>) -> Vec<Warning> {
    let cores = host::cores();
    let mut warnings = Vec::new();
    let noisy = noise::noisy_blocks(blocks);
    if noisy > 0 {
        warnings.push(Warning::NoisyBlocks(noisy, blocks.len()));
    }
    warnings.extend(
        load.filter(|&load| load > BUSY * f64::from(cores))
            .map(|load| Warning::Loaded(load, cores)),
    );
    warnings.extend(steal_share.filter(|&share| share > STOLEN).map(Warning::Stolen));
    let most = |of: fn(&BlockReading) -> Option<f64>| blocks.iter().filter_map(of).fold(0.0, f64::max);
    let others = blocks.iter().filter_map(|block| block.other_containers).max();
    warnings.extend(others.filter(|&others| others > 0).map(Warning::OtherContainers));
    let least = blocks.iter().filter_map(|block| block.available_memory_mib).min();
    warnings.extend(least.filter(|&mib| mib < SCARCE_MIB).map(Warning::ScarceMemory));
    for (resource, percent) in [
        ("memory", most(|block| block.memory_pressure)),
        ("disks", most(|block| block.io_pressure)),
    ] {
        if percent > PRESSED {
            warnings.push(Warning::Pressure(resource, percent));
        }
    }
    let mut heat = blocks.iter().filter_map(|block| block.thermal_throttles);
    let first = heat.next();
    let more = first.map(|first| heat.max().unwrap_or(first).saturating_sub(first));
    warnings.extend(more.filter(|&times| times > 0).map(Warning::Hot));
    let governor = host::governor().filter(|governor| governor != "performance");
    warnings.extend(governor.map(Warning::Governor));
    warnings
}

/// The warnings about the cold starts of one configuration, from their total milliseconds in order.
pub fn of_starts(label: &str, totals: &[f64]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let odd = outliers::positions(totals);
    if odd.first() == Some(&0) {
        warnings.push(Warning::SlowFirstStart(label.into()));
    }
    let later = odd.iter().filter(|&&i| i > 0).count();
    if later > 0 {
        warnings.push(Warning::Outliers(label.into(), later, totals.len()));
    }
    let median = order::median(&order::sorted(totals.iter().copied()));
    if let Some(median) = median.filter(|&ms| ms < SHORT_MS) {
        warnings.push(Warning::ShortStarts(label.into(), median));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_session_has_nothing_to_say() {
        let block = |spin_ms: f64| BlockReading {
            spin_ms,
            noise: Some(spin_ms / 22.0),
            available_memory_mib: Some(8000),
            memory_pressure: Some(0.0),
            io_pressure: Some(2.0),
            thermal_throttles: Some(7),
            other_containers: Some(0),
            ..BlockReading::default()
        };
        let without_governor = |warnings: Vec<Warning>| -> Vec<Warning> {
            let kept = warnings.into_iter().filter(|one| !matches!(one, Warning::Governor(_)));
            kept.collect()
        };
        let quiet = vec![block(20.0); 10];
        assert_eq!(without_governor(of_session(&quiet, Some(0.1), Some(0.002))), []);
        let mut noisy = quiet.clone();
        noisy[4] = BlockReading {
            available_memory_mib: Some(300),
            io_pressure: Some(40.0),
            thermal_throttles: Some(9),
            other_containers: Some(2),
            ..block(30.0)
        };
        let cores = host::cores();
        let load = f64::from(cores);
        assert_eq!(
            without_governor(of_session(&noisy, Some(load), Some(0.05))),
            [
                Warning::NoisyBlocks(1, 10),
                Warning::Loaded(load, cores),
                Warning::Stolen(0.05),
                Warning::OtherContainers(2),
                Warning::ScarceMemory(300),
                Warning::Pressure("disks", 40.0),
                Warning::Hot(2),
            ]
        );
    }

    #[test]
    fn odd_starts_are_told_and_a_slow_first_one_apart() {
        let mut totals: Vec<f64> = (0..20).map(|i| 100.0 + f64::from(i % 5)).collect();
        assert_eq!(of_starts("gin", &totals), []);
        totals[0] = 300.0;
        totals[7] = 20.0;
        assert_eq!(
            of_starts("gin", &totals),
            [
                Warning::SlowFirstStart("gin".into()),
                Warning::Outliers("gin".into(), 1, 20)
            ]
        );
        let short = [3.0, 3.1, 2.9];
        assert_eq!(of_starts("gin", &short), [Warning::ShortStarts("gin".into(), 3.0)]);
        let text = of_starts("gin", &short)[0].to_string();
        assert!(text.contains("3.0 ms") && text.contains("Compare"), "{text}");
    }
}
