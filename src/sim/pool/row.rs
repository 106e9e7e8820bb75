//! Instances in order of use: a doubly linked list whose links are kept in the instances.

use crate::sim::pool::link::{Link, Links, NONE};

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

    /// Puts an instance that is in no row before all others.
    pub(crate) fn push_first(&mut self, slot: u32, links: &mut impl Links) {
        let link = links.link(slot);
        link.before = NONE;
        link.after = self.first;
        match self.first {
            NONE => self.last = slot,
            after => links.link(after).before = slot,
        }
        self.first = slot;
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
