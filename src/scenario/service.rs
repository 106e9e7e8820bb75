//! From a service of a scenario to what the simulator needs of it.

use super::client::ClientSpec;
use super::cluster::with_pod;
use super::file::Service;
use super::plan::{PlannedService, Planner};
use super::resolve::label;
use crate::sim::client::{Client, Users};
use crate::sim::platform::PlatformSpec;
use crate::sim::pool::Routing;
use crate::sim::setup::{ColdModel, ServiceSetup};
use crate::trace::Traffic;

impl Planner<'_> {
    pub(super) fn service(&mut self, service: &Service) -> Option<PlannedService> {
        // What was asked of the platform as a whole holds for the services after it again.
        let shape = self.shape;
        self.shape = with_pod(shape, service.pod);
        let planned = self.planned(service);
        self.shape = shape;
        planned
    }

    fn planned(&mut self, service: &Service) -> Option<PlannedService> {
        let Service {
            name,
            framework,
            traffic,
            work,
            client,
            slo,
            ..
        } = service;
        if let Some(slo) = slo
            && !(slo.objective > 0.0 && slo.objective <= 1.0)
        {
            self.problem(format!(
                "`slo.objective` is {}; it must be above 0 and at most 1, such as 0.99",
                slo.objective
            ));
        }
        let traffic = match traffic {
            Some(traffic) => Some(traffic.scaled(self.scenario.traffic_factor)),
            None => {
                self.problem(format!(
                    "there is no [traffic] for `{name}`; kinds: {}",
                    Traffic::NAMES.join(", ")
                ));
                None
            }
        };
        let (traffic, repeat) = traffic.unzip();
        for problem in traffic.iter().flat_map(Traffic::problems) {
            self.problem(problem);
        }
        let client = self.client(client.as_ref(), traffic.as_ref());
        let platform = self.scenario.platform.part();
        let mut client = match (platform.queue(), client) {
            (Some(_), Some(_)) => {
                self.problem(format!(
                    "[platform.{}] takes requests into a queue of its own: [client] and closed-loop traffic have no meaning with it",
                    self.scenario.platform.name()
                ));
                None
            }
            (queue, client) => queue.or(client),
        };
        let users = |client: &Client| client.users.is_some() || client.sessions > 0;
        if self.shape.routing == Routing::Sticky && !client.as_ref().is_some_and(users) {
            self.problem("`routing = \"sticky\"` is about sessions: set `client.sessions`, or use closed-loop traffic");
        }
        if let Some(limit) = platform.request_timeout() {
            let client = client.get_or_insert_with(|| ClientSpec::default().client(None));
            client.timeout = Some(client.timeout.map_or(limit, |timeout| timeout.min(limit)));
        }
        let resolved = match self.resolve(framework, work.as_ref()) {
            Ok(resolved) => resolved,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        if self.shape.starts_ahead && matches!(resolved.cold, ColdModel::Response(_)) {
            self.problem(format!(
                "[profile.{framework}]: this platform needs `cold-start` in place of `cold-response`: an instance that is started \
                 ahead of requests has no first one whose whole response time would be known"
            ));
        }
        let cold = self.restored(resolved.cold);
        Some(PlannedService {
            name: name.clone(),
            framework: label(framework),
            profile_source: resolved.source,
            traffic: traffic?,
            repeat: repeat?,
            slo: *slo,
            tags: service.tags.clone(),
            memory: resolved.memory,
            image: resolved.image,
            requests: (0, 0),
            setup: ServiceSetup {
                warm: resolved.warm,
                inside: resolved.inside,
                code_warm_up: resolved.warm_up,
                cold,
                concurrency: self.shape.concurrency.max(1),
                most_in_flight: resolved.most_in_flight,
                routing: self.shape.routing,
                timeout: self.shape.timeout,
                init_limit: self.shape.init_limit,
                queue_timeout: self.shape.queue_timeout,
                queue_refuses: self.shape.queue_refuses,
                starts_ahead: self.shape.starts_ahead,
                initial: self.shape.initial,
                client,
                first_entity: None,
            },
        })
    }

    /// Starts as they are where environments are restored from a snapshot.
    fn restored(&mut self, cold: ColdModel) -> ColdModel {
        let PlatformSpec::Lambda(spec) = &self.scenario.platform else {
            return cold;
        };
        let Some(snap_start) = &spec.snap_start else {
            return cold;
        };
        let fetch = self.dist("platform.lambda.snap-start.fetch", &snap_start.fetch);
        let resume = self.dist("platform.lambda.snap-start.resume", &snap_start.resume);
        match (fetch, resume) {
            (Ok(fetch), Ok(resume)) => ColdModel::Restored {
                fetch,
                resume,
                starts: match cold {
                    ColdModel::Measured(starts) => starts,
                    _ => [].into(),
                },
            },
            (fetch, resume) => {
                self.problems.extend(fetch.err());
                self.problems.extend(resume.err());
                cold
            }
        }
    }

    /// What the senders of a service's requests do; `None` if each asks once and waits.
    fn client(&mut self, spec: Option<&ClientSpec>, traffic: Option<&Traffic>) -> Option<Client> {
        if let Some(spec) = spec {
            self.problems.extend(spec.problems());
            self.assumptions.extend(spec.assumptions());
        }
        let closed = traffic.and_then(|traffic| Some((traffic.name(), traffic.closed_loop()?)));
        let users = closed.and_then(
            |(name, closed)| match self.dist(&format!("traffic.{name}.think"), closed.think) {
                Ok(think) if think.mean_s() > 0.0 => Some(Users {
                    count: closed.users,
                    think,
                }),
                Ok(_) => {
                    self.problem(format!(
                        "traffic.{name}: users must think for some time, or they ask without end at one instant"
                    ));
                    None
                }
                Err(problem) => {
                    self.problem(problem);
                    None
                }
            },
        );
        if spec.is_none() && users.is_none() {
            return None;
        }
        Some(spec.cloned().unwrap_or_default().client(users))
    }
}
