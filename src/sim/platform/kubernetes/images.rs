//! The images on a node: they are pulled one after the other or together, stay, and are deleted when the disk is nearly
//! full and no pod uses them.
//!
//! Source: kubernetes/kubernetes, pkg/kubelet/images/image_gc_manager.go: every five minutes the kubelet looks at the disk
//! for images. Above the high threshold it deletes the images that are unused for longest, unless they are younger than the
//! least age, until the use is down to the low threshold.

use std::collections::{BTreeMap, BTreeSet};

use super::Kubernetes;
use super::nodes::NodeState;
use super::plan::{Image, ImageDisk};
use crate::units::{SimDuration, SimTime};

/// Time between two looks at the disks.
pub(super) const PERIOD: SimDuration = SimDuration::from_secs(300);

/// An image on a node, or one that is being pulled.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// When it is pulled.
    there: SimTime,
    /// Bytes on the disk.
    bytes: u64,
    /// When it was last seen in use.
    used: SimTime,
}

/// The images on a node.
#[derive(Debug, Default)]
pub(super) struct Images {
    held: BTreeMap<u32, Held>,
    /// When the last pull ends.
    pulled: SimTime,
}

impl Images {
    /// Returns the wait for an image that takes `whole` to pull, and true if it was not on the node.
    pub(super) fn pull(&mut self, image: Image, whole: SimDuration, serial: bool, now: SimTime) -> (SimDuration, bool) {
        if let Some(held) = self.held.get_mut(&image.number) {
            held.used = held.used.max(now);
            return (held.there.max(now).since(now), false);
        }
        let from = if serial { self.pulled.max(now) } else { now };
        let there = from + whole;
        self.pulled = there;
        let held = Held {
            there,
            bytes: image.unpacked,
            used: now,
        };
        self.held.insert(image.number, held);
        (there.since(now), true)
    }

    /// Puts an image on the node from the start. Returns true if it was not there.
    pub(super) fn preload(&mut self, image: Image) -> bool {
        let held = Held {
            there: SimTime::ZERO,
            bytes: image.unpacked,
            used: SimTime::ZERO,
        };
        self.held.insert(image.number, held).is_none()
    }

    /// Returns the images that the kubelet deletes at one look at the disk.
    pub(super) fn collect(&mut self, in_use: &BTreeSet<u32>, disk: ImageDisk, now: SimTime) -> Vec<u32> {
        for number in in_use {
            if let Some(held) = self.held.get_mut(number) {
                held.used = now;
            }
        }
        let mut used: u128 = self.held.values().map(|held| u128::from(held.bytes)).sum();
        let whole = u128::from(disk.bytes.max(1));
        if used * 100 / whole < u128::from(disk.high_percent) {
            return Vec::new();
        }
        let wanted = whole * u128::from(disk.low_percent) / 100;
        let old = |held: &Held| held.there + disk.least_age <= now;
        let mut idle: Vec<(SimTime, SimTime, u32)> = self
            .held
            .iter()
            .filter(|(number, held)| !in_use.contains(number) && old(held))
            .map(|(number, held)| (held.used, held.there, *number))
            .collect();
        idle.sort_unstable();
        let mut gone = Vec::new();
        for (.., number) in idle {
            if used <= wanted {
                break;
            }
            if let Some(held) = self.held.remove(&number) {
                used -= u128::from(held.bytes);
                gone.push(number);
            }
        }
        gone
    }
}

/// Runs one look of all kubelets at their disks.
pub(super) fn collect(platform: &mut Kubernetes, now: SimTime) {
    let Some(disk) = platform.plan.cluster.pulls.disk else {
        return;
    };
    let there = [NodeState::Ready, NodeState::Draining];
    let nodes: Vec<u32> = there.iter().flat_map(|state| platform.nodes.in_state(*state)).collect();
    for node in nodes {
        let pods = platform.nodes.pods(node).into_iter();
        let in_use = pods.filter_map(|number| {
            let service = platform.pods.get(number)?.id.service;
            let revision = platform.pods.revision(number);
            Some(platform.workloads[service as usize].image(revision)?.number)
        });
        let in_use: BTreeSet<u32> = in_use.collect();
        platform.nodes.collect(node, &in_use, disk, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn image(number: u32, gb: u64) -> Image {
        Image {
            number,
            compressed: gb * GB,
            unpacked: gb * GB,
        }
    }

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    const DISK: ImageDisk = ImageDisk {
        bytes: 100 * GB,
        high_percent: 85,
        low_percent: 80,
        least_age: SimDuration::from_secs(120),
    };

    /// Images of 30, 30 and 24 GB are 84%: nothing goes. With one more of 2 GB they are 86%, and the one that has not been in
    /// use for longest goes, which makes 56%; the youngest would not have gone.
    #[test]
    fn what_has_not_been_used_for_longest_goes_first() {
        let mut images = Images::default();
        let second = SimDuration::from_secs(1);
        for (number, gb) in [(1, 30), (2, 30), (3, 24)] {
            assert_eq!(images.pull(image(number, gb), second, false, at(0)), (second, true));
        }
        let all = BTreeSet::from([1, 2, 3]);
        assert!(images.collect(&all, DISK, at(300)).is_empty());
        assert!(images.collect(&BTreeSet::from([1, 3]), DISK, at(600)).is_empty());
        images.pull(image(4, 2), second, false, at(850));
        assert_eq!(images.collect(&BTreeSet::new(), DISK, at(900)), [2]);
        // A pod that needs the image again waits for it again.
        assert_eq!(images.pull(image(2, 30), second, false, at(1_000)), (second, true));
        assert_eq!(
            images.pull(image(3, 24), second, false, at(1_000)),
            (SimDuration::ZERO, false)
        );
    }

    #[test]
    fn what_is_in_use_or_young_stays_however_full_the_disk_is() {
        let mut images = Images::default();
        for number in 0..4 {
            images.pull(image(number, 30), SimDuration::ZERO, false, at(0));
        }
        assert!(images.collect(&BTreeSet::new(), DISK, at(119)).is_empty());
        // 120 GB: two of the idle images must go.
        assert_eq!(images.collect(&BTreeSet::from([0]), DISK, at(300)), [1, 2]);
        assert!(images.collect(&BTreeSet::from([0, 3]), DISK, at(600)).is_empty());
    }

    #[test]
    fn pulls_wait_for_each_other_where_they_are_serial() {
        let mut images = Images::default();
        let ten = SimDuration::from_secs(10);
        assert_eq!(images.pull(image(1, 1), ten, true, at(0)).0, ten);
        assert_eq!(images.pull(image(2, 1), ten, true, at(4)).0, SimDuration::from_secs(16));
        // Another pod that needs the first waits for the same pull.
        assert_eq!(
            images.pull(image(1, 1), ten, true, at(4)),
            (SimDuration::from_secs(6), false)
        );
    }
}
