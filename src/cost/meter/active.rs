//! The intervals in which instances are active, from the facts about each of them.

use std::collections::BTreeMap;

use crate::sim::fact::Activity;
use crate::units::SimTime;

/// An instance: service, function, and its number within the function.
pub(super) type Key = (u16, u32, u64);

/// A time in which an instance was active without interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// The instance.
    pub(super) key: Key,
    /// The beginning.
    pub(super) since: SimTime,
    /// The end, or the time of the look if it is not over.
    pub(super) until: SimTime,
    /// The creation of the instance.
    pub(super) created: SimTime,
    /// The time at which the instance was up; `None` if it is still starting.
    pub(super) up: Option<SimTime>,
    /// True if the instance is no longer active.
    pub(super) over: bool,
}

/// An instance that exists.
#[derive(Debug, Clone, Copy)]
struct Known {
    created: SimTime,
    up: Option<SimTime>,
    /// The beginning of the current activity; `None` if it is not active.
    active: Option<SimTime>,
    /// The last interval of activity. It continues if the instance becomes active again at the same instant, for example because
    /// a waiting request follows one that ended.
    last: Option<(SimTime, SimTime)>,
}

/// Follows instances from creation to end.
#[derive(Debug)]
pub(super) struct Instances {
    /// True if a starting instance counts as active.
    starting_counts: bool,
    known: BTreeMap<Key, Known>,
}

impl Instances {
    pub(super) fn new(starting_counts: bool) -> Self {
        Self {
            starting_counts,
            known: BTreeMap::new(),
        }
    }

    /// Records the activity of an instance from now on. Returns whether it was active before, whether it is active now, and its
    /// previous interval if that is now known to be over.
    pub(super) fn note(&mut self, activity: &Activity) -> (bool, bool, Option<Interval>) {
        let key = (activity.service, activity.function, activity.instance);
        let at = activity.at;
        let instance = self.known.entry(key).or_insert(Known {
            created: at,
            up: None,
            active: None,
            last: None,
        });
        if !activity.starting {
            instance.up.get_or_insert(at);
        }
        let active = if activity.starting {
            self.starting_counts
        } else {
            activity.requests > 0
        };
        let before = instance.active;
        let mut over = None;
        match (before, active) {
            (None, true) => {
                let last = instance.last.take();
                let goes_on = last.filter(|(_, until)| *until == at);
                instance.active = Some(goes_on.map_or(at, |(since, _)| since));
                over = last.filter(|_| goes_on.is_none());
            }
            (Some(since), false) => {
                instance.last = Some((since, at));
                instance.active = None;
            }
            _ => {}
        }
        let over = over.map(|(since, until)| instance.interval(key, since, until, true));
        (before.is_some(), active, over)
    }

    /// Removes an instance. Returns its last interval if that was not returned before, and whether the instance was active.
    pub(super) fn ended(&mut self, key: Key, at: SimTime) -> Option<(Interval, bool)> {
        let instance = self.known.remove(&key)?;
        let active = instance.active.map(|since| (since, at));
        let (since, until) = active.or(instance.last)?;
        Some((instance.interval(key, since, until, true), active.is_some()))
    }

    /// The intervals that were not returned yet, up to `at`.
    pub(super) fn open(&self, at: SimTime) -> impl Iterator<Item = Interval> {
        self.known.iter().filter_map(move |(&key, instance)| {
            let active = instance.active.map(|since| (since, at));
            let (since, until) = active.or(instance.last)?;
            Some(instance.interval(key, since, until, instance.active.is_none()))
        })
    }

    /// All existing instances, each with the time of its creation.
    pub(super) fn all(&self) -> impl Iterator<Item = (Key, SimTime)> {
        self.known.iter().map(|(&key, instance)| (key, instance.created))
    }
}

impl Known {
    fn interval(&self, key: Key, since: SimTime, until: SimTime, over: bool) -> Interval {
        Interval {
            key,
            since,
            until,
            created: self.created,
            up: self.up,
            over,
        }
    }
}

impl Interval {
    /// The part after `warm_up`; `None` if there is none.
    pub(super) fn after(&self, warm_up: SimTime) -> Option<Self> {
        let since = self.since.max(warm_up);
        (self.until > since || (self.until == since && self.since == since)).then_some(Self { since, ..*self })
    }
}
