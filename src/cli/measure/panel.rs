//! `coldcast measure panel`: all frameworks at one size, within half an hour.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure;
use crate::cli::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::print;
use crate::measure::{
    self, Backend, Machine, MeasureError, Measurement, Progress, Subject, finished_panel, frameworks, panel_config,
};
use crate::model::catalog;
use crate::model::panel::{Panel, Quantity};
use crate::report::table::{Style, draw};

/// The flags of `measure panel`.
#[derive(Debug, Args)]
pub struct PanelArgs {
    /// Frameworks of the panel [default: all of --models but those that the catalog has no measurement of]
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',')]
    frameworks: Vec<String>,
    /// Measure all of --models
    #[arg(long, conflicts_with = "frameworks")]
    all: bool,
    /// Folder for panel.json
    #[arg(long, value_name = "DIR", default_value = "measured/panel")]
    out: PathBuf,
    /// Folder of the frameworks
    #[arg(long, value_name = "DIR", default_value = "models/frameworks")]
    models: PathBuf,
    /// Seed of the random order
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Continue with the samples of an interrupted run of the same command
    #[arg(long)]
    resume: bool,
    /// Use a local image in place of an official base image; repeatable
    #[arg(long, value_name = "OFFICIAL=LOCAL", value_parser = super::base)]
    base: Vec<(String, String)>,
    /// Measure even if the disk is nearly full or the engine is on another machine
    #[arg(long)]
    force: bool,
}

/// The measurement of a panel, and the frameworks that are left out because the catalog has no measurement of them.
pub fn measurement(
    models: &Path,
    named: &[String],
    all: bool,
    seed: u64,
    out: &Path,
) -> Result<(Measurement, Vec<String>), MeasureError> {
    let mut subjects = frameworks(models, named)?;
    let mut left_out = Vec::new();
    if named.is_empty() && !all {
        let (without, with) = subjects
            .into_iter()
            .partition(|subject: &Subject| catalog::is_not_measured(subject.name()));
        subjects = with;
        left_out = Vec::from_iter(without.iter().map(|subject| subject.name().to_string()));
    }
    let names: Vec<&str> = subjects.iter().map(Subject::name).collect();
    let command = format!(
        "coldcast measure panel --frameworks {} --seed {}",
        names.join(","),
        seed
    );
    let measurement = Measurement {
        seed,
        command,
        ..Measurement::new(Backend::Docker, subjects, vec![panel_config()], out)
    };
    Ok((measurement, left_out))
}

/// Measures the panel, writes it and prints a table.
pub fn run(args: &PanelArgs, common: &Common) -> Outcome {
    let (measurement, left_out) =
        measurement(&args.models, &args.frameworks, args.all, args.seed, &args.out).map_err(failure)?;
    let measurement = Measurement {
        bases: args.base.iter().cloned().collect(),
        resume: args.resume,
        force: args.force,
        ..measurement
    };
    let mut progress = Progress::new(common.quiet, std::io::stderr().is_terminal());
    if !left_out.is_empty() {
        progress.say(&format!(
            "left out, because the catalog has no measurement of them (--all measures them too): {}",
            left_out.join(", ")
        ));
    }
    let nothing_kept = !args.out.join("raw").is_dir();
    if let Some(panel) = finished_panel(&args.out, &measurement.command).filter(|_| args.resume && nothing_kept) {
        progress.say(&format!(
            "{}: already measured by this command, {}",
            args.out.join("panel.json").display(),
            panel.finished
        ));
        return print(table(&panel));
    }
    renew_figures(&progress);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::environment)?;
    let outcome = runtime.block_on(measure::run(&measurement, &mut progress));
    // A thread may still poll a container that is gone; it is not waited for.
    runtime.shutdown_background();
    let finished = outcome.map_err(failure)?;
    if let Some((panel, path)) = &finished.panel {
        print(table(panel))?;
        progress.say(&format!("wrote {} (panel {})", path.display(), panel.id()));
    }
    super::all_measured(finished.unmeasured)
}

/// Begins a measuring stretch with fresh figures of the machine at rest: they are kept if they are better than those so far.
fn renew_figures(progress: &Progress) {
    let mut machine = Machine::here();
    let timed = machine.time();
    // A machine that is visibly busy has nothing to teach; the run says so before the build.
    if machine.figures().is_some() && machine.noise_of(&timed) <= 1.0 {
        let (_, remark) = machine.calibrate();
        progress.say(&format!(
            "timed the fixed work for the figures of this machine at rest: {remark}"
        ));
    }
}

/// A row for each framework, with the figures that link machines.
pub fn table(panel: &Panel) -> String {
    let link = panel.link();
    let rows = panel.frameworks.iter().map(|one| {
        let figures = link.frameworks.get(&one.name);
        let figure = |quantity: Quantity, decimals: usize| {
            let figure = figures.and_then(|figures| figures.figures.get(&quantity));
            figure.map_or_else(String::new, |figure| {
                format!("{:.decimals$} ±{:.1}%", figure.ms, 100.0 * figure.error)
            })
        };
        vec![
            one.name.clone(),
            one.version.clone(),
            one.counted().count().to_string(),
            figure(Quantity::ColdStart, 0),
            figure(Quantity::CpuToReady, 0),
            one.requests.len().to_string(),
            figure(Quantity::JsonCpu, 4),
            figure(Quantity::ItemsCpu, 4),
        ]
    });
    let header = [
        "framework",
        "version",
        "starts",
        "cold start ms",
        "CPU ms to ready",
        "instances",
        "json CPU ms",
        "items CPU ms",
    ];
    let text = draw(Style::Plain, &header, rows.collect(), 2);
    format!(
        "{}\nGeometric means with standard errors, at 1 vCPU and 512Mi on {}. CPU is per request, four in flight.\n",
        text.trim_end(),
        panel.machine
    )
}
