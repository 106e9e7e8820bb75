//! The instances of one function that can take a request now, ordered by the routing rule. No operation gets slower with
//! the size of the pool.

mod age;
mod bits;
mod by_load;
pub(crate) mod link;
mod routing;
mod row;

use crate::rng::Stream;
use crate::sim::pool::age::AgeRow;
use crate::sim::pool::by_load::ByLoad;
use crate::sim::pool::link::{Links, NONE};
pub use crate::sim::pool::routing::Routing;
use crate::sim::pool::row::Row;

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

/// The choice from a row in order of creation.
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

    /// Registers a new instance, which is not in the pool yet.
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

    /// Puts an instance into the pool that has had no request yet: all others were used later.
    pub(crate) fn insert_unused(&mut self, slot: u32, links: &mut impl Links) {
        let Self::ByUse { row, .. } = self else {
            return self.insert(slot, 0, links);
        };
        let link = links.link(slot);
        debug_assert!(!link.pooled);
        link.pooled = true;
        link.load = 0;
        row.push_first(slot, links);
    }

    /// Makes an instance the one used last, with `load` requests in flight; it may be in the pool already.
    #[inline]
    pub(crate) fn put(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        if links.link(slot).pooled {
            self.used(slot, load, links);
        } else {
            self.insert(slot, load, links);
        }
    }

    /// Makes the instance that [`Self::choose`] has named the one used last, with `load` requests in flight; it stays in the
    /// pool.
    #[inline]
    pub(crate) fn chosen(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        if let Self::Random { members, .. } = self {
            // The member used last is the last one.
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

    /// Returns true without a free instance.
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
