//! Instances of one function in order of age, and which of them are free. Everything takes constant time, whatever the
//! number of instances: each has a place in a row ordered by creation, and the free places are bits: one word of them, or
//! many under two levels of summaries. The row remembers whose turn it is, for those who go round.

use crate::sim::pool::bits::{Bits, WORD, highest, lowest, not_below};
use crate::sim::pool::link::{Links, NONE};

/// The row and its free places.
#[derive(Debug, Default)]
pub(crate) struct AgeRow {
    /// Slot of the instance at each place; [`NONE`] where it has ended.
    slots: Vec<u32>,
    ended: usize,
    free: Free,
    /// The place after that of the instance that was handed out in turn last.
    turn: usize,
}

/// The free places.
#[derive(Debug)]
enum Free {
    Few(u64),
    Many(Box<Bits>),
}

impl Default for Free {
    fn default() -> Self {
        Self::Few(0)
    }
}

impl AgeRow {
    /// Appends an instance, which is younger than all others and not free.
    pub(crate) fn created(&mut self, slot: u32, links: &mut impl Links) {
        links.link(slot).before = self.slots.len() as u32;
        self.slots.push(slot);
        self.free.grow(self.slots.len());
    }

    /// Takes an instance that is not free out of the row. When most of the row has ended the others move up.
    pub(crate) fn ended(&mut self, slot: u32, links: &mut impl Links) {
        self.slots[links.link(slot).before as usize] = NONE;
        self.ended += 1;
        if self.ended > WORD / 2 + self.slots.len() / 2 {
            self.ended = 0;
            let before_turn = &self.slots[..self.turn.min(self.slots.len())];
            self.turn = before_turn.iter().filter(|&&slot| slot != NONE).count();
            self.slots.retain(|&slot| slot != NONE);
            self.free = Free::default();
            self.free.grow(self.slots.len());
            for (place, &slot) in self.slots.iter().enumerate() {
                let link = links.link(slot);
                link.before = place as u32;
                if link.pooled {
                    self.free.set(place);
                }
            }
        }
    }

    /// Marks the instance at `place` as free.
    #[inline]
    pub(crate) fn free(&mut self, place: u32) {
        self.free.set(place as usize);
    }

    /// Marks the instance at `place` as not free.
    #[inline]
    pub(crate) fn occupy(&mut self, place: u32) {
        match &mut self.free {
            Free::Few(word) => *word &= !(1 << place),
            Free::Many(bits) => bits.clear(place as usize),
        }
    }

    /// Slot of the free instance that was created first.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        let place = match &self.free {
            Free::Few(0) => return None,
            Free::Few(word) => lowest(*word),
            Free::Many(bits) => bits.first()?,
        };
        Some(self.slots[place])
    }

    /// Slots of the free instances, oldest first.
    pub(crate) fn all_free(&self) -> impl Iterator<Item = u32> {
        let free = |&(place, _): &(usize, &u32)| match &self.free {
            Free::Few(word) => word >> place & 1 == 1,
            Free::Many(bits) => bits.at_or_after(place) == Some(place),
        };
        self.slots.iter().enumerate().filter(free).map(|(_, &slot)| slot)
    }

    /// Slot of the free instance that was created last.
    #[inline]
    pub(crate) fn last(&self) -> Option<u32> {
        let place = match &self.free {
            Free::Few(0) => return None,
            Free::Few(word) => highest(*word),
            Free::Many(bits) => bits.last()?,
        };
        Some(self.slots[place])
    }

    /// Slot of the first free instance that was created after the one that this function gave last; the first of all if
    /// there is none.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<u32> {
        let turn = self.turn;
        let place = match &self.free {
            Free::Few(0) => return None,
            Free::Few(word) => match word & not_below(turn) {
                0 => lowest(*word),
                rest => lowest(rest),
            },
            Free::Many(bits) => bits.at_or_after(turn).or_else(|| bits.first())?,
        };
        self.turn = place + 1;
        Some(self.slots[place])
    }

    /// Returns true if no instance is free.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match &self.free {
            Free::Few(word) => *word == 0,
            Free::Many(bits) => bits.is_empty(),
        }
    }
}

impl Free {
    #[inline]
    fn set(&mut self, place: usize) {
        match self {
            Self::Few(word) => *word |= 1 << place,
            Self::Many(bits) => bits.set(place),
        }
    }

    /// Makes room for the places below `n`.
    fn grow(&mut self, n: usize) {
        match self {
            Self::Few(_) if n <= WORD => {}
            Self::Few(word) => {
                let mut bits = Bits::default();
                bits.grow(n);
                let places = 0..WORD;
                places
                    .filter(|place| *word >> place & 1 == 1)
                    .for_each(|place| bits.set(place));
                *self = Self::Many(Box::new(bits));
            }
            Self::Many(bits) => bits.grow(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::pool::link::Link;

    #[derive(Default)]
    struct Table(Vec<Link>);

    impl Links for Table {
        fn link(&mut self, slot: u32) -> &mut Link {
            &mut self.0[slot as usize]
        }
    }

    proptest! {
        /// Instances come and go in bulk, so that the row outgrows one word, and moves up and back into one.
        #[test]
        fn a_row_knows_its_oldest_and_newest_free_instance(
            steps in prop::collection::vec((0..4u8, any::<prop::sample::Index>(), 1..90usize), 1..60)
        ) {
            let (mut row, mut table) = (AgeRow::default(), Table::default());
            // Instances that exist, by age, and whether they are free.
            let mut alive: Vec<(u32, bool)> = Vec::new();
            let mut turn = 0;
            for (step, pick, times) in steps {
                for k in 0..times {
                    if step == 0 {
                        let slot = table.0.len() as u32;
                        table.0.push(Link::new(u64::from(slot)));
                        row.created(slot, &mut table);
                        alive.push((slot, false));
                        continue;
                    }
                    if alive.is_empty() {
                        break;
                    }
                    let i = (pick.index(alive.len()) + 7 * k) % alive.len();
                    let (slot, free) = &mut alive[i];
                    let link = table.link(*slot);
                    link.pooled = step == 1;
                    if *free && step != 1 {
                        row.occupy(link.before);
                    } else if step == 1 {
                        row.free(link.before);
                    }
                    *free = step == 1;
                    if step == 3 {
                        row.ended(*slot, &mut table);
                        alive.remove(i);
                    }
                }
                let free = |&&(_, free): &&(u32, bool)| free;
                prop_assert_eq!(row.first(), alive.iter().find(free).map(|i| i.0));
                prop_assert_eq!(row.last(), alive.iter().rfind(free).map(|i| i.0));
                // Slots are numbered by age here.
                let next = alive.iter().filter(free).find(|i| i.0 >= turn).or(alive.iter().find(free)).map(|i| i.0);
                prop_assert_eq!(row.next(), next);
                turn = next.map_or(turn, |slot| slot + 1);
                prop_assert_eq!(row.is_empty(), !alive.iter().any(|i| i.1));
            }
        }
    }
}
