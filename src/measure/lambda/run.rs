//! A whole measurement on Lambda, from the first function until the last one is deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use rust_decimal::Decimal;
use tokio::time::{Instant, sleep};

use super::api::{Api, Wanted};
use super::call::{Called, call, event};
use super::failed::{Failed, Kind};
use super::journal::{Journal, PREFIX, TAG, Thing};
use super::plan::{BURST_HOLD_S, Prices, dollars};
use super::sample::{Cause, Place, Sample, Samples, Verdict, judge};
use super::wait::{patiently, until_ready};
use super::{LambdaSubject, Request, Source, cleanup, image, profile};
use crate::measure::progress::Progress;
use crate::measure::run::{Unmeasured, now, run_id, stop_signal, sweep};
use crate::measure::{MeasureError, store};
use crate::model::profile::{FrameworkProfile, IdleLook};
use crate::rng::{Draws, Purpose};
use crate::units::MemoryMib;

/// The attempts of an invocation that is throttled, with growing pauses between them.
const ATTEMPTS: u32 = 6;
/// The first of these pauses.
const PAUSE: Duration = Duration::from_secs(1);
/// The weight of a start in the progress.
const WEIGHT: u64 = 1;

/// The outcome of a measurement.
#[derive(Debug, Default)]
pub struct Finished {
    /// The profiles, each with the path of its file.
    pub profiles: Vec<(FrameworkProfile, PathBuf)>,
    /// The subjects without a single start.
    pub unmeasured: Vec<Unmeasured>,
    /// The cost of what was billed, in US dollars.
    pub spent: Decimal,
}

/// Measures, and removes everything that it has made, however it ends. `resume` names an interrupted run.
///
/// # Errors
/// If a call fails for good, the disk refuses, or a signal stops the run. Samples that were taken stay on disk.
pub async fn run(
    api: &Api,
    request: &Request,
    prices: &Prices,
    resume: Option<&str>,
    progress: &mut Progress,
) -> Result<Finished, MeasureError> {
    let id = resume.map_or_else(run_id, str::to_string);
    let journal = Journal::open(&request.out, &id)?;
    let (samples, taken) = Samples::open(&request.out, &id)?;
    progress.say(&format!(
        "run {id} in {}; {} samples are on disk",
        api.region(),
        taken.len()
    ));
    let mut session = Session {
        api,
        request,
        prices,
        id: id.clone(),
        journal,
        samples,
        seen: taken.iter().filter_map(|sample| sample.process_id.clone()).collect(),
        taken,
        spent: Decimal::ZERO,
        idle: BTreeMap::new(),
        is_cut_short: false,
    };
    let outcome = tokio::select! {
        biased;
        () = stop_signal() => Ok(Err(MeasureError::Interrupted { kept: None })),
        outcome = AssertUnwindSafe(session.measure(progress)).catch_unwind() => outcome,
    };
    progress.end();
    if matches!(outcome, Ok(Err(MeasureError::Interrupted { .. }))) {
        progress.say("stopping: removing what this run has made; another Ctrl-C leaves at once");
    }
    let by_hand = format!(
        "coldcast measure lambda cleanup --run {id} --out {}",
        request.out.display()
    );
    let removing = async {
        let left = cleanup::remove_left(api, &mut session.journal).await;
        left.err().map(|error| error.to_string())
    };
    sweep(removing, &by_hand).await;
    let is_clean = session.journal.left().is_ok_and(|left| left.is_empty());
    let kept = session.samples.path().to_path_buf();
    let outcome = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match outcome {
        Ok(finished) => {
            if is_clean {
                session.journal.discard();
            }
            if session.is_cut_short {
                progress.say(&format!("--resume {id} with a higher --max-usd takes the rest"));
            } else if finished.unmeasured.is_empty() {
                session.samples.discard();
            }
            Ok(finished)
        }
        Err(error) => {
            if session.taken.is_empty() {
                return Err(error);
            }
            let hints = vec![
                format!("the samples taken so far are in {}", kept.display()),
                format!("to continue, run the same command with --resume {id}"),
            ];
            Err(match error {
                MeasureError::Interrupted { .. } => MeasureError::Cloud {
                    reason: "stopped by a signal".into(),
                    hints,
                },
                MeasureError::Cloud { reason, hints: own } => MeasureError::Cloud {
                    reason,
                    hints: own.into_iter().chain(hints).collect(),
                },
                error => error,
            })
        }
    }
}

struct Session<'a> {
    api: &'a Api,
    request: &'a Request,
    prices: &'a Prices,
    id: String,
    journal: Journal,
    samples: Samples,
    taken: Vec<Sample>,
    /// The processes that have answered.
    seen: BTreeSet<String>,
    spent: Decimal,
    idle: BTreeMap<String, Vec<IdleLook>>,
    /// True if starts were left out because of their cost.
    is_cut_short: bool,
}

impl Session<'_> {
    async fn measure(&mut self, progress: &mut Progress) -> Result<Finished, MeasureError> {
        let limit = self.api.concurrency_limit().await;
        let limit = match limit {
            // An emulator may not know the call.
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Other) => None,
            limit => limit?,
        };
        if let Some(limit) = limit.filter(|limit| self.request.burst as i32 > *limit) {
            return Err(MeasureError::BadRequest(format!(
                "--burst {} is above the {limit} environments that this account may have at a time",
                self.request.burst
            )));
        }
        let mut functions = BTreeMap::new();
        for subject in &self.request.subjects {
            progress.step(format!("{}: deploying", subject.name));
            functions.insert(subject.name.clone(), self.deploy(subject, progress).await?);
        }
        let due = self.due();
        progress.begin(due.len() as u64 * WEIGHT);
        let mut rest = due.as_slice();
        while let Some(place) = rest.first() {
            if self.is_over_budget(place.memory) {
                progress.say(&format!(
                    "stopped: the next start could cost more than --max-usd leaves; {} dollars were spent",
                    dollars(self.spent)
                ));
                self.is_cut_short = true;
                break;
            }
            let (_, name) = functions
                .iter()
                .find(|(subject, _)| **subject == place.subject)
                .expect("every place has a function");
            progress.now(format!("{}, {}, {}", place.subject, place.memory, place.cause.name()));
            let together = match place.cause {
                Cause::Burst => {
                    let same = |other: &&Place| {
                        (&other.subject, other.memory, other.cause) == (&place.subject, place.memory, place.cause)
                    };
                    rest.iter().take_while(same).count().min(self.request.burst as usize)
                }
                _ => 1,
            };
            let (now, later) = rest.split_at(together);
            for sample in self.starts(name, now).await? {
                self.keep(sample)?;
            }
            progress.advance(together as u64 * WEIGHT);
            rest = later;
        }
        for subject in &self.request.subjects {
            if !self.request.idle_gaps.is_empty() {
                let name = &functions[&subject.name];
                let looks = self.look_at_silence(name, subject, progress).await?;
                self.idle.insert(subject.name.clone(), looks);
            }
        }
        self.finish()
    }

    /// Creates the function of a subject and waits until it can be invoked.
    async fn deploy(&mut self, subject: &LambdaSubject, progress: &Progress) -> Result<String, MeasureError> {
        let name = format!("{PREFIX}{}-{}", self.id, subject.name.replace('.', "_"));
        let code = match &subject.source {
            Source::Framework { framework, folder } => {
                let repository = Thing::Repository {
                    region: self.api.region().to_string(),
                    name: name.clone(),
                };
                self.journal.makes(&repository)?;
                image::push(self.api, &name, &self.id, framework, folder, progress).await?
            }
            Source::Image(uri) => super::api::Code::Image(uri.clone()),
            Source::Zip {
                file,
                runtime,
                handler,
                layers,
            } => super::api::Code::Zip {
                bytes: std::fs::read(file).map_err(MeasureError::io(file))?,
                runtime: runtime.clone(),
                handler: handler.clone(),
                layers: layers.clone(),
            },
        };
        let wanted = Wanted {
            name: name.clone(),
            code,
            role: self.request.role.clone(),
            memory_mb: self.request.memory[0].0,
            timeout: self.request.timeout,
            arm: self.request.arm,
            variables: variables(subject, "0"),
            tags: HashMap::from([(TAG.to_string(), self.id.clone())]),
            snap_start: self.request.snap_start,
        };
        let thing = Thing::Function {
            region: self.api.region().to_string(),
            name: name.clone(),
        };
        self.journal.makes(&thing)?;
        patiently(async || match self.api.create(&wanted).await {
            // A killed run of the same number has made it.
            Err(error) if error.kind == Kind::Conflict => Ok(String::new()),
            outcome => outcome,
        })
        .await?;
        until_ready(self.api, &name, None).await?;
        Ok(name)
    }

    /// The starts that are not on disk yet, in random order. Those of one burst stay together.
    fn due(&self) -> Vec<Place> {
        let done: BTreeSet<&Place> = self.taken.iter().map(|sample| &sample.place).collect();
        let mut groups: Vec<Vec<Place>> = Vec::new();
        for subject in &self.request.subjects {
            for &memory in &self.request.memory {
                for &cause in &self.request.causes {
                    let place = |number| Place {
                        subject: subject.name.clone(),
                        memory,
                        cause,
                        number,
                    };
                    let places: Vec<Place> = (0..self.request.samples)
                        .map(place)
                        .filter(|place| !done.contains(place))
                        .collect();
                    let size = if cause == Cause::Burst {
                        self.request.burst.max(1) as usize
                    } else {
                        1
                    };
                    groups.extend(places.chunks(size).map(<[Place]>::to_vec));
                }
            }
        }
        let order = Draws::new(self.request.seed, 0).stream(Purpose::Order, 0);
        let mut keyed: Vec<(u64, Vec<Place>)> = groups
            .into_iter()
            .enumerate()
            .map(|(k, group)| (order.bits(k as u64), group))
            .collect();
        keyed.sort();
        keyed.into_iter().flat_map(|(_, group)| group).collect()
    }

    fn is_over_budget(&self, memory: MemoryMib) -> bool {
        let most = self.prices.most(self.request, memory);
        self.request.max_usd.is_some_and(|max| self.spent + most > max)
    }

    /// Takes one start with its warm invocations, or the starts of one burst.
    async fn starts(&mut self, name: &str, places: &[Place]) -> Result<Vec<Sample>, MeasureError> {
        let place = &places[0];
        let subject = self
            .request
            .subjects
            .iter()
            .find(|subject| subject.name == place.subject);
        let subject = subject.expect("every place has a subject");
        let nonce = format!("{}-{}-{}-{}", self.id, place.memory.0, place.cause.name(), place.number);
        let variables = variables(subject, &nonce);
        patiently(async || self.api.configure(name, place.memory.0, &variables).await).await?;
        until_ready(self.api, name, None).await?;
        self.api.open_connection().await;
        if place.cause == Cause::Burst {
            return self.burst(name, subject, places).await;
        }
        let version = match place.cause {
            Cause::Version => Some(patiently(async || self.api.publish(name, &nonce).await).await?),
            _ => None,
        };
        let published = Instant::now();
        if let Some(version) = &version {
            until_ready(self.api, name, Some(version)).await?;
        }
        let event = event(&subject.path, "");
        let age = version.as_ref().map(|_| published.elapsed().as_secs_f64());
        let mut sample = self.first(name, version.as_deref(), &event, place).await?;
        sample.version_age_s = age;
        if sample.verdict.is_sample() {
            self.warm(name, version.as_deref(), &event, &mut sample).await?;
        }
        if let Some(version) = &version {
            patiently(async || self.api.delete(name, Some(version)).await).await?;
        }
        Ok(vec![sample])
    }

    /// Invokes a function that has no environment, again while it is throttled.
    async fn first(
        &mut self,
        name: &str,
        version: Option<&str>,
        event: &[u8],
        place: &Place,
    ) -> Result<Sample, MeasureError> {
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match call(self.api, name, version, event).await {
                Ok(called) => return Ok(self.sample(place, &called)),
                Err(error) if error.kind == Kind::Throttled && attempt < ATTEMPTS => {
                    // Jitter by the place, so that runs at the same time do not stay in step.
                    sleep(pause + Duration::from_millis(u64::from(place.number % 7) * 50)).await;
                    pause *= 2;
                }
                Err(error) => return self.lost(place, error),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The sample of a call that failed, or the error if no further call can succeed.
    fn lost(&self, place: &Place, error: Failed) -> Result<Sample, MeasureError> {
        let verdict = match error.kind {
            Kind::Throttled => Verdict::Throttled,
            Kind::Cut | Kind::Other => Verdict::Unusable(error.to_string()),
            _ => return Err(error.into()),
        };
        Ok(empty(place, verdict))
    }

    /// The warm invocations after a start. Their environment must be that of the start.
    async fn warm(
        &mut self,
        name: &str,
        version: Option<&str>,
        event: &[u8],
        sample: &mut Sample,
    ) -> Result<(), MeasureError> {
        for _ in 0..self.request.warm {
            let called = match call(self.api, name, version, event).await {
                Ok(called) => called,
                Err(error) if matches!(error.kind, Kind::Throttled | Kind::Cut | Kind::Other) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            self.spend(sample.place.memory, &called);
            let Some(duration_ms) = called.duration_ms().filter(|_| called.error.is_none()) else {
                continue;
            };
            if called.process_id == sample.process_id && called.init_ms().is_none() {
                sample.warm.push([called.wall_ms, duration_ms]);
            } else if let Some(process) = called.process_id {
                self.seen.insert(process);
            }
        }
        Ok(())
    }

    /// Makes as many invocations at the same time as there are places, each of which needs an environment of its own.
    async fn burst(
        &mut self,
        name: &str,
        subject: &LambdaSubject,
        places: &[Place],
    ) -> Result<Vec<Sample>, MeasureError> {
        let query = format!("ms={}", (1e3 * BURST_HOLD_S) as u32);
        let event = match subject.source {
            Source::Framework { .. } => event("/io", &query),
            // Nobody knows a route of the user's image that waits.
            _ => event(&subject.path, ""),
        };
        let calls = places.iter().map(|_| call(self.api, name, None, &event));
        let outcomes = join_all(calls).await;
        let mut samples = Vec::new();
        for (place, outcome) in places.iter().zip(outcomes) {
            samples.push(match outcome {
                Ok(called) => self.sample(place, &called),
                Err(error) => self.lost(place, error)?,
            });
        }
        Ok(samples)
    }

    /// The sample of a call that should have been a start.
    fn sample(&mut self, place: &Place, called: &Called) -> Sample {
        let verdict = judge(called, &self.seen);
        self.spend(place.memory, called);
        self.seen.extend(called.process_id.clone());
        let report = called.report.as_ref();
        Sample {
            at: now(),
            wall_ms: Some(called.wall_ms),
            init_ms: called.init_ms().or_else(|| called.inits.first()?.duration_ms),
            restore_ms: report.and_then(|report| report.restore_ms),
            duration_ms: called.duration_ms(),
            billed_ms: report.and_then(|report| report.billed_ms),
            max_memory_mb: report
                .and_then(|report| report.max_memory_mb)
                .filter(|_| called.emulated_init_ms.is_none()),
            process_id: called.process_id.clone(),
            emulated: called.emulated_init_ms.is_some() || self.api.is_emulated(),
            ..empty(place, verdict)
        }
    }

    fn spend(&mut self, memory: MemoryMib, called: &Called) {
        let billed = called.report.as_ref().and_then(|report| report.billed_ms);
        self.spent += self.prices.usd(memory, billed.unwrap_or(called.wall_ms) / 1e3, 1);
    }

    fn keep(&mut self, sample: Sample) -> Result<(), MeasureError> {
        self.samples.append(&sample)?;
        self.taken.push(sample);
        Ok(())
    }

    /// Invokes a silent function after each gap, and sees whether its environment was still there.
    async fn look_at_silence(
        &mut self,
        name: &str,
        subject: &LambdaSubject,
        progress: &Progress,
    ) -> Result<Vec<IdleLook>, MeasureError> {
        let event = event(&subject.path, "");
        let mut looks = Vec::new();
        let mut before = patiently(async || call(self.api, name, None, &event).await).await?;
        for gap in &self.request.idle_gaps {
            progress.step(format!("{}: silent for {} s", subject.name, gap.as_secs()));
            sleep(*gap).await;
            let called = patiently(async || call(self.api, name, None, &event).await).await?;
            let same = called.process_id.is_some() && called.process_id == before.process_id;
            looks.push(IdleLook {
                gap_s: gap.as_secs_f64(),
                alive: same,
            });
            self.spend(self.request.memory[0], &called);
            before = called;
        }
        Ok(looks)
    }

    /// Writes the profile of each subject with a start.
    fn finish(&mut self) -> Result<Finished, MeasureError> {
        let mut finished = Finished {
            spent: self.spent,
            ..Finished::default()
        };
        for subject in &self.request.subjects {
            let own: Vec<&Sample> = self
                .taken
                .iter()
                .filter(|sample| sample.place.subject == subject.name)
                .collect();
            if !own.iter().any(|sample| sample.verdict.is_sample()) {
                let reason = own.iter().rev().find_map(|sample| match &sample.verdict {
                    Verdict::Unusable(reason) => Some(reason.clone()),
                    Verdict::Throttled => Some("every invocation was throttled".into()),
                    Verdict::Warm => Some("no start could be forced".into()),
                    _ => None,
                });
                finished.unmeasured.push(Unmeasured {
                    name: subject.name.clone(),
                    reason: reason.unwrap_or_else(|| "no start was taken".into()),
                    hints: Vec::new(),
                });
                continue;
            }
            let idle = self.idle.get(&subject.name).map(Vec::as_slice).unwrap_or_default();
            let profile = profile::assemble(
                self.request,
                subject,
                &own,
                idle,
                self.api.region(),
                self.api.is_emulated(),
            );
            let path = store::write_profile(&self.request.out, &profile)?;
            finished.profiles.push((profile, path));
        }
        Ok(finished)
    }
}

/// A sample of which nothing is known but its place.
fn empty(place: &Place, verdict: Verdict) -> Sample {
    Sample {
        place: place.clone(),
        at: now(),
        verdict,
        wall_ms: None,
        init_ms: None,
        restore_ms: None,
        duration_ms: None,
        billed_ms: None,
        max_memory_mb: None,
        process_id: None,
        emulated: false,
        warm: Vec::new(),
        version_age_s: None,
    }
}

/// The whole environment of a function, with a nonce that changes it.
fn variables(subject: &LambdaSubject, nonce: &str) -> HashMap<String, String> {
    let port = subject.port.to_string();
    let pairs = [
        ("PORT", port.as_str()),
        ("AWS_LWA_PORT", &port),
        ("AWS_LWA_READINESS_CHECK_PATH", &subject.path),
        // Release 0.9 of the adapter reads the first of these, 1.0 the second.
        ("AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS", "300"),
        ("AWS_LWA_READINESS_CHECK_HEALTHY_STATUS", "200-299"),
        ("COLDCAST_NONCE", nonce),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}
