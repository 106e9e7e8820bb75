//! The resources that a run took, and its command line.

/// The command line, quoted for a shell.
pub(super) fn command_line() -> String {
    // Harmless in the middle of a word, and common in ours; shlex would quote them.
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,%+@".contains(c);
    let words = std::env::args_os().skip(1).map(|word| {
        let word = word.to_string_lossy();
        match shlex::try_quote(&word) {
            Ok(quoted) if word.is_empty() || !word.chars().all(plain) => quoted.into_owned(),
            _ => word.into_owned(),
        }
    });
    let words: Vec<String> = std::iter::once("coldcast".to_string()).chain(words).collect();
    words.join(" ")
}

/// CPU time of this process in seconds.
#[cfg(unix)]
pub(super) fn cpu_seconds() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    getrusage(UsageWho::RUSAGE_SELF).map_or(f64::NAN, |usage| {
        (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6
    })
}

/// CPU time of this process, which is not known here.
#[cfg(not(unix))]
pub(super) fn cpu_seconds() -> f64 {
    f64::NAN
}

/// Returns the highest resident memory of this process. The figure of `getrusage` will not do on Linux: a program inherits
/// there that of the process which started it.
#[cfg(target_os = "linux")]
pub(super) fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Returns the highest resident memory of this process.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn peak_resident_bytes() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
    // macOS counts bytes, others KiB.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(peak).ok().map(|peak| peak * unit)
}

/// Highest resident memory of this process, which is not known here.
#[cfg(not(unix))]
pub(super) fn peak_resident_bytes() -> Option<u64> {
    None
}
