//! The intake of a run: deploys each subject, opens the file for its samples, and takes back what an interrupted run left.

use std::collections::BTreeSet;

use super::{Finished, Unmeasured, now};
use crate::measure::assemble::{Backing, Image};
use crate::measure::error::MeasureError;
use crate::measure::progress::Progress;
use crate::measure::session::{Prepared, Prober};
use crate::measure::slot::Slot;
use crate::measure::store::{self, Earlier, Header, RawFile, Taken};
use crate::measure::subject::Subject;
use crate::measure::target::Target;
use crate::measure::{Measurement, options};
use crate::model::profile::{BlockReading, Pull};

/// The subjects that are ready to be measured, with the samples of an interrupted run.
pub struct Intake<'a, D> {
    measurement: &'a Measurement,
    backing: &'a Backing,
    /// The id of the run.
    id: &'a str,
    /// The time at which this run began.
    here: String,
    /// The time at which the first of all runs began whose samples are used.
    pub started: String,
    /// The times at which interrupted runs were resumed.
    pub resumed: BTreeSet<String>,
    /// The subjects.
    pub prepared: Vec<Prepared<'a, D>>,
    /// The image of each.
    pub images: Vec<Image>,
    /// All configurations of all subjects.
    pub slots: Vec<Slot>,
    /// The readings of the machine before the blocks of interrupted runs.
    pub blocks: Vec<BlockReading>,
    /// The cost of these blocks to the process that took them.
    pub prober: Prober,
    /// The subjects that cannot be measured.
    pub finished: Finished,
}

impl<'a, D> Intake<'a, D> {
    /// An intake without a subject.
    pub fn new(measurement: &'a Measurement, backing: &'a Backing, id: &'a str) -> Self {
        let here = now();
        Self {
            measurement,
            backing,
            id,
            started: here.clone(),
            here,
            resumed: BTreeSet::new(),
            prepared: Vec::new(),
            images: Vec::new(),
            slots: Vec::new(),
            blocks: Vec::new(),
            prober: Prober::default(),
            finished: Finished::default(),
        }
    }

    /// Deploys a subject and adds it. Leaves it out if it cannot be measured while others can, or if this command has
    /// measured it already.
    ///
    /// # Errors
    /// The reason why the run cannot continue.
    pub async fn add<T: Target<Deployed = D>>(
        &mut self,
        target: &T,
        subject: &'a Subject,
        progress: &Progress,
    ) -> Result<(), MeasureError> {
        let name = subject.name();
        let (image, deployed) = match target.deploy(subject, progress).await {
            Err(error) if error.is_of_one_subject() && self.measurement.subjects.len() > 1 => {
                self.leave_out(name, &error, progress);
                return Ok(());
            }
            deployed => deployed?,
        };
        let configs = self.measurement.configs.iter();
        let mut slots: Vec<Slot> = configs.map(|&config| Slot::new(self.prepared.len(), config)).collect();
        let mut pulls = Vec::new();
        let Some(raw) = self.open(subject, &image.id, &mut slots, &mut pulls, progress)? else {
            return Ok(());
        };
        self.prepared.push(Prepared {
            subject,
            deployed,
            pulls,
            raw,
            contract: None,
            refused: None,
            hints: Vec::new(),
        });
        self.slots.append(&mut slots);
        self.images.push(image);
        Ok(())
    }

    fn leave_out(&mut self, name: &str, error: &MeasureError, progress: &Progress) {
        progress.say(&format!("{name} is not measured: {error}"));
        for hint in error.hints() {
            progress.say(&format!("hint: {hint}"));
        }
        self.finished.unmeasured.push(Unmeasured {
            name: name.to_string(),
            reason: error.to_string(),
            hints: error.hints(),
        });
    }

    /// Opens the file for the samples of a subject: that of an interrupted run, whose samples go to `slots` and `pulls`, or a
    /// new one. `None` if this command has written the profile already.
    fn open(
        &mut self,
        subject: &Subject,
        image: &str,
        slots: &mut [Slot],
        pulls: &mut Vec<Pull>,
        progress: &Progress,
    ) -> Result<Option<RawFile>, MeasureError> {
        let Measurement { out, command, .. } = self.measurement;
        let name = subject.name();
        let header = Header {
            options: options::of(self.measurement, subject),
            ..Header::new(command, image, &self.backing.engine_version, &self.here)
        };
        if self.measurement.resume {
            if let Some((raw, earlier)) = RawFile::resume(out, name, &header, &self.here)? {
                self.take_back(name, earlier, slots, pulls, progress);
                return Ok(Some(raw));
            }
            if let Some(profile) = store::finished(out, name, &header) {
                let finished = profile.provenance.finished;
                progress.say(&format!("{name}: already measured by this command, {finished}"));
                return Ok(None);
            }
        }
        let (raw, kept) = RawFile::create(out, name, self.id, &header)?;
        if let Some(kept) = kept {
            progress.say(&format!(
                "{name}: samples of an interrupted run are kept as {}; --resume would have continued with them",
                kept.display()
            ));
        }
        Ok(Some(raw))
    }

    /// Takes back the samples of an interrupted run.
    fn take_back(
        &mut self,
        name: &str,
        earlier: Earlier,
        slots: &mut [Slot],
        pulls: &mut Vec<Pull>,
        progress: &Progress,
    ) {
        if earlier.torn {
            progress.say(&format!(
                "{name}: the last line of the samples was cut off and is dropped"
            ));
        }
        let began = earlier.header.started;
        progress.say(&format!(
            "{name}: continuing with {} samples of a run that began at {began}",
            earlier.taken.len()
        ));
        if began < self.started {
            self.started = began;
        }
        self.resumed.extend(earlier.resumed);
        for used in earlier.prober {
            self.prober.add(used);
        }
        // Subjects that share a block have the same reading of it.
        for reading in earlier.blocks {
            if !self.blocks.contains(&reading) {
                self.blocks.push(reading);
            }
        }
        for (key, taken) in earlier.taken {
            if let Taken::Pull(pull) = taken {
                pulls.push(pull);
                continue;
            }
            for slot in slots.iter_mut().filter(|slot| slot.key() == key) {
                slot.restore(taken.clone());
            }
        }
    }
}
