//! Changes over the life of an instance: its first requests take longer, and too many requests in flight kill it.

use coldcast::sim::setup::Inside;

use super::{Cold, Request, Rules, Simulator, Time};

/// CPU time of work that takes `wall` on the instance.
pub fn on_cpu(inside: &Inside, wall: Time) -> Time {
    wall * u64::from(inside.cpu.quota.0.min(1000)) / 1000
}

impl Simulator {
    /// Extra time of a request by its position among those after the first of its instance.
    pub fn extra(&mut self, rules: &Rules, i: usize, request: Request) -> Time {
        if request.cold {
            return 0;
        }
        let position = self.instances[i].later;
        self.instances[i].later += 1;
        let stretch = rules.curve.iter().find(|(end, _)| position < *end);
        stretch.map_or(0, |&(_, extra)| extra)
    }

    /// Kills an instance if it has too many requests in flight. They fail in the order in which they came to it. Returns
    /// true if it did.
    pub fn kill_if_too_many(&mut self, rules: &Rules, i: usize) -> bool {
        let instance = &mut self.instances[i];
        if rules.most_in_flight.is_none_or(|most| instance.in_flight() <= most) {
            return false;
        }
        let mut lost: Vec<Request> = instance.running.drain(..).map(|row| row.2).collect();
        lost.extend(instance.burning.drain(..).map(|row| row.1));
        lost.append(&mut instance.turn);
        lost.append(&mut instance.accepted);
        lost.sort_by_key(|request| request.came);
        let (f, ordinal) = (instance.function, instance.ordinal);
        for r in lost {
            if let Some(index) = r.index {
                let row = (f, index, r.arrived, r.started, self.now, ordinal, r.cold);
                self.out.failed.push(row);
            }
        }
        self.stop(i);
        if rules.fixed {
            let (Cold::Response(time) | Cold::Start(time)) = rules.cold;
            self.create(rules, f, true, self.now + time);
        } else if !self.queue[f].is_empty() {
            let request = self.queue[f].remove(0);
            self.start(rules, request);
        }
        true
    }
}
