//! Replicas: pods are created and deleted until there are as many as the autoscaler wants.

use super::agenda::Due;
use super::{Kubernetes, rollout};
use crate::sim::platform::control::Order;
use crate::units::SimTime;

impl Kubernetes {
    /// Creates the pods of a service that are missing, and deletes those that are too many.
    pub(super) fn reconcile(&mut self, service: u16, now: SimTime, orders: &mut Vec<Order>) {
        let wanted = self.workloads[service as usize].replicas as usize;
        let active = self.pods.active(service);
        let revision = self.workloads[service as usize].revision;
        let (new, old): (Vec<u64>, Vec<u64>) = active.iter().partition(|&&pod| self.pods.revision(pod) == revision);
        if !old.is_empty() {
            return self.roll(service, (&old, &new), now, orders);
        }
        if active.len() < wanted {
            let count = (wanted - active.len()) as u32;
            self.create(service, count, now, orders);
        }
        if active.len() > wanted {
            let victims = self.pods.victims(&active, active.len() - wanted, now);
            victims.into_iter().for_each(|number| self.delete(number, orders));
        }
    }

    /// Creates pods, at once or when their machines are there.
    fn create(&mut self, service: u16, count: u32, now: SimTime, orders: &mut Vec<Order>) {
        let Some(launch) = &self.plan.cluster.launch else {
            if count > 0 {
                orders.push(Order::Create { service, count });
            }
            return;
        };
        let under_way = self.workloads[service as usize].launching;
        for _ in under_way..count {
            let after = launch.at(self.launch_stream, self.launched);
            self.launched += 1;
            self.agenda.at(now + after, Due::Launched(service));
            self.workloads[service as usize].launching += 1;
        }
    }

    /// Takes the next step of a rolling update.
    fn roll(&mut self, service: u16, (old, new): (&[u64], &[u64]), now: SimTime, orders: &mut Vec<Order>) {
        let (old_ready, old_unready) = self.pods.by_readiness(old);
        let (new_ready, _) = self.pods.by_readiness(new);
        let counts = rollout::Counts {
            replicas: self.workloads[service as usize].replicas,
            old: old.len() as u32,
            old_ready: old_ready.len() as u32,
            new: new.len() as u32,
            new_ready: new_ready.len() as u32,
        };
        let step = rollout::step(counts, (self.template.max_surge, self.template.max_unavailable));
        if step == rollout::Step::default() {
            return;
        }
        self.create(service, step.create, now, orders);
        for (pods, count) in [
            (&old_unready[..], step.unready),
            (&old_ready[..], step.ready),
            (new, step.new),
        ] {
            let victims = self.pods.victims(pods, count as usize, now);
            victims.into_iter().for_each(|number| self.delete(number, orders));
        }
        self.agenda.at(now, Due::Rollout(service));
    }

    /// Deletes a pod, which gets time to finish.
    pub(super) fn delete(&mut self, number: u64, orders: &mut Vec<Order>) {
        let (at_least, at_most) = (self.template.pre_stop, self.template.termination_grace);
        if let Some(id) = self.pods.delete(number) {
            orders.push(Order::Drain {
                instance: id,
                at_least,
                at_most,
            });
        }
    }
}
