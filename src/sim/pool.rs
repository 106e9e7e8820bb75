//! The instances of one function that can take a request now, ordered by the routing rule. No operation gets slower with
//! the size of the pool.

use serde::{Deserialize, Serialize};

use crate::rng::Stream;
use crate::sim::age::AgeRow;

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
            pooled: false,
        }
    }
}

/// Access to the links of the instances by slot.
pub(crate) trait Links {
    /// The link in slot `slot`.
    fn link(&mut self, slot: u32) -> &mut Link;
}

/// Instances that can take a request, by slot.
#[derive(Debug)]
pub(crate) enum Pool {
    /// A list in order of use, least recent first.
    ByUse { first: u32, last: u32, most_recent: bool },
    /// In order of creation; `before` holds each instance's place.
    ByAge { row: AgeRow, newest: bool },
    /// An unordered set; `before` holds each member's position.
    Random {
        members: Vec<u32>,
        taken: u64,
        stream: Stream,
    },
}

impl Pool {
    pub(crate) fn new(routing: Routing, stream: Stream) -> Self {
        let by_age = |newest| Self::ByAge {
            row: AgeRow::default(),
            newest,
        };
        let by_use = |most_recent| Self::ByUse {
            first: NONE,
            last: NONE,
            most_recent,
        };
        match routing {
            Routing::Newest => by_age(true),
            Routing::Oldest => by_age(false),
            Routing::MostRecentlyUsed => by_use(true),
            Routing::LeastRecentlyUsed => by_use(false),
            Routing::Random => Self::Random {
                members: Vec::new(),
                taken: 0,
                stream,
            },
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

    /// Puts an instance that is not in the pool into it, as the one used last.
    #[inline]
    pub(crate) fn insert(&mut self, slot: u32, links: &mut impl Links) {
        let link = links.link(slot);
        debug_assert!(!link.pooled);
        link.pooled = true;
        match self {
            Self::ByUse { first, last, .. } => {
                link.before = *last;
                link.after = NONE;
                match *last {
                    NONE => *first = slot,
                    before => links.link(before).after = slot,
                }
                *last = slot;
            }
            Self::ByAge { row, .. } => row.free(link.before),
            Self::Random { members, .. } => {
                link.before = members.len() as u32;
                members.push(slot);
            }
        }
    }

    /// Makes an instance that is in the pool the one used last.
    #[inline]
    pub(crate) fn used(&mut self, slot: u32, links: &mut impl Links) {
        if let Self::ByUse { .. } = self {
            self.remove(slot, links);
            self.insert(slot, links);
        }
    }

    /// Takes out the instance that the routing rule names.
    #[inline]
    pub(crate) fn take(&mut self, links: &mut impl Links) -> Option<u32> {
        let slot = match self {
            Self::ByUse {
                first,
                last,
                most_recent,
            } => match if *most_recent { *last } else { *first } {
                NONE => return None,
                slot => slot,
            },
            Self::ByAge { row, newest } => row.find(*newest)?,
            Self::Random { members, taken, stream } => {
                if members.is_empty() {
                    return None;
                }
                let rank = (u128::from(stream.bits(*taken)) * members.len() as u128) >> 64;
                *taken += 1;
                members[rank as usize]
            }
        };
        self.remove(slot, links);
        Some(slot)
    }

    /// Takes out this instance, which must be in the pool.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32, links: &mut impl Links) {
        let link = links.link(slot);
        debug_assert!(link.pooled);
        link.pooled = false;
        let (before, after) = (link.before, link.after);
        match self {
            Self::ByUse { first, last, .. } => {
                match before {
                    NONE => *first = after,
                    before => links.link(before).after = after,
                }
                match after {
                    NONE => *last = before,
                    after => links.link(after).before = before,
                }
            }
            Self::ByAge { row, .. } => row.occupy(before),
            Self::Random { members, .. } => {
                members.swap_remove(before as usize);
                if let Some(&moved) = members.get(before as usize) {
                    links.link(moved).before = before;
                }
            }
        }
    }

    /// Whether there is nothing to take.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::ByUse { first, .. } => *first == NONE,
            Self::ByAge { row, .. } => row.is_empty(),
            Self::Random { members, .. } => members.is_empty(),
        }
    }
}
