//! The origin of a result: hashes of all inputs, and the resources of the run.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::assumption::Assumption;
use crate::cli::exit::Failure;
use crate::report::manifest::{Manifest, Run};
use crate::scenario::Plan;
use crate::scenario::load::hex;
use crate::study::Study;
use crate::trace::{ImportReport, embedded};

/// All but what the run took.
pub(super) fn manifest(plans: &[Plan], study: &Study) -> Result<Manifest, Failure> {
    let first = &plans[0].variants[0];
    let mut traces = BTreeMap::new();
    let variants = || plans.iter().flat_map(|plan| &plan.variants);
    for (variant, service) in variants().flat_map(|v| v.services.iter().map(move |s| (v, s))) {
        let Some(path) = service.traffic.path() else {
            continue;
        };
        let embedded = embedded::find(path).map_err(Failure::input)?;
        let file = variant.base.join(path);
        let name = if embedded.is_some() {
            path.to_string()
        } else {
            file.display().to_string()
        };
        if let Entry::Vacant(vacant) = traces.entry(name) {
            vacant.insert(match embedded {
                Some(embedded) => hex(&Sha256::digest(embedded.bytes)),
                None => hash_path(&file).map_err(Failure::environment)?,
            });
        }
    }
    let assumptions: BTreeSet<&Assumption> = plans.iter().flat_map(|plan| &plan.assumptions).collect();
    Ok(Manifest {
        schema: 1,
        version: env!("CARGO_PKG_VERSION").into(),
        seed: first.seed,
        replications: study.variants[0].all().replications,
        scenarios: plans
            .iter()
            .map(|p| (p.variants[0].scenario.clone(), p.scenario_sha256.clone()))
            .collect(),
        profiles: plans.iter().flat_map(|plan| plan.profile_sha256.clone()).collect(),
        prices: variants()
            .filter_map(|v| v.pricing.as_ref())
            .map(|p| (p.list.id.clone(), p.list.sha256.clone()))
            .collect(),
        traces,
        imports: imports(study),
        assumptions: assumptions.into_iter().map(Assumption::to_string).collect(),
        simulated_requests: study.simulated(),
        run: Run::default(),
    })
}

/// The reports of the import of each trace, with notes on generated traffic, by scenario and service.
fn imports(study: &Study) -> BTreeMap<String, ImportReport> {
    let mut imports = BTreeMap::new();
    for variant in &study.variants {
        let scenario = variant.scenario();
        let told = |import: &ImportReport| import.lines > 0 || !import.notes.is_empty();
        for (service, import) in variant.imports.iter().filter(|(_, import)| told(import)) {
            let name = if service == scenario {
                service.clone()
            } else {
                format!("{scenario}/{service}")
            };
            imports.insert(name, import.clone());
        }
    }
    imports
}

/// SHA-256 of a file, or of all files of a folder in order of their names.
fn hash_path(path: &Path) -> io::Result<String> {
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        files = std::fs::read_dir(path)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<io::Result<_>>()?;
        files.retain(|file| file.is_file());
        files.sort();
    }
    let mut hash = Sha256::new();
    for file in files {
        let mut file = File::open(file)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match io::Read::read(&mut file, &mut buffer)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
    }
    Ok(hex(&hash.finalize()))
}

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
