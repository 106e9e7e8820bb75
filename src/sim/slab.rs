//! A vector whose places are used again. Each place has an epoch, so that a stale reference can be told.

/// Values by slot.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<(u32, T)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Stores a value and returns its slot.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.places[slot as usize].1 = value;
            return slot;
        }
        let slot = self.places.len() as u32;
        self.places.push((0, value));
        slot
    }

    /// Gives the slot back; references to it become stale.
    #[inline]
    pub(crate) fn release(&mut self, slot: u32) {
        let place = &mut self.places[slot as usize];
        place.0 = place.0.wrapping_add(1);
        self.free.push(slot);
    }

    /// The slot's epoch, which changes whenever it is given back.
    pub(crate) fn epoch(&self, slot: u32) -> u32 {
        self.places[slot as usize].0
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &T {
        &self.places[slot as usize].1
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.places[slot as usize].1
    }
}
