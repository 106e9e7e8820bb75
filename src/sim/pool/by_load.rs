//! Instances of one function in order of their requests in flight. Everything takes constant time, whatever the number of
//! instances: there is a row for each load, and bits say which rows have members.

use crate::sim::pool::bits::Bits;
use crate::sim::pool::link::Links;
use crate::sim::pool::row::Row;

/// Rows by load.
#[derive(Debug)]
pub(crate) struct ByLoad {
    rows: Vec<Row>,
    /// Loads whose row has members.
    some: Bits,
    /// True if the most loaded instance is chosen, and of several the one used last. Else the least loaded one is chosen,
    /// and of several the one unused for longest.
    most: bool,
}

impl ByLoad {
    pub(crate) fn new(most: bool) -> Self {
        Self {
            rows: Vec::new(),
            some: Bits::default(),
            most,
        }
    }

    /// Adds an instance with `load` requests in flight, which must be the load in its link.
    pub(crate) fn insert(&mut self, slot: u32, load: u32, links: &mut impl Links) {
        let load = load as usize;
        if load >= self.rows.len() {
            self.rows.resize(load + 1, Row::EMPTY);
            self.some.grow(load + 1);
        }
        self.rows[load].push(slot, links);
        self.some.set(load);
    }

    /// Takes out an instance.
    pub(crate) fn remove(&mut self, slot: u32, links: &mut impl Links) {
        let load = links.link(slot).load as usize;
        let row = &mut self.rows[load];
        row.unlink(slot, links);
        if row.is_empty() {
            self.some.clear(load);
        }
    }

    /// The instance that the rule names.
    pub(crate) fn find(&self) -> Option<u32> {
        if self.most {
            self.some.last().map(|load| self.rows[load].last)
        } else {
            self.some.first().map(|load| self.rows[load].first)
        }
    }

    /// The instance without a request that is unused for longest.
    pub(crate) fn idle(&self) -> Option<u32> {
        self.rows.first().filter(|row| !row.is_empty()).map(|row| row.first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.some.is_empty()
    }
}
