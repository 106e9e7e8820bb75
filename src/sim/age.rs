//! Instances of one function in order of age, and which of them are free. Everything takes constant time, whatever the
//! number of instances: each has a place in a row ordered by creation, and the free places are bits under two levels of
//! summaries.

use crate::sim::pool::{Links, NONE};

/// Bits of one word.
const WORD: usize = 64;

/// The row and its free places.
#[derive(Debug, Default)]
pub(crate) struct AgeRow {
    /// Slot of the instance at each place; [`NONE`] where it has ended.
    slots: Vec<u32>,
    ended: usize,
    free: Bits,
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
        if self.ended > WORD + self.slots.len() / 2 {
            self.ended = 0;
            self.slots.retain(|&slot| slot != NONE);
            self.free = Bits::default();
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
        self.free.clear(place as usize);
    }

    /// Slot of the free instance that was created first, or last.
    #[inline]
    pub(crate) fn find(&self, newest: bool) -> Option<u32> {
        let place = if newest { self.free.last() } else { self.free.first() };
        Some(self.slots[place?])
    }

    /// Whether no instance is free.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.free.is_empty()
    }
}

/// A set of small integers. A bit of an upper level says whether the word below it has any bit set.
#[derive(Debug, Default)]
struct Bits {
    low: Vec<u64>,
    middle: Vec<u64>,
    high: Vec<u64>,
}

impl Bits {
    /// Makes room for the integers below `n`.
    fn grow(&mut self, n: usize) {
        let words = n.div_ceil(WORD);
        if words > self.low.len() {
            self.low.resize(words, 0);
            self.middle.resize(words.div_ceil(WORD), 0);
            self.high.resize(words.div_ceil(WORD * WORD), 0);
        }
    }

    #[inline]
    fn set(&mut self, i: usize) {
        let word = &mut self.low[i / WORD];
        let was_empty = *word == 0;
        *word |= 1 << (i % WORD);
        if was_empty {
            let i = i / WORD;
            self.middle[i / WORD] |= 1 << (i % WORD);
            let i = i / WORD;
            self.high[i / WORD] |= 1 << (i % WORD);
        }
    }

    #[inline]
    fn clear(&mut self, i: usize) {
        let word = &mut self.low[i / WORD];
        *word &= !(1 << (i % WORD));
        if *word == 0 {
            let i = i / WORD;
            let word = &mut self.middle[i / WORD];
            *word &= !(1 << (i % WORD));
            if *word == 0 {
                let i = i / WORD;
                self.high[i / WORD] &= !(1 << (i % WORD));
            }
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.high.iter().all(|&word| word == 0)
    }

    #[inline]
    fn first(&self) -> Option<usize> {
        let low = |word: u64| word.trailing_zeros() as usize;
        let i = self.high.iter().position(|&word| word != 0)?;
        let i = i * WORD + low(self.high[i]);
        let i = i * WORD + low(self.middle[i]);
        Some(i * WORD + low(self.low[i]))
    }

    #[inline]
    fn last(&self) -> Option<usize> {
        let high = |word: u64| WORD - 1 - word.leading_zeros() as usize;
        let i = self.high.iter().rposition(|&word| word != 0)?;
        let i = i * WORD + high(self.high[i]);
        let i = i * WORD + high(self.middle[i]);
        Some(i * WORD + high(self.low[i]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Integers that fall into the same word, into different words and under different upper bits.
        #[test]
        fn bits_are_a_set(steps in prop::collection::vec((any::<bool>(), 0..40usize, 0..3usize), 1..200)) {
            let (mut bits, mut set) = (Bits::default(), BTreeSet::new());
            bits.grow(3 * WORD.pow(3));
            for (insert, i, scale) in steps {
                let i = i * [1, 50, 17_000][scale];
                if insert {
                    bits.set(i);
                    set.insert(i);
                } else {
                    bits.clear(i);
                    set.remove(&i);
                }
                prop_assert_eq!(bits.first(), set.first().copied());
                prop_assert_eq!(bits.last(), set.last().copied());
                prop_assert_eq!(bits.is_empty(), set.is_empty());
            }
        }
    }
}
