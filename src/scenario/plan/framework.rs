//! From a name in `framework` to an instance of the simulator: inline profiles, and measured ones.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::assumption::Topic;
use crate::model::catalog;
use crate::model::profile::{self, FrameworkProfile};
use crate::scenario::file::inline::InlineProfile;
use crate::scenario::file::instance::InstanceSpec;
use crate::scenario::file::work::Work;
use crate::scenario::file::{Scenario, Service};
use crate::scenario::files::Files;
use crate::scenario::findings::{Findings, Found};
use crate::scenario::load::hex;
use crate::scenario::profile::reference::{Reference, Scaled};
use crate::scenario::profile::{Instance, Measured, architecture, instance};
use crate::sim::platform::Shape;
use crate::sim::setup::ColdModel;
use crate::suggest;
use crate::trace::Traffic;
use crate::units::SimDuration;

/// The instance of a framework or inline profile on a platform of this shape.
pub(super) fn framework(
    scenario: &Scenario,
    files: Files<'_>,
    service: &Service,
    shape: &Shape,
    reference: &Reference,
) -> Found<Option<Instance>> {
    let mut findings = Findings::default();
    let (name, work) = (service.framework.as_str(), service.work.as_ref());
    let instance = match scenario.profile.get(name) {
        Some(inline) => findings.take(from_inline(inline, service, scenario.instance, files, shape)),
        None => match read(scenario, files, name) {
            Ok((profile, sha256)) => {
                findings.read_profile(label(name), sha256);
                let like = findings.take(like(scenario, files, service, reference));
                if like.is_none() && work.is_some_and(|work| work.like().is_some()) {
                    return (None, findings);
                }
                let (profile, scaled) = reference.scale_to_reference(profile);
                let machine = scaled.as_ref().map(|scaled| scaled.machine().to_string());
                findings.measured_on(machine.unwrap_or_else(|| profile.machine()), &profile.name);
                findings.assume_all(scaled.as_ref().and_then(Scaled::assumption));
                let asked = Measured {
                    platform: scenario.platform.part(),
                    shape,
                    interpolate: scenario.interpolate,
                    inside: scenario.instance,
                    work,
                    like: like.as_ref(),
                    redraw: reference.redraw(),
                    files,
                };
                let there = findings.ok(architecture::on(profile, scenario.platform.part()));
                let there = there.map(|found| findings.take(found));
                let found = there.and_then(|profile| findings.ok(instance(&profile, &asked)));
                let instance = found.map(|found| findings.take(found));
                instance.map(|instance| Instance {
                    source: instance.source.clone() + &scaled.map_or_else(String::new, |scaled| scaled.source()),
                    ..instance
                })
            }
            Err(problem) => {
                findings.problem(problem);
                None
            }
        },
    };
    (instance, findings)
}

/// The profile of the framework that the work of a service is compared with, on the reference machine; `None` if it is compared with
/// none, or the profile cannot be read.
fn like(
    scenario: &Scenario,
    files: Files<'_>,
    service: &Service,
    reference: &Reference,
) -> Found<Option<FrameworkProfile>> {
    let mut findings = Findings::default();
    let Some(like) = service.work.as_ref().and_then(Work::like) else {
        return (None, findings);
    };
    if scenario.profile.contains_key(&like.like) {
        findings.problem(format!(
            "`work.cpu.like` is `{}`, an inline profile, in which no work was measured; name a measured framework",
            like.like
        ));
        return (None, findings);
    }
    let read = read(scenario, files, &like.like).map_err(|problem| format!("`work.cpu.like`: {problem}"));
    let profile = findings.ok(read).map(|(profile, sha256)| {
        findings.read_profile(label(&like.like), sha256);
        reference.scale_to_reference(profile).0
    });
    (profile, findings)
}

/// The instance of an inline profile.
fn from_inline(
    inline: &InlineProfile,
    service: &Service,
    inside: Option<InstanceSpec>,
    files: Files<'_>,
    shape: &Shape,
) -> Found<Option<Instance>> {
    let mut findings = Findings::default();
    let name = &service.framework;
    // Traffic that is missing is a problem of its own.
    let carries_durations = service.traffic.as_ref().is_none_or(Traffic::carries_durations);
    let (warm, cold) = match inline.resolve(carries_durations, |path| files.read(path)) {
        Ok(resolved) => resolved,
        Err(problems) => {
            findings.problems(problems.iter().map(|problem| format!("[profile.{name}]: {problem}")));
            return (None, findings);
        }
    };
    if service.work.is_some() {
        findings.assume(Topic::Work.note(format!(
            "[work] does not change `{name}`: the service time of an inline profile includes its work"
        )));
    }
    let inside = inside.filter(InstanceSpec::shares);
    if inside.is_some() && matches!(cold, ColdModel::Response(_)) {
        findings.problem(format!(
            "[profile.{name}]: [instance] needs `cold-start` in place of `cold-response`: requests that share \
             an instance cannot know the whole response time before"
        ));
        return (None, findings);
    }
    if inside.is_some() {
        findings.assume(Topic::Work.large(format!("with [instance] the service time of `{name}` is all CPU time")));
    }
    let instance = Instance {
        warm,
        code_warm_up: None,
        idle_cost: None,
        cold,
        most_in_flight: None,
        inside: inside.map(|inside| inside.inside(shape, SimDuration::ZERO)),
        memory: None,
        image: None,
        source: "inline".into(),
    };
    (Some(instance), findings)
}

/// The machine to which the times of all measured profiles of these frameworks are brought.
pub(super) fn reference<'a>(
    scenario: &Scenario,
    files: Files<'_>,
    frameworks: impl Iterator<Item = &'a str>,
) -> Reference {
    let names: BTreeSet<&str> = frameworks
        .filter(|name| !scenario.profile.contains_key(*name))
        .collect();
    // A profile that cannot be read is told where it is used.
    let texts = names.into_iter().filter_map(|name| text(scenario, files, name).ok());
    let texts: Vec<String> = texts.collect();
    Reference::of_texts(texts.iter().map(String::as_str), catalog::REFERENCE_PANEL)
}

/// The text of a profile.
fn text(scenario: &Scenario, files: Files<'_>, name: &str) -> Result<String, String> {
    match name.ends_with(".json") {
        true => files
            .read(name)
            .map_err(|problem| format!("{problem}; a relative path starts at the folder of the scenario")),
        false => from_catalog(scenario, name).map(str::to_string),
    }
}

/// A measured profile, and the SHA-256 of its text.
fn read(scenario: &Scenario, files: Files<'_>, name: &str) -> Result<(FrameworkProfile, String), String> {
    let text = text(scenario, files, name)?;
    let profile = profile::parse(&text).map_err(|problem| format!("profile of {name}: {problem}"))?;
    Ok((profile, hex(&Sha256::digest(text.as_bytes()))))
}

fn from_catalog(scenario: &Scenario, name: &str) -> Result<&'static str, String> {
    if let Some(text) = catalog::profile(name) {
        return Ok(text);
    }
    if catalog::is_not_measured(name) {
        return Err(format!(
            "`{name}` was not measured yet; measure it (`coldcast measure docker {name} --out measured`) and name \
             the file: framework `measured/{name}/profile.json`"
        ));
    }
    let inline = scenario.profile.keys().cloned();
    let known: Vec<String> = catalog::profile_names().map(str::to_string).chain(inline).collect();
    let hint = suggest::did_you_mean(name, known.iter().map(String::as_str));
    Err(format!(
        "there is no framework or profile `{name}`; known are {}{hint}",
        known.join(", "),
    ))
}

/// The name of a framework: that of the file, where a path is given, or that of its folder for `gin/profile.json`.
pub(super) fn label(framework: &str) -> String {
    let path = Path::new(framework);
    let folder = path.parent().and_then(Path::file_name);
    let name = match (path.extension(), path.file_stem()) {
        (Some(json), Some(stem)) if json == "json" => folder.filter(|_| stem == "profile").unwrap_or(stem),
        _ => return framework.to_string(),
    };
    name.to_string_lossy().into_owned()
}
