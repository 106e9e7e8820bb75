//! Observers watch a run and never steer it: they are told facts, and the state of the cluster.

pub mod causes;
pub mod packing;
pub mod recorder;
pub mod records;
pub mod run_stats;
pub mod timeline;

use crate::sim::fact::Fact;
use crate::sim::platform::control::ClusterState;
use crate::units::SimTime;

/// Watches a run. It cannot change its course.
pub trait Observer {
    /// Takes note of a fact. Facts come in order of time.
    fn observe(&mut self, fact: &Fact);

    /// Takes note of the state of the cluster from now on, which is too large for a fact.
    fn observe_cluster(&mut self, _at: SimTime, _state: &ClusterState) {}
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        self.0.observe(fact);
        self.1.observe(fact);
    }

    fn observe_cluster(&mut self, at: SimTime, state: &ClusterState) {
        self.0.observe_cluster(at, state);
        self.1.observe_cluster(at, state);
    }
}

impl<T: Observer> Observer for &mut T {
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        (**self).observe(fact);
    }

    fn observe_cluster(&mut self, at: SimTime, state: &ClusterState) {
        (**self).observe_cluster(at, state);
    }
}

impl<T: Observer> Observer for Option<T> {
    #[inline(always)]
    fn observe(&mut self, fact: &Fact) {
        if let Some(inner) = self {
            inner.observe(fact);
        }
    }

    fn observe_cluster(&mut self, at: SimTime, state: &ClusterState) {
        if let Some(inner) = self {
            inner.observe_cluster(at, state);
        }
    }
}
