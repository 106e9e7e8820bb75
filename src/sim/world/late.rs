//! The time of a request that was late, by class.

use crate::sim::fact::Fact;
use crate::sim::fleet::Request;
use crate::sim::late::{Class, Spans};
use crate::sim::observe::Observer;
use crate::sim::setup::{ColdModel, ServiceTime};
use crate::sim::world::World;
use crate::units::{SimDuration, SimTime};

impl World {
    /// The time of a request that has its answer now, from its arrival on.
    #[cold]
    #[inline(never)]
    pub(super) fn spans(&self, request: &Request, slot: u32) -> Spans {
        let instance = self.instances.0.get(slot);
        let service = &self.services[request.service as usize];
        let setup = &service.setup;
        let streams = &service.fleets[request.function as usize].streams;
        let mut spans = Spans::default();
        instance.stamps.wait(request.arrived, request.started, &mut spans);
        let mut left = self.now.since(request.started);
        if request.given != Request::DRAWN {
            // Nobody knows what the traffic's own duration is made of.
            let start = request.first_use && setup.inside.is_none();
            let more = left.saturating_sub(request.given);
            spans.take(
                Class::FirstRequest,
                if start { more } else { SimDuration::ZERO },
                &mut left,
            );
            spans.take(Class::Service, request.given, &mut left);
            spans.add(Class::Contention, left);
            return spans;
        }
        let share = f64::from(setup.shape.cpu.0.min(1_000)) / 1e3;
        let Some(inside) = &setup.inside else {
            let warm = setup.warm.draw(streams, request.index, None);
            let (wait, stretched) = match &setup.warm {
                ServiceTime::Parts { .. } => (setup.warm.wait(streams, request.index), share),
                // It is not known what of it is CPU time.
                ServiceTime::Whole(_) => (SimDuration::ZERO, 1.0),
            };
            if request.cold && matches!(setup.cold, ColdModel::Response(_)) {
                let start = left.saturating_sub(warm);
                spans.take(Class::Init, start, &mut left);
            }
            let under_limit = warm.saturating_sub(wait);
            let core = under_limit.scale(stretched);
            spans.take(Class::Io, wait, &mut left);
            spans.take(Class::Service, core, &mut left);
            spans.take(Class::Quota, under_limit.saturating_sub(core), &mut left);
            if request.first_use {
                spans.add(Class::FirstRequest, left);
            } else {
                let idle = setup.idle_cost.map_or(SimDuration::ZERO, |cost| cost.most);
                spans.take(Class::Service, idle, &mut left);
                spans.add(Class::WarmUp, left);
            }
            return spans;
        };
        let (core, wait) = setup.warm.parts(streams, request.index, None, inside);
        let share = f64::from(inside.cpu.quota.0.min(1_000)) / 1e3;
        spans.take(Class::Io, wait, &mut left);
        spans.take(Class::Service, core, &mut left);
        spans.take(Class::Quota, core.scale(1.0 / share).saturating_sub(core), &mut left);
        let extra = if request.first_use {
            Class::FirstRequest
        } else {
            Class::WarmUp
        };
        spans.take(extra, SimDuration(u64::from(request.extra_us) * 1_000), &mut left);
        spans.add(Class::Contention, left);
        spans
    }

    /// Returns true if an answer now is late for a request or call of a service that came at `arrived`, and observers are to know why.
    #[inline]
    pub(super) fn is_late(&self, service: u16, arrived: SimTime) -> bool {
        let limit = self.services[service as usize].setup.explain_above;
        limit.is_some_and(|limit| self.now.since(arrived) > limit)
    }

    /// Tells why a request or call of a service that came at `arrived` was late.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_late(&self, service: u16, arrived: SimTime, spans: Spans, observer: &mut impl Observer) {
        debug_assert_eq!(
            spans.total(),
            self.now.since(arrived),
            "every nanosecond belongs to one class: {spans:?}"
        );
        observer.observe(&Fact::Late {
            service,
            arrived,
            spans,
        });
    }
}
