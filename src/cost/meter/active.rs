//! When instances are active: from the facts about what each of them does to intervals of time.

use std::collections::BTreeMap;

use crate::sim::fact::Activity;
use crate::units::SimTime;

/// An instance: service, function, and its number within the function.
pub(super) type Key = (u16, u32, u64);

/// A time in which an instance was active without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// The instance.
    pub(super) key: Key,
    /// When it began.
    pub(super) since: SimTime,
    /// When it ended, or up to when it is looked at.
    pub(super) until: SimTime,
    /// When the instance was created.
    pub(super) created: SimTime,
    /// When the instance came up, if it has.
    pub(super) up: Option<SimTime>,
    /// Whether it is over: the instance is not active any more.
    pub(super) over: bool,
}

/// An instance that exists.
#[derive(Debug, Clone, Copy)]
struct Known {
    created: SimTime,
    up: Option<SimTime>,
    /// Since when it has been active.
    active: Option<SimTime>,
    /// When it was active last, from and until: it goes on if it becomes active again at that very instant, such as when a request
    /// that waited follows one that ended.
    last: Option<(SimTime, SimTime)>,
}

/// Follows instances from creation to end.
#[derive(Debug)]
pub(super) struct Instances {
    /// Whether an instance on its way up is active.
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

    /// Takes note of what an instance does from now on: whether it was active before, whether it is now, and the interval
    /// before that, if it is known to be over.
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

    /// Forgets an instance: its last interval, if there is one that has not been handed out, and whether it was active.
    pub(super) fn ended(&mut self, key: Key, at: SimTime) -> Option<(Interval, bool)> {
        let instance = self.known.remove(&key)?;
        let active = instance.active.map(|since| (since, at));
        let (since, until) = active.or(instance.last)?;
        Some((instance.interval(key, since, until, true), active.is_some()))
    }

    /// Intervals that have not been handed out, as far as they have come at `at`.
    pub(super) fn open(&self, at: SimTime) -> impl Iterator<Item = Interval> {
        self.known.iter().filter_map(move |(&key, instance)| {
            let active = instance.active.map(|since| (since, at));
            let (since, until) = active.or(instance.last)?;
            Some(instance.interval(key, since, until, instance.active.is_none()))
        })
    }

    /// All instances that exist, with the time of their creation.
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
    /// Its part after `warm_up`; `None` if there is none.
    pub(super) fn after(&self, warm_up: SimTime) -> Option<Self> {
        let since = self.since.max(warm_up);
        (self.until > since || (self.until == since && self.since == since)).then_some(Self { since, ..*self })
    }
}
