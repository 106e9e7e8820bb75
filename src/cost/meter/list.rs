//! The list of meters. A row such as `Lambda(lambda::LambdaMeterSpec) prices Invocations by ["aws"]` names the way of
//! billing, the facts that it prices and the providers whose price lists it reads.
//!
//! The list makes enums and not trait objects: a meter observes every fact of a run, and a `match` is inlined.

/// A row of the list, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterRow {
    /// Name of the way of billing.
    pub name: &'static str,
    /// The facts that it prices: a variant of [`crate::sim::platform::BilledBy`].
    pub facts: &'static str,
    /// Providers whose price lists it reads.
    pub providers: &'static [&'static str],
}

/// Makes `MeterSpec`, `Usage` and `Meter` of rows that all implement [`super::Billing`].
macro_rules! meters {
    ($($(#[$doc:meta])* $row:ident($spec:path) prices $facts:ident by [$($provider:literal),+],)+) => {
        /// The way in which a platform is billed, with the rules of a price list.
        #[derive(Debug, Clone, PartialEq)]
        pub enum MeterSpec {
            $($(#[$doc])* $row($spec),)+
        }

        /// Billed quantities of one service.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Usage {
            $($(#[$doc])* $row(<$spec as $crate::cost::meter::Billing>::Usage),)+
        }

        /// An observer of a run that counts billed quantities.
        #[derive(Debug)]
        pub enum Meter {
            $($(#[$doc])* $row(<$spec as $crate::cost::meter::Billing>::Meter),)+
        }

        const _: () = {
            use jiff::civil::Date;

            use $crate::assumption::Assumption;
            use $crate::cost::meter::{Billing, ClusterPart, Counts, MeterRow, MeteredService, Quantities, Tally};
            use $crate::model::price::{PriceError, PriceList};
            use $crate::sim::fact::{Fact, Finished};
            use $crate::sim::observe::Observer;
            use $crate::sim::platform::BilledBy;
            use $crate::units::SimDuration;

            impl MeterSpec {
                /// All rows of the list.
                pub const ROWS: &'static [MeterRow] = &[
                    $(MeterRow {
                        name: stringify!($row),
                        facts: stringify!($facts),
                        providers: &[$($provider),+],
                    },)+
                ];

                /// Returns the rules of `list` for a platform that bills by these facts, as they were on the day `rules_of`;
                /// `None` as the day means the day from which the list is valid. Returns `None` if the list has no prices of
                /// the platform.
                ///
                /// # Errors
                /// If the list has prices of the platform and lacks its rules.
                pub fn of(
                    billed_by: &BilledBy<'_>,
                    list: &PriceList,
                    rules_of: Option<Date>,
                ) -> Result<Option<Self>, PriceError> {
                    Ok(match (billed_by, list.provider.as_str()) {
                        $((BilledBy::$facts(facts), $($provider)|+) => {
                            <$spec as Billing>::new(facts, list, rules_of)?.map(Self::$row)
                        })+
                        _ => None,
                    })
                }

                /// The meters that quantities may be counted under.
                pub fn meters(&self) -> Vec<&str> {
                    match self { $(Self::$row(spec) => spec.meters(),)+ }
                }

                /// The errors about meters that the list lacks.
                pub fn problems(&self, list: &PriceList) -> Vec<String> {
                    let missing = self.meters().into_iter().filter_map(|meter| list.price(meter).err());
                    missing.map(|error| error.to_string()).collect()
                }

                /// Choices that change the bill.
                pub fn assumptions(&self) -> Vec<Assumption> {
                    match self { $(Self::$row(spec) => spec.assumptions(),)+ }
                }

                /// True if the meter needs the facts about what each instance does.
                pub fn needs_activity(&self) -> bool {
                    match self { $(Self::$row(spec) => spec.needs_activity(),)+ }
                }

                /// The reason why the cost of a service cannot be known; `None` if it can.
                pub fn unknown(&self, service: &MeteredService) -> Option<String> {
                    match self { $(Self::$row(spec) => spec.unknown(service),)+ }
                }

                /// Milliseconds that are billed for one request, if requests are billed by their duration; else 0.
                #[inline]
                pub fn billed_ms(&self, request: &Finished) -> u64 {
                    match self { $(Self::$row(spec) => spec.billed_ms(request),)+ }
                }

                /// The usage of so many requests with so many billed milliseconds; `None` if anything else is billed.
                pub fn by_request(&self, requests: u64, billed_ms: u64) -> Option<Usage> {
                    match self { $(Self::$row(spec) => spec.by_request(requests, billed_ms).map(Usage::$row),)+ }
                }

                /// The part of a cluster that a meter bills; `None` if it bills something else.
                pub fn cluster_part(&self, meter: &str) -> Option<ClusterPart> {
                    match self { $(Self::$row(spec) => spec.cluster_part(meter),)+ }
                }

                /// The usage of a service that used nothing.
                pub fn nothing(&self) -> Usage {
                    match self { $(Self::$row(_) => Usage::$row(Default::default()),)+ }
                }

                /// Returns an observer for these services. It counts nothing before the end of the warm-up.
                pub fn start(&self, warm_up: SimDuration, services: &[MeteredService]) -> Meter {
                    match self { $(Self::$row(spec) => Meter::$row(spec.start(warm_up, services)),)+ }
                }

                /// The quantities by meter.
                pub fn quantities(&self, usage: &Usage) -> Quantities {
                    match (self, usage) {
                        $((Self::$row(spec), Usage::$row(usage)) => spec.quantities(usage),)+
                        #[allow(unreachable_patterns)]
                        _ => mixed(),
                    }
                }

                /// The part of the quantities that was billed for starting instances.
                pub fn start_quantities(&self, usage: &Usage) -> Quantities {
                    match (self, usage) {
                        $((Self::$row(spec), Usage::$row(usage)) => spec.start_quantities(usage),)+
                        #[allow(unreachable_patterns)]
                        _ => mixed(),
                    }
                }

                /// The part of the quantities that was billed for instances without a request; `None` if it is not counted
                /// separately.
                pub fn idle_quantities(&self, usage: &Usage) -> Option<Quantities> {
                    match (self, usage) {
                        $((Self::$row(spec), Usage::$row(usage)) => spec.idle_quantities(usage),)+
                        #[allow(unreachable_patterns)]
                        _ => mixed(),
                    }
                }
            }

            impl Usage {
                /// Adds the quantities of `other`, which must come from a meter of the same kind.
                pub fn add(&mut self, other: &Self) {
                    match (self, other) {
                        $((Self::$row(usage), Self::$row(other)) => Tally::add(usage, other),)+
                        #[allow(unreachable_patterns)]
                        _ => mixed(),
                    }
                }
            }

            impl Meter {
                /// The quantities so far, by service. Requests are counted up to now, time up to the last sample.
                pub fn usage(&self) -> Vec<Usage> {
                    match self { $(Self::$row(meter) => meter.usage().into_iter().map(Usage::$row).collect(),)+ }
                }
            }

            impl Observer for Meter {
                #[inline]
                fn observe(&mut self, fact: &Fact) {
                    match self { $(Self::$row(meter) => meter.observe(fact),)+ }
                }
            }

            #[allow(dead_code)]
            fn mixed() -> ! {
                unreachable!("usage of one platform is priced by the meter of that platform")
            }
        };
    };
}
pub(super) use meters;

#[cfg(test)]
mod tests;
