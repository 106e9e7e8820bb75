//! The reference machine of a scenario: the machine to which the times of all its profiles are brought.
//!
//! Profiles that carry a panel are linked. Where all measured profiles of a scenario do, their times are scaled to one machine:
//! that of the shipped reference panel, or without one that of the panel which most of them carry. Where one does not, nothing
//! is scaled, for half a comparison on another machine would be worse than none.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::assumption::{Assumption, Topic};
use crate::model::panel::linked::{Factor, Scale};
use crate::model::panel::{self, PanelLink};
use crate::model::profile::{FrameworkProfile, Redraw};

/// The half width of a factor's interval from which it can move an answer by more than 10%.
const WIDE: f64 = 0.10;

/// The reference machine, with the way to it from the machine of each panel.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    machine: String,
    /// By the id of the panel; empty if nothing is scaled.
    scales: BTreeMap<String, Scale>,
    /// The draw of measurements in place of the measured ones; `None`: as measured.
    redraw: Option<Redraw>,
}

/// The part of a profile that says which panel it carries.
#[derive(Deserialize)]
struct Carries {
    #[serde(default)]
    panel: Option<PanelLink>,
}

impl Reference {
    /// The reference of profiles, from their texts. A text that is no profile is a problem that is told elsewhere, and counts as one
    /// without a panel.
    pub fn of_texts<'a>(texts: impl Iterator<Item = &'a str>, shipped: Option<&str>) -> Self {
        let carries = |text: &str| match text.contains("\"panel\"") {
            true => serde_json::from_str::<Carries>(text).ok()?.panel,
            false => None,
        };
        let carried = texts.map(carries);
        let carried: Option<Vec<PanelLink>> = carried.collect();
        let shipped = shipped
            .and_then(|text| panel::parse(text).ok())
            .map(|panel| panel.link());
        carried.map_or_else(Self::default, |carried| Self::of_panels(&carried, shipped))
    }

    fn of_panels(carried: &[PanelLink], shipped: Option<PanelLink>) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for link in carried {
            *counts.entry(&link.id).or_default() += 1;
        }
        let most = counts.values().max().copied();
        let usual = || {
            let (id, _) = counts.iter().find(|(_, count)| Some(**count) == most)?;
            carried.iter().find(|link| link.id == **id).cloned()
        };
        let Some(reference) = shipped.or_else(usual).filter(PanelLink::is_plausible) else {
            return Self::default();
        };
        let scales = carried.iter().map(|link| {
            let scale = link
                .is_plausible()
                .then(|| Scale::between(link, &reference))
                .flatten()?;
            Some((link.id.clone(), scale))
        });
        // A panel that has nothing in common with the reference links nothing.
        let scales: Option<BTreeMap<String, Scale>> = scales.collect();
        Self {
            machine: reference.machine.to_string(),
            scales: scales.unwrap_or_default(),
            redraw: None,
        }
    }

    /// The same reference for measurements that are drawn anew.
    #[must_use]
    pub fn with(self, redraw: Option<Redraw>) -> Self {
        Self { redraw, ..self }
    }

    /// The draw of measurements; `None`: as measured.
    pub fn redraw(&self) -> Option<Redraw> {
        self.redraw
    }

    /// Brings a profile to the reference machine. Returns it with how that was done; `None` if profiles are not linked.
    pub fn scale_to_reference(&self, profile: FrameworkProfile) -> (FrameworkProfile, Option<Scaled>) {
        let profile = match self.redraw {
            Some(redraw) => profile.redrawn(redraw),
            None => profile,
        };
        let found = profile.panel.as_ref().and_then(|link| {
            let scale = self.scales.get(&link.id)?;
            let scale = match self.redraw {
                Some(redraw) => scale.drawn(redraw.stream(&format!("panel {}", link.id))),
                None => *scale,
            };
            Some((scale, link.machine.to_string(), link.day().to_string()))
        });
        let Some((scale, measured_on, day)) = found else {
            return (profile, None);
        };
        let scaled = Scaled {
            scale,
            measured_on,
            day,
            machine: self.machine.clone(),
        };
        (profile.scaled(&scale), Some(scaled))
    }
}

/// The way in which a profile was brought to the reference machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaled {
    scale: Scale,
    measured_on: String,
    day: String,
    machine: String,
}

impl Scaled {
    /// The reference machine.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// Returns true if the profile was measured in the stretch of the reference itself.
    pub fn is_reference(&self) -> bool {
        self.scale.cold == Factor::ONE && self.scale.requests == Factor::ONE
    }

    /// Returns the factors in a few words for the source of a profile; empty for the reference itself.
    pub fn source(&self) -> String {
        match self.is_reference() {
            true => String::new(),
            false => format!(
                ", cold starts x {}, requests x {}",
                self.scale.cold, self.scale.requests
            ),
        }
    }

    /// Returns the assumption about profiles of this machine; `None` for the reference itself.
    pub fn assumption(&self) -> Option<Assumption> {
        if self.is_reference() {
            return None;
        }
        let Scale {
            cold, requests, work, ..
        } = self.scale;
        let text = format!(
            "times measured on {} (panel of {}) are brought to the reference machine {} by factors from the panels of both [95% \
             intervals]: cold starts x {cold}, requests x {requests}, work of handlers x {work}",
            self.measured_on, self.day, self.machine
        );
        let width = |factor: Factor| (factor.interval.1 / factor.interval.0).sqrt() - 1.0;
        let widest = [cold, requests, work].into_iter().map(width).fold(0.0, f64::max);
        let assumption = match widest > WIDE {
            true => Topic::Profile.large(text),
            false => Topic::Profile.small(text),
        };
        Some(assumption.figure(cold.value, cold.interval.0, cold.interval.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assumption::Weight;
    use crate::model::catalog;
    use crate::model::panel::tests::panel;
    use crate::model::profile;

    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    /// The profile of gin on a machine that takes `factor` times as long.
    fn on_machine(seed: u64, digest: &str, factor: f64) -> FrameworkProfile {
        let mut profile = profile::parse(catalog::profile("gin").unwrap()).unwrap();
        profile.panel = Some(panel(seed, digest, &NAMES, factor, 0.02).link());
        profile
    }

    fn text(profile: &FrameworkProfile) -> String {
        serde_json::to_string(profile).unwrap()
    }

    #[test]
    fn profiles_of_two_machines_are_brought_to_the_one_that_most_have() {
        let (usual, slow) = (on_machine(1, "aa", 1.0), on_machine(2, "bb", 2.0));
        let texts = [text(&usual), text(&usual), text(&slow)];
        let reference = Reference::of_texts(texts.iter().map(String::as_str), None);
        let (same, how) = reference.scale_to_reference(usual.clone());
        assert_eq!(same, usual);
        let how = how.unwrap();
        assert!(how.is_reference() && how.assumption().is_none() && how.source().is_empty());
        let (scaled, how) = reference.scale_to_reference(slow.clone());
        let ratio = scaled.runs[0].cold[0].total_ms / slow.runs[0].cold[0].total_ms;
        assert!((ratio - 0.5).abs() < 0.02, "{ratio}");
        let how = how.unwrap();
        let assumption = how.assumption().unwrap();
        assert!(assumption.text.contains("(bb) (panel of 2026-11-30)"), "{assumption}");
        assert!(assumption.text.contains("(aa) by factors"), "{assumption}");
        let figure = assumption.figure.unwrap();
        assert!(
            figure.low < ratio && ratio < figure.high && assumption.weight == Weight::Small,
            "{assumption:?}"
        );
        assert!(how.source().starts_with(", cold starts x 0."), "{}", how.source());
    }

    #[test]
    fn a_shipped_reference_comes_first() {
        let shipped = serde_json::to_string(&panel(9, "cc", &NAMES, 0.5, 0.02)).unwrap();
        let profile = on_machine(1, "aa", 1.0);
        let reference = Reference::of_texts([text(&profile).as_str()].into_iter(), Some(&shipped));
        let (_, how) = reference.scale_to_reference(profile);
        let how = how.unwrap();
        assert!(!how.is_reference() && how.machine().contains("(cc)"));
    }

    #[test]
    fn one_profile_without_a_panel_leaves_all_as_they_are() {
        let (usual, slow) = (on_machine(1, "aa", 1.0), on_machine(2, "bb", 2.0));
        let without = FrameworkProfile {
            panel: None,
            ..usual.clone()
        };
        let texts = [text(&usual), text(&slow), text(&without)];
        let reference = Reference::of_texts(texts.iter().map(String::as_str), None);
        assert_eq!(reference.scale_to_reference(slow.clone()), (slow.clone(), None));
        // So do panels without a framework in common.
        let mut stranger = slow.clone();
        stranger.panel = Some(panel(3, "dd", &["x"], 1.0, 0.02).link());
        let texts = [text(&usual), text(&stranger)];
        let reference = Reference::of_texts(texts.iter().map(String::as_str), None);
        assert_eq!(reference.scale_to_reference(usual.clone()), (usual, None));
    }
}
