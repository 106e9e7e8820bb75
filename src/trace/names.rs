//! Numbers for names, in order of first appearance, so that the numbering depends on the file alone.

use foldhash::fast::FixedState;
use indexmap::IndexSet;

/// The names seen so far.
pub struct Names {
    set: IndexSet<Box<[u8]>, FixedState>,
    /// Traces often repeat a name at once.
    last: u32,
}

impl Names {
    /// No names yet.
    pub fn new() -> Self {
        Self {
            set: IndexSet::with_hasher(FixedState::with_seed(0)),
            last: u32::MAX,
        }
    }

    /// The number of `name`; a new name gets the next one.
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

    /// How many names there are.
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
