//! The data that the pool keeps in each instance.

/// No neighbour, no instance.
pub(crate) const NONE: u32 = u32::MAX;

/// The pool's data of one instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Creation number within the function.
    pub(crate) ordinal: u64,
    /// The neighbour that was used before it, or its position among all.
    pub(crate) before: u32,
    pub(super) after: u32,
    /// Requests in flight when it was put into the pool or used last.
    pub(crate) load: u32,
    /// True if the instance is in the pool.
    pub(crate) pooled: bool,
}

impl Link {
    /// The link of the `ordinal`-th instance, not in the pool.
    pub(crate) fn new(ordinal: u64) -> Self {
        Self {
            ordinal,
            before: NONE,
            after: NONE,
            load: 0,
            pooled: false,
        }
    }
}

/// Access to the links of the instances by slot.
pub(crate) trait Links {
    /// The link in slot `slot`.
    fn link(&mut self, slot: u32) -> &mut Link;
}
