//! The instances of one function that can take a request now, ordered by the routing rule. No operation gets slower with
//! the size of the pool beyond a logarithm.

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::rng::Stream;

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

/// No neighbour, no position.
const NONE: u32 = u32::MAX;

/// What the pool keeps in each instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Creation number within the function: the key of the orders by age.
    pub(crate) ordinal: u64,
    before: u32,
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
    /// A heap by creation number; instances that left otherwise than from the top stay until found stale.
    ByAge {
        heap: BinaryHeap<(i64, u32)>,
        live: u32,
        sign: i64,
    },
    /// An unordered set; `before` holds each member's position.
    Random {
        members: Vec<u32>,
        taken: u64,
        stream: Stream,
    },
}

impl Pool {
    pub(crate) fn new(routing: Routing, stream: Stream) -> Self {
        let by_age = |sign| Self::ByAge {
            heap: BinaryHeap::new(),
            live: 0,
            sign,
        };
        let by_use = |most_recent| Self::ByUse {
            first: NONE,
            last: NONE,
            most_recent,
        };
        match routing {
            Routing::Newest => by_age(1),
            Routing::Oldest => by_age(-1),
            Routing::MostRecentlyUsed => by_use(true),
            Routing::LeastRecentlyUsed => by_use(false),
            Routing::Random => Self::Random {
                members: Vec::new(),
                taken: 0,
                stream,
            },
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
            Self::ByAge { heap, live, sign } => {
                heap.push((*sign * link.ordinal as i64, slot));
                *live += 1;
            }
            Self::Random { members, .. } => {
                link.before = members.len() as u32;
                members.push(slot);
            }
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
            Self::ByAge { heap, live, sign } => loop {
                let (key, slot) = heap.pop()?;
                let link = links.link(slot);
                if link.pooled && link.ordinal as i64 == key * *sign {
                    link.pooled = false;
                    *live -= 1;
                    return Some(slot);
                }
            },
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
            Self::ByAge { heap, live, sign } => {
                *live -= 1;
                if heap.len() > 2 * *live as usize + 64 {
                    heap.retain(|&(key, slot)| {
                        let link = links.link(slot);
                        link.pooled && link.ordinal as i64 == key * *sign
                    });
                }
            }
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
            Self::ByAge { live, .. } => *live == 0,
            Self::Random { members, .. } => members.is_empty(),
        }
    }
}
