//! `--explain what-if`: everything runs again with one thing switched off at a time.

use clap::ValueEnum;

use super::watch;
use crate::cli::Common;
use crate::cli::exit::Failure;
use crate::scenario::Variant;
use crate::study::what_if::Switch;
use crate::study::{Options, Study};

/// The explanations that a user can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Explain {
    /// Run again with one thing switched off at a time
    WhatIf,
}

/// Adds the violations of all variants with one thing switched off at a time.
pub(super) fn add_what_if(study: &mut Study, variants: &[Variant], common: &Common) -> Result<(), Failure> {
    let replications = study.variants.first().map_or(1, |variant| variant.all().replications);
    let options = Options {
        threads: common.threads.map(usize::from),
        ..Options::default()
    };
    for switch in Switch::ALL {
        let without: Vec<Variant> = variants.iter().filter_map(|variant| switch.off(variant)).collect();
        let without: Vec<Variant> = without
            .into_iter()
            .map(|variant| Variant {
                replications: replications.into(),
                ..variant
            })
            .collect();
        if !without.is_empty() {
            let others = watch::watched(&without, &options, common.quiet)?;
            study.add_what_if(switch, &others);
        }
    }
    Ok(())
}
