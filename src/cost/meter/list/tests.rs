//! Every row of the list is built from an example, and one row is enough for a new way of billing.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cost::meter::{Billing, Counts, MemoryLine, MeterSpec, MeteredService, Quantities, Tally};
use crate::model::price::{PriceError, PriceList};
use crate::sim::fact::{Activity, Fact, Finished, FleetState, Outcome, Role};
use crate::sim::observe::Observer;
use crate::sim::platform::PlatformSpec;
use crate::sim::platform::billed_by::{BilledBy, Invocations, NodeKindName, NodeTime};
use crate::sim::platform::control::NodeChange;
use crate::units::{SimDuration, SimTime};

/// A platform for each kind of facts, apart from [`cluster`].
fn platforms() -> Vec<PlatformSpec> {
    let tables = [
        "[lambda]\nmemory = '1Gi'\n",
        "[lambda-managed]",
        "[cloud-run]\nmin-instances = 1",
        "[azure-functions]",
        "[azure-flex]\nalways-ready = 1",
        "[fargate]",
    ];
    tables.iter().map(|table| toml::from_str(table).unwrap()).collect()
}

/// The facts of a cluster, which a platform has only with a resolved scenario.
fn cluster() -> BilledBy<'static> {
    BilledBy::NodeTime(NodeTime {
        kinds: vec![NodeKindName {
            name: "ec2.m7i.large",
            spot: false,
        }],
        control_plane: "eks.cluster.standard_support",
    })
}

/// An instance, a host and a node, a request of a tenth of a second, and a sample after a minute.
fn facts() -> Vec<Fact> {
    let at = |ms: u64| SimTime(ms * 1_000_000);
    let activity = |ms, starting, requests| {
        Fact::Activity(Activity {
            service: 0,
            function: 0,
            instance: 0,
            at: at(ms),
            starting,
            requests,
        })
    };
    vec![
        Fact::Hosts {
            service: 0,
            function: 0,
            at: at(0),
            hosts: 3,
        },
        Fact::Node {
            kind: 0,
            at: at(0),
            change: NodeChange::Comes,
        },
        activity(0, true, 0),
        activity(400, false, 1),
        Fact::Finished(Finished {
            service: 0,
            function: 0,
            index: 0,
            arrived: at(0),
            started: at(400),
            finished: at(500),
            instance: 0,
            cold: true,
            first_use: true,
            init: SimDuration::from_millis(300),
            outcome: Outcome::Completed,
            role: Role::Request,
            provisioned: false,
        }),
        activity(500, false, 0),
        Fact::Sampled {
            service: 0,
            at: at(60_000),
            area: FleetState::default(),
        },
    ]
}

const SERVICE: MeteredService = MeteredService {
    memory: Some(MemoryLine {
        at_one: 3e8,
        growth: 1e8,
    }),
    requests: (1_000, 2_048),
};

/// The name of a row, from its debug text.
fn name(spec: &MeterSpec) -> String {
    let text = format!("{spec:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_string()
}

#[test]
fn every_row_is_built_from_an_example_and_counts_something() {
    let lists: Vec<PriceList> = PriceList::ids().iter().map(|id| PriceList::find(id).unwrap()).collect();
    let platforms = platforms();
    let mut billed_by: Vec<BilledBy<'_>> = platforms
        .iter()
        .map(|platform| platform.part().billed_by(None))
        .collect();
    billed_by.push(cluster());
    let mut built = BTreeSet::new();
    for list in &lists {
        for facts_of_platform in &billed_by {
            // A list of a region may lack the rules of a service.
            let Ok(Some(spec)) = MeterSpec::of(facts_of_platform, list, None) else {
                continue;
            };
            // The example cluster has the node types of one provider.
            if matches!(facts_of_platform, BilledBy::NodeTime(_)) && list.provider != "aws" {
                continue;
            }
            let row = MeterSpec::ROWS.iter().find(|row| row.name == name(&spec)).unwrap();
            assert!(row.providers.contains(&list.provider.as_str()), "{row:?}");
            let facts = format!("{facts_of_platform:?}");
            assert!(facts.starts_with(row.facts), "{row:?} prices {facts}");
            assert_eq!(spec.problems(list), Vec::<String>::new(), "{}", list.id);
            assert_eq!(spec.unknown(&SERVICE), None);
            let mut meter = spec.start(SimDuration::ZERO, &[SERVICE]);
            facts_seen(&spec).iter().for_each(|fact| meter.observe(fact));
            let usage = meter.usage().remove(0);
            assert_ne!(usage, spec.nothing(), "{row:?} counts nothing");
            let quantities = spec.quantities(&usage);
            assert!(quantities.values().any(|quantity| !quantity.is_zero()), "{row:?}");
            for meter in quantities.keys() {
                assert!(spec.meters().contains(&meter.as_str()), "{row:?}: {meter}");
            }
            let mut sum = spec.nothing();
            sum.add(&usage);
            assert_eq!(sum, usage);
            built.insert(row.name);
        }
    }
    let rows: BTreeSet<&str> = MeterSpec::ROWS.iter().map(|row| row.name).collect();
    assert_eq!(built, rows, "every row needs an example in `platforms`");
}

/// The facts that a run tells a meter.
fn facts_seen(spec: &MeterSpec) -> Vec<Fact> {
    let mut facts = facts();
    facts.retain(|fact| spec.needs_activity() || !matches!(fact, Fact::Activity(_)));
    facts
}

/// The files of `src` whose code has `word` as a whole word, apart from tests.
fn named_in(word: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    let is_word = |text: &str| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>()
            .join("\n")
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .any(|own| own == word)
    };
    let named = paths
        .iter()
        .filter(|path| !path.ends_with("tests.rs") && is_word(&std::fs::read_to_string(path).unwrap()));
    let mut named: Vec<String> = named
        .map(|path| path.strip_prefix(&src).unwrap().display().to_string())
        .collect();
    named.sort();
    named
}

#[test]
fn nothing_but_its_file_and_its_row_names_a_meter() {
    let list = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cost/meter.rs")).unwrap();
    let rows: Vec<(&str, &str)> = list
        .lines()
        .filter(|line| line.contains(" prices "))
        .map(|line| {
            let path = line.split(['(', ')']).nth(1).unwrap();
            path.split_once("::").unwrap()
        })
        .collect();
    assert_eq!(rows.len(), MeterSpec::ROWS.len());
    for (file, spec) in rows {
        let own = format!("cost/meter/{file}.rs");
        assert_eq!(named_in(spec), ["cost/meter.rs".to_string(), own], "{spec}");
    }
}

/// A way of billing for the test: it counts requests.
mod fake {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    pub struct FakeMeterSpec;

    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct FakeUsage(u64);

    #[derive(Debug)]
    pub struct FakeMeter(u64);

    impl Tally for FakeUsage {
        fn add(&mut self, other: &Self) {
            self.0 += other.0;
        }
    }

    impl Observer for FakeMeter {
        fn observe(&mut self, fact: &Fact) {
            self.0 += u64::from(matches!(fact, Fact::Finished(_)));
        }
    }

    impl Counts for FakeMeter {
        type Usage = FakeUsage;

        fn usage(&self) -> Vec<FakeUsage> {
            vec![FakeUsage(self.0)]
        }
    }

    impl Billing for FakeMeterSpec {
        type Facts<'a> = Invocations;
        type Usage = FakeUsage;
        type Meter = FakeMeter;

        fn new(_: &Invocations, _: &PriceList, _: Option<jiff::civil::Date>) -> Result<Option<Self>, PriceError> {
            Ok(Some(Self))
        }

        fn meters(&self) -> Vec<&str> {
            vec!["lambda.requests"]
        }

        fn assumptions(&self) -> Vec<crate::assumption::Assumption> {
            Vec::new()
        }

        fn start(&self, _: SimDuration, _: &[MeteredService]) -> FakeMeter {
            FakeMeter(0)
        }

        fn quantities(&self, usage: &FakeUsage) -> Quantities {
            Quantities::from([("lambda.requests".to_string(), usage.0.into())])
        }
    }
}

#[allow(dead_code)]
mod one_row {
    use super::fake;

    meters! {
        /// A fake.
        Fake(fake::FakeMeterSpec) prices Invocations by ["aws"],
    }
}

#[test]
fn a_new_way_of_billing_is_one_file_and_one_row() {
    let list = PriceList::find("aws-us-east-1").unwrap();
    let platform: PlatformSpec = toml::from_str("[lambda]\nmemory = '1Gi'").unwrap();
    let billed_by = platform.part().billed_by(None);
    let spec = one_row::MeterSpec::of(&billed_by, &list, None).unwrap().unwrap();
    assert_eq!(spec.problems(&list), Vec::<String>::new());
    let mut meter = spec.start(SimDuration::ZERO, &[SERVICE]);
    facts().iter().for_each(|fact| meter.observe(fact));
    let quantities = spec.quantities(&meter.usage()[0]);
    assert_eq!(quantities["lambda.requests"].to_string(), "1");
    // Facts and providers that the row does not name have no meter.
    let gcp = PriceList::find("gcp-us-central1").unwrap();
    assert_eq!(one_row::MeterSpec::of(&billed_by, &gcp, None).unwrap(), None);
    assert_eq!(one_row::MeterSpec::of(&cluster(), &list, None).unwrap(), None);
}
