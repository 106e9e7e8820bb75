//! The instances of one function that can take a request now, ordered by the routing rule. No operation gets slower with
//! the size of the pool.
//!
//! Sources of the rules that look at load: random of two, Mitzenmacher, The Power of Two Choices in Randomized Load
//! Balancing, IEEE TPDS 2001; most loaded first is how instances drain that a platform wants to scale in.

use serde::{Deserialize, Serialize};

use crate::rng::Stream;
use crate::sim::age::AgeRow;
use crate::sim::by_load::ByLoad;

/// Which of several free instances takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// The one created last.
    Newest,
    /// The one that got or finished a request last.
    MostRecentlyUsed,
    /// The one that got or finished a request longest ago.
    LeastRecentlyUsed,
    /// The one created first.
    Oldest,
    /// Any, with equal chance.
    Random,
    /// The next one in the order of creation after the one that was chosen last.
    RoundRobin,
    /// The one with the fewest requests in flight; among equals the one that got or finished a request longest ago.
    LeastOutstanding,
    /// Of two different ones, drawn with equal chance, the one with fewer requests in flight; the first drawn if equal.
    RandomOfTwo,
    /// The one with the most requests in flight; among equals the one that got or finished a request last.
    MostLoaded,
    /// The one that had the last request of the same session, if it still has a free slot; else by `least-outstanding`.
    Sticky,
}

impl Routing {
    /// The name as scenarios write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::MostRecentlyUsed => "most-recently-used",
            Self::LeastRecentlyUsed => "least-recently-used",
            Self::Oldest => "oldest",
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::LeastOutstanding => "least-outstanding",
            Self::RandomOfTwo => "random-of-two",
            Self::MostLoaded => "most-loaded",
            Self::Sticky => "sticky",
        }
    }
}

/// No neighbour, no instance.
pub(crate) const NONE: u32 = u32::MAX;

/// What the pool keeps in each instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Creation number within the function.
    pub(crate) ordinal: u64,
    /// The neighbour that was used before, or the position among all.
    pub(crate) before: u32,
    after: u32,
    /// Requests in flight when it was put into the pool or used last.
    pub(crate) load: u32,
    /// Whether the instance is in the pool.
    pub(crate) pooled: bool,
}

impl Link {
    /// The link of the `ordinal`-th instance, not in the pool.
    pub(crate) fn new(ordinal: u64) -> Self {
        Self {
            ordinal,
            before: NONE,
            after: NONE,
            load: 0,
            pooled: false,
        }
    }
}

/// Access to the links of the instances by slot.
pub(crate) trait Links {
    /// The link in slot `slot`.
    fn link(&mut self, slot: u32) -> &mut Link;
}

/// Instances in order of use, least recent first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Row {
    pub(crate) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Appends an instance that is in no row.
    #[inline]
    pub(crate) fn push(&mut self, slot: u32, links: &mut impl Links) {
        let link = links.link(slot);
        link.before = self.last;
        link.after = NONE;
        match self.last {
            NONE => self.first = slot,
            before => links.link(before).after = slot,
        }
        self.last = slot;
    }

    /// Takes out an instance that is in this row.
    #[inline]
    pub(crate) fn unlink(&mut self, slot: u32, links: &mut impl Links) {
        let Link { before, after, .. } = *links.link(slot);
        match before {
            NONE => self.first = after,
            before => links.link(before).after = after,
        }
        match after {
            NONE => self.last = before,
            after => links.link(after).before = before,
        }
    }
}

/// Instances that can take a request, by slot.
#[derive(Debug)]
pub(crate) enum Pool {
    /// In order of use.
    ByUse { row: Row, most_recent: bool },
    /// In order of creation; `before` holds each instance's place.
    ByAge { row: AgeRow, choice: ByAge },
    /// In order of load.
    ByLoad(Box<ByLoad>),
    /// An unordered set; `before` holds each member's position.
    Random {
        members: Vec<u32>,
        taken: u64,
        stream: Stream,
        of_two: bool,
    },
}

/// Which one of a row in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByAge {
    First,
    Last,
    Next,
}

impl Pool {
    pub(crate) fn new(routing: Routing, stream: Stream) -> Self {
        let by_age = |choice| Self::ByAge {
            row: AgeRow::default(),
            choice,
        };
        let by_use = |most_recent| Self::ByUse {
            row: Row::EMPTY,
            most_recent,
        };
        let random = |of_two| Self::Random {
            members: Vec::new(),
            taken: 0,
            stream,
            of_two,
        };
        let by_load = |most| Self::ByLoad(Box::new(ByLoad::new(most)));
        match routing {
            Routing::Newest => by_age(ByAge::Last),
            Routing::Oldest => by_age(ByAge::First),
            Routing::RoundRobin => by_age(ByAge::Next),
            Routing::MostRecentlyUsed => by_use(true),
            Routing::LeastRecentlyUsed => by_use(false),
            Routing::LeastOutstanding | Routing::Sticky => by_load(false),
            Routing::MostLoaded => by_load(true),
            Routing::Random => random(false),
            Routing::RandomOfTwo => random(true),
        }
    }

    /// Makes a new instance known, which is not in the pool yet.
    pub(crate) fn created(&mut self, slot: u32, links: &mut impl Links) {
        if let Self::ByAge { row, .. } = self {
            row.created(slot, links);
        }
    }

    /// Forgets an instance that is not in the pool.
    pub(crate) fn ended(&mut self, slot: u32, links: &mut impl Links) {
        if let Self::ByAge { row, .. } = self {
            row.ended(slot, links);
        }
    }

    /// Puts an instance that is not in the pool into it, as the one used last, with `load` requests in flight.
    #[inline]
    pub(crate) fn insert(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        let link = links.link(slot);
        debug_assert!(!link.pooled);
        link.pooled = true;
        link.load = load;
        match self {
            Self::ByUse { row, .. } => row.push(slot, links),
            Self::ByAge { row, .. } => row.free(link.before),
            Self::ByLoad(levels) => levels.insert(slot, load, links),
            Self::Random { members, .. } => {
                link.before = members.len() as u32;
                members.push(slot);
            }
        }
    }

    /// Makes an instance the one used last, with `load` requests in flight, whether it is in the pool already or not.
    #[inline]
    pub(crate) fn put(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        if links.link(slot).pooled {
            self.used(slot, load, links);
        } else {
            self.insert(slot, load, links);
        }
    }

    /// Makes the instance that [`Self::choose`] has named the one used last, with `load` requests in flight; it stays in the pool.
    #[inline]
    pub(crate) fn chosen(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        if let Self::Random { members, .. } = self {
            // Who is used last is the last member.
            let (place, last) = (links.link(slot).before, members.len() as u32 - 1);
            if place != last {
                let moved = members[last as usize];
                members.swap(place as usize, last as usize);
                links.link(moved).before = place;
                links.link(slot).before = last;
            }
        }
        self.used(slot, load, links);
    }

    /// Makes an instance that is in the pool the one used last, with `load` requests in flight.
    #[inline]
    fn used(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        match self {
            Self::ByUse { .. } | Self::ByLoad(_) => {
                self.remove(slot, links);
                self.insert(slot, load, links);
            }
            Self::ByAge { .. } | Self::Random { .. } => links.link(slot).load = load,
        }
    }

    /// The instance that the routing rule names.
    #[inline]
    pub(crate) fn choose(&mut self, links: &mut impl Links) -> Option<u32> {
        Some(match self {
            Self::ByUse { row, most_recent } => match if *most_recent { row.last } else { row.first } {
                NONE => return None,
                slot => slot,
            },
            Self::ByAge { row, choice } => match choice {
                ByAge::First => row.first()?,
                ByAge::Last => row.last()?,
                ByAge::Next => row.next()?,
            },
            Self::ByLoad(levels) => levels.find()?,
            Self::Random {
                members,
                taken,
                stream,
                of_two,
            } => {
                let mut draw = |n: usize| {
                    let rank = (u128::from(stream.bits(*taken)) * n as u128) >> 64;
                    *taken += 1;
                    rank as usize
                };
                let n = members.len();
                match n {
                    0 => return None,
                    1 if *of_two => members[0],
                    _ if *of_two => {
                        let first = draw(n);
                        let second = draw(n - 1);
                        let (first, second) = (members[first], members[second + usize::from(second >= first)]);
                        if links.link(second).load < links.link(first).load {
                            second
                        } else {
                            first
                        }
                    }
                    _ => members[draw(n)],
                }
            }
        })
    }

    /// Takes out this instance, which must be in the pool.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32, links: &mut impl Links) {
        let link = links.link(slot);
        debug_assert!(link.pooled);
        link.pooled = false;
        let before = link.before;
        match self {
            Self::ByUse { row, .. } => row.unlink(slot, links),
            Self::ByAge { row, .. } => row.occupy(before),
            Self::ByLoad(levels) => levels.remove(slot, links),
            Self::Random { members, .. } => {
                members.swap_remove(before as usize);
                if let Some(&moved) = members.get(before as usize) {
                    links.link(moved).before = before;
                }
            }
        }
    }

    /// An instance of the pool without a request: the one unused for longest where the pool knows it, else the oldest.
    pub(crate) fn idle(&mut self, links: &mut impl Links) -> Option<u32> {
        match self {
            Self::ByUse { row, .. } => {
                let mut slot = row.first;
                while slot != NONE && links.link(slot).load > 0 {
                    slot = links.link(slot).after;
                }
                Some(slot).filter(|&slot| slot != NONE)
            }
            Self::ByLoad(levels) => levels.idle(),
            Self::ByAge { row, .. } => row.all_free().find(|&slot| links.link(slot).load == 0),
            Self::Random { members, .. } => {
                let idle = members.iter().copied().filter(|&slot| links.link(slot).load == 0);
                let idle: Vec<u32> = idle.collect();
                idle.into_iter().min_by_key(|&slot| links.link(slot).ordinal)
            }
        }
    }

    /// Whether there is nothing to take.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::ByUse { row, .. } => row.is_empty(),
            Self::ByAge { row, .. } => row.is_empty(),
            Self::ByLoad(levels) => levels.is_empty(),
            Self::Random { members, .. } => members.is_empty(),
        }
    }
}
