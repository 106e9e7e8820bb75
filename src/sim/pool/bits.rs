//! A set of small integers as bits under two levels of summaries. Every operation takes constant time up to 262,144 members,
//! and above that grows by one word for each 262,144.

/// Bits of one word.
pub(super) const WORD: usize = 64;

/// The lowest bit of a word that is not zero.
#[inline]
pub(super) fn lowest(word: u64) -> usize {
    word.trailing_zeros() as usize
}

/// The highest bit of a word that is not zero.
#[inline]
pub(super) fn highest(word: u64) -> usize {
    WORD - 1 - word.leading_zeros() as usize
}

/// The bits of a word from `place` on; none if that is beyond the word.
#[inline]
pub(super) fn not_below(place: usize) -> u64 {
    if place < WORD { u64::MAX << place } else { 0 }
}

/// The first bit set at `i` or after it within the word of `i`, counted over all words of a level.
#[inline]
fn within(level: &[u64], i: usize) -> Option<usize> {
    let word = level.get(i / WORD)? & (u64::MAX << (i % WORD));
    (word != 0).then(|| i / WORD * WORD + lowest(word))
}

/// A set of small integers. A bit of an upper level says whether the word below it has any bit set.
#[derive(Debug, Default)]
pub(super) struct Bits {
    low: Vec<u64>,
    middle: Vec<u64>,
    high: Vec<u64>,
}

impl Bits {
    /// Makes room for the integers below `n`.
    pub(super) fn grow(&mut self, n: usize) {
        let words = n.div_ceil(WORD);
        if words > self.low.len() {
            self.low.resize(words, 0);
            self.middle.resize(words.div_ceil(WORD), 0);
            self.high.resize(words.div_ceil(WORD * WORD), 0);
        }
    }

    #[inline]
    pub(super) fn set(&mut self, i: usize) {
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
    pub(super) fn clear(&mut self, i: usize) {
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
    pub(super) fn is_empty(&self) -> bool {
        self.high.iter().all(|&word| word == 0)
    }

    #[inline]
    pub(super) fn first(&self) -> Option<usize> {
        let i = self.high.iter().position(|&word| word != 0)?;
        let i = i * WORD + lowest(self.high[i]);
        let i = i * WORD + lowest(self.middle[i]);
        Some(i * WORD + lowest(self.low[i]))
    }

    /// The smallest member that is not below `i`.
    pub(super) fn at_or_after(&self, i: usize) -> Option<usize> {
        if let Some(found) = within(&self.low, i) {
            return Some(found);
        }
        let next = i / WORD + 1;
        let word = within(&self.middle, next).or_else(|| {
            let next = next / WORD + 1;
            let group = within(&self.high, next).or_else(|| {
                let from = (next / WORD + 1).min(self.high.len());
                let k = from + self.high[from..].iter().position(|&word| word != 0)?;
                Some(k * WORD + lowest(self.high[k]))
            })?;
            Some(group * WORD + lowest(self.middle[group]))
        })?;
        Some(word * WORD + lowest(self.low[word]))
    }

    #[inline]
    pub(super) fn last(&self) -> Option<usize> {
        let i = self.high.iter().rposition(|&word| word != 0)?;
        let i = i * WORD + highest(self.high[i]);
        let i = i * WORD + highest(self.middle[i]);
        Some(i * WORD + highest(self.low[i]))
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
                for from in [i, i + 1, i + 64, 5_000] {
                    prop_assert_eq!(bits.at_or_after(from), set.range(from..).next().copied());
                }
                prop_assert_eq!(bits.is_empty(), set.is_empty());
            }
        }
    }
}
