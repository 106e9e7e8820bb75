//! The traits that a way of billing implements.

use jiff::civil::Date;

use super::Quantities;
use crate::assumption::Assumption;
use crate::cost::meter::memory_line::MemoryLine;
use crate::model::price::{PriceError, PriceList};
use crate::sim::fact::Finished;
use crate::sim::observe::Observer;
use crate::units::SimDuration;

/// A way of billing, with the rules of one price list for one platform.
pub trait Billing: Sized {
    /// The physical facts by which a platform bills, and which this way of billing prices.
    type Facts<'a>;

    /// Billed quantities of one service.
    type Usage: Tally;

    /// The observer that counts them.
    type Meter: Counts<Usage = Self::Usage>;

    /// Returns the rules of `list` for a platform with these facts, as they were on the day `rules_of`; `None` as the day
    /// means the day from which the list is valid. Returns `None` if no price of the list fits the facts.
    ///
    /// # Errors
    /// If the list lacks the rules, or a price that the rules depend on.
    fn new(facts: &Self::Facts<'_>, list: &PriceList, rules_of: Option<Date>) -> Result<Option<Self>, PriceError>;

    /// The meters of the price list that quantities may be counted under.
    fn meters(&self) -> Vec<&str>;

    /// Choices that change the bill.
    fn assumptions(&self) -> Vec<Assumption>;

    /// Returns an observer for these services. It counts nothing before the end of the warm-up.
    fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> Self::Meter;

    /// The quantities by meter.
    fn quantities(&self, usage: &Self::Usage) -> Quantities;

    /// The part of the quantities that is billed for starting instances. Default: starts cost nothing.
    fn start_quantities(&self, _usage: &Self::Usage) -> Quantities {
        Quantities::new()
    }

    /// The part of the quantities that is billed for instances without a request; `None` (the default) if it is not counted
    /// separately.
    fn idle_quantities(&self, _usage: &Self::Usage) -> Option<Quantities> {
        None
    }

    /// True if the observer needs the facts about what each instance does.
    fn needs_activity(&self) -> bool {
        false
    }

    /// The reason why the cost of a service cannot be known; `None` if it can.
    fn unknown(&self, _service: &MeteredService) -> Option<String> {
        None
    }

    /// Milliseconds that are billed for one request, if requests are billed by their duration; else 0.
    #[inline]
    fn billed_ms(&self, _request: &Finished) -> u64 {
        0
    }

    /// The usage of so many requests with so many billed milliseconds; `None` if anything else is billed.
    fn by_request(&self, _requests: u64, _billed_ms: u64) -> Option<Self::Usage> {
        None
    }

    /// The part of a cluster that a meter bills; `None` if it bills something else.
    fn cluster_part(&self, _meter: &str) -> Option<ClusterPart> {
        None
    }
}

/// Billed quantities that can be added up.
pub trait Tally: Clone + Default {
    /// Adds the quantities of `other`.
    fn add(&mut self, other: &Self);
}

/// An observer that counts billed quantities.
pub trait Counts: Observer {
    /// Billed quantities of one service.
    type Usage;

    /// The quantities so far, by service. Requests are counted up to now, time up to the last sample.
    fn usage(&self) -> Vec<Self::Usage>;
}

/// A service as a meter sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeteredService {
    /// Memory of its instances by requests in service, if it was measured.
    pub memory: Option<MemoryLine>,
    /// The requests of one of its pods: thousandths of a core, and MiB.
    pub requests: (u64, u64),
}

/// A part of a cluster that is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterPart {
    /// Its nodes.
    Nodes,
    /// Its control plane.
    ControlPlane,
}
