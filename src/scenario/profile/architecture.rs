//! The instruction set: times that were measured on one do not tell those on another.

use crate::assumption::Topic;
use crate::model::panel::linked::{Factor, Scale};
use crate::model::profile::FrameworkProfile;
use crate::scenario::findings::{Findings, Found};
use crate::sim::platform::{Architecture, PlatformKind};

/// Returns the profile as it is on the instruction set of a platform: as measured there, or with all its times multiplied by the
/// factor of the scenario.
///
/// # Errors
/// A sentence that says what to do where neither is known.
pub(in crate::scenario) fn on(
    profile: FrameworkProfile,
    platform: &dyn PlatformKind,
) -> Result<Found<FrameworkProfile>, String> {
    let mut findings = Findings::default();
    if !profile.functions.is_empty() && profile.provenance.architecture.is_none() {
        findings.assume(Topic::Profile.note(format!(
            "{} runs on the instruction set of the scenario already: its logs do not say on which it ran",
            profile.name
        )));
        return Ok((profile, findings));
    }
    let asked = platform.architecture();
    let measured = measured_on(&profile);
    if asked == measured {
        return Ok((profile, findings));
    }
    let Some(value) = platform.architecture_time_factor() else {
        return Err(format!(
            "the profile of {} was measured on {}, which does not tell its times on {}: give a profile from there, or say by how much they \
             differ: `architecture-time-factor = 1.0` for the same times",
            profile.name,
            measured.name(),
            asked.name()
        ));
    };
    findings.assume(
        Topic::Profile
            .factor(format!(
                "all times of {} were measured on {} and are multiplied by {value} on {} (`architecture-time-factor`, a choice)",
                profile.name,
                measured.name(),
                asked.name()
            ))
            .figure(value, value, value),
    );
    let factor = Factor {
        value,
        interval: (value, value),
    };
    let scale = Scale {
        cold: factor,
        cpu_to_ready: factor,
        requests: factor,
        work: factor,
    };
    Ok((profile.scaled(&scale), findings))
}

/// The instruction set of the machine that measured. Profiles that do not say come from x86_64: no other machine was in use.
fn measured_on(profile: &FrameworkProfile) -> Architecture {
    match profile.provenance.architecture.as_deref() {
        Some("aarch64" | "arm64") => Architecture::Arm64,
        _ => Architecture::X86_64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile;
    use crate::sim::platform::lambda::LambdaSpec;

    fn lambda(text: &str) -> LambdaSpec {
        toml::from_str(&format!("memory = '1769Mi'\n{text}")).unwrap()
    }

    fn profile() -> FrameworkProfile {
        profile::parse(include_str!("../../../tests/data/synthetic-profile.json")).unwrap()
    }

    #[test]
    fn arm_needs_a_profile_from_there_or_a_factor() {
        let (same, findings) = on(profile(), &lambda("")).unwrap();
        assert!(same == profile() && findings == Findings::default());
        let arm = lambda("architecture = 'arm64'");
        let problem = on(profile(), &arm).map(|_| ()).unwrap_err();
        assert!(
            problem.contains("measured on x86_64") && problem.contains("architecture-time-factor"),
            "{problem}"
        );
        let mut there = profile();
        there.provenance.architecture = Some("aarch64".into());
        assert_eq!(on(there.clone(), &arm).unwrap().0, there);
        assert!(on(there, &lambda("")).is_err());
        let (scaled, findings) = on(
            profile(),
            &lambda("architecture = 'arm64'\narchitecture-time-factor = 0.9"),
        )
        .unwrap();
        let first = |profile: &FrameworkProfile| profile.runs[0].cold[0].total_ms;
        assert!((first(&scaled) / first(&profile()) - 0.9).abs() < 1e-9);
        assert_ne!(findings, Findings::default());
    }
}
