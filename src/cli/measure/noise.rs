//! `coldcast measure noise`: the noise of this machine, and its figures at rest.

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{Format, print, say};
use crate::measure::{Machine, Timed};
use crate::model::profile::QuietMachine;

/// The flags of `measure noise`.
#[derive(Debug, Args)]
pub struct NoiseArgs {
    /// Take the figures of the machine at rest anew, for 8 seconds. They are kept if they are better than those so far
    #[arg(long)]
    renew: bool,
    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Takes a reading and prints it beside the figures of the machine at rest. Fails with exit code 1 if the machine is noisy.
pub fn run(args: &NoiseArgs) -> Outcome {
    let mut machine = Machine::here();
    if args.renew {
        say("timing the fixed work for 8 s; leave the machine alone");
        let (_, remark) = machine.calibrate();
        say(remark);
    }
    let timed = machine.time();
    let noise = machine.noise_of(&timed);
    match args.format {
        Format::Json => print(object(&machine, &timed, noise))?,
        Format::Table | Format::Markdown | Format::Csv => print(text(&machine, &timed, noise))?,
    }
    if noise > 1.0 {
        return Err(Failure::Gate(machine.trouble(&timed)));
    }
    Ok(())
}

/// The reading and the figures for people.
fn text(machine: &Machine, timed: &Timed, noise: f64) -> String {
    let mut text = String::new();
    let _ = match machine.figures() {
        Some(figures) => writeln!(text, "{}", at_rest(figures)),
        None => writeln!(
            text,
            "No figures of this machine at rest are known. `coldcast measure noise --renew` takes them when it is idle."
        ),
    };
    if let Some(file) = machine.file() {
        let _ = writeln!(text, "File: {}", file.display());
    }
    let _ = writeln!(
        text,
        "Now: computation {:.2} ms ({:.2} ms of CPU time; other programs took {:.1}% of its time), walk {:.2} ms.\n\
         Noise {noise:.2}: {}.",
        timed.spin_ms,
        timed.spin_cpu_ms,
        100.0 * timed.contention,
        timed.walk_ms,
        if noise > 1.0 {
            "above 1, so a block that begins now is noisy"
        } else {
            "at most 1, so a block that begins now is quiet"
        }
    );
    text
}

fn at_rest(figures: &QuietMachine) -> String {
    format!(
        "At rest: computation {:.2} ms (90th percentile {:.2}), walk {:.2} ms ({:.2}), {:.1}% of the time to other programs; \
         {} readings on {}{}",
        figures.spin_ms.median,
        figures.spin_ms.p90,
        figures.walk_ms.median,
        figures.walk_ms.p90,
        100.0 * figures.contention.median,
        figures.readings,
        figures.at,
        if figures.quiet {
            "."
        } else {
            ", though the machine was not at rest then."
        }
    )
}

/// The same for programs.
fn object(machine: &Machine, timed: &Timed, noise: f64) -> String {
    let at_rest = machine.figures().map_or(Value::Null, |figures| json!(figures));
    let object = json!({
        "schema": 1,
        "at_rest": at_rest,
        "now": {
            "spin_ms": timed.spin_ms,
            "spin_cpu_ms": timed.spin_cpu_ms,
            "contention": timed.contention,
            "walk_ms": timed.walk_ms,
        },
        "noise": noise,
        "noisy": noise > 1.0,
    });
    format!("{object:#}\n")
}
