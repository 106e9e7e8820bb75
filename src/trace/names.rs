//! Numbers for names in order of first appearance, so that the numbers depend on the file only.

use foldhash::fast::FixedState;
use indexmap::IndexSet;

/// The names so far.
pub struct Names {
    set: IndexSet<Box<[u8]>, FixedState>,
    /// The number of the last name. Traces often repeat a name in the next row.
    last: u32,
}

impl Names {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self {
            set: IndexSet::with_hasher(FixedState::with_seed(0)),
            last: u32::MAX,
        }
    }

    /// Returns the number of `name`. A new name gets the next number.
    #[inline]
    pub fn number(&mut self, name: &[u8]) -> u32 {
        if self
            .set
            .get_index(self.last as usize)
            .is_some_and(|last| **last == *name)
        {
            return self.last;
        }
        self.last = match self.set.get_index_of(name) {
            Some(index) => index as u32,
            None => self.set.insert_full(name.into()).0 as u32,
        };
        self.last
    }

    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.set.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_by_first_appearance() {
        let mut names = Names::new();
        let numbers: Vec<u32> = ["b", "a", "b", "b", "c", "a"]
            .iter()
            .map(|n| names.number(n.as_bytes()))
            .collect();
        assert_eq!(numbers, [0, 1, 0, 0, 2, 1]);
        assert_eq!(names.len(), 3);
    }
}
