//! The loop of a run. Each turn takes one of these, the first that applies:
//! 1. The next arrival, if it is earlier than the next event and the horizon. Arrivals never enter the calendar, so that it
//!    holds only what is under way.
//! 2. The end of the arrivals: the horizon is reached, or no arrivals are left. From now on the end of the counted time is
//!    known.
//! 3. The next event, as long as it is within the counted time or requests are unfinished. Requests in flight at the end
//!    are finished, not dropped.
//! 4. Otherwise the run is over.
//!
//! At equal times events come before arrivals, so that capacity that becomes free serves the arrival of the same instant.

use crate::model::arrival::Arrival;
use crate::rng::Draws;
use crate::sim::observe::Observer;
use crate::sim::observe::run_stats::RunStats;
use crate::sim::setup::Setup;
use crate::sim::world::World;
use crate::units::SimTime;

/// Appends the next arrivals of a service in order of time to the vector; false when there are no more.
pub type Feed<'a> = Box<dyn FnMut(&mut Vec<Arrival>) -> bool + 'a>;

/// Arrivals asked for at a time.
const BATCH: usize = 4096;

/// The arrivals of one service, a batch at a time.
struct Lane<'a> {
    feed: Feed<'a>,
    batch: Vec<Arrival>,
    next: usize,
}

impl Lane<'_> {
    /// The time of the next arrival; never without one.
    #[inline]
    fn peek(&mut self) -> SimTime {
        match self.batch.get(self.next) {
            Some(arrival) => arrival.at,
            None => self.fill(),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self) -> SimTime {
        loop {
            self.next = 0;
            self.batch.clear();
            let more = (self.feed)(&mut self.batch);
            if let Some(arrival) = self.batch.first() {
                return arrival.at;
            }
            if !more {
                return SimTime::NEVER;
            }
        }
    }
}

/// Runs `setup` on the arrivals of its services, `feeds[i]` belonging to service `i`, and tells `observer` what happens.
///
/// # Panics
/// If the number of feeds is not the number of services, or arrivals are out of order.
pub fn run(setup: Setup, feeds: Vec<Feed<'_>>, draws: Draws, observer: &mut impl Observer) -> RunStats {
    assert_eq!(setup.services.len(), feeds.len(), "one feed for each service");
    let horizon = setup.horizon.map_or(SimTime::NEVER, |h| SimTime::ZERO + h);
    let mut lanes: Vec<Lane<'_>> = feeds
        .into_iter()
        .map(|feed| Lane {
            feed,
            batch: Vec::with_capacity(BATCH),
            next: 0,
        })
        .collect();
    let mut world = World::new(setup, draws);
    world.begin(observer);
    let mut last_arrival = SimTime::ZERO;
    let mut open = true;
    let mut heads: Vec<SimTime> = lanes.iter_mut().map(Lane::peek).collect();
    let (mut at, mut service) = earliest(&heads);
    loop {
        let event = world.next_event();
        if at < event && at < horizon {
            assert!(at >= last_arrival, "arrivals out of order");
            last_arrival = at;
            let lane = &mut lanes[service];
            let arrival = &lane.batch[lane.next];
            lane.next += 1;
            world.pass(at, observer);
            world.arrive(service as u16, arrival, observer);
            heads[service] = lane.peek();
            (at, service) = earliest(&heads);
        } else if open && (at >= horizon || at == SimTime::NEVER) {
            open = false;
            world.close(if horizon == SimTime::NEVER {
                last_arrival
            } else {
                horizon
            });
        } else if event < SimTime::NEVER && (event <= world.end() || world.unfinished()) {
            // Also without requests: instances end until the counted time does.
            world.pass(event, observer);
            world.step(observer);
        } else {
            break;
        }
    }
    world.finish(observer)
}

/// The next of the first arrivals of each service, and its service; the first service at equal times.
#[inline]
fn earliest(heads: &[SimTime]) -> (SimTime, usize) {
    let mut first = (SimTime::NEVER, 0);
    for (i, &at) in heads.iter().enumerate() {
        if at < first.0 {
            first = (at, i);
        }
    }
    first
}
