//! The requests in service on each instance that can be killed. Adding and removing a request takes constant time, however
//! many there are.

/// Requests in service, by the slot of their instance.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// By instance: the order number and the slot of each request, in no order.
    instances: Vec<Vec<(u64, u32)>>,
    /// By slot of the request: its position in that list.
    positions: Vec<u32>,
    came: u64,
}

impl Held {
    /// Adds a request that comes into service on an instance.
    pub(crate) fn add(&mut self, instance: u32, request: u32) {
        let (instance, place) = (instance as usize, request as usize);
        if instance >= self.instances.len() {
            self.instances.resize_with(instance + 1, Vec::new);
        }
        if place >= self.positions.len() {
            self.positions.resize(place + 1, 0);
        }
        self.positions[place] = self.instances[instance].len() as u32;
        self.instances[instance].push((self.came, request));
        self.came += 1;
    }

    /// Moves a request of an instance to another slot.
    pub(crate) fn moved(&mut self, instance: u32, from: u32, to: u32) {
        let position = self.positions[from as usize];
        if to as usize >= self.positions.len() {
            self.positions.resize(to as usize + 1, 0);
        }
        self.positions[to as usize] = position;
        self.instances[instance as usize][position as usize].1 = to;
    }

    /// Removes a request from an instance; a request that is not there changes nothing.
    pub(crate) fn remove(&mut self, instance: u32, request: u32) {
        let Some(requests) = self.instances.get_mut(instance as usize) else {
            return;
        };
        let position = self
            .positions
            .get(request as usize)
            .map_or(0, |position| *position as usize);
        if requests.get(position).is_none_or(|(_, held)| *held != request) {
            return;
        }
        requests.swap_remove(position);
        if let Some((_, moved)) = requests.get(position) {
            self.positions[*moved as usize] = position as u32;
        }
    }

    /// Takes all requests off an instance, in the order in which they came to it.
    pub(crate) fn take(&mut self, instance: u32) -> Vec<u32> {
        let requests = self.instances.get_mut(instance as usize).map(std::mem::take);
        let mut requests = requests.unwrap_or_default();
        requests.sort_unstable();
        requests.into_iter().map(|(_, request)| request).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_the_others_stay_in_order() {
        let mut held = Held::default();
        (0..6).for_each(|request| held.add(3, request));
        held.add(1, 9);
        held.moved(3, 4, 11);
        for gone in [0, 5, 2] {
            held.remove(3, gone);
            held.remove(3, gone);
        }
        // Its slot is used again.
        held.add(3, 2);
        held.remove(1, 4);
        assert_eq!(held.take(3), [1, 3, 11, 2]);
        assert!(held.take(3).is_empty());
        assert_eq!(held.take(1), [9]);
        assert!(held.take(100).is_empty());
    }
}
