//! `catalog`: what is built in, with provenance and dates.

use clap::{Args, Subcommand, ValueEnum};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use crate::model::catalog::FRAMEWORKS;
use crate::model::{framework, profile, published};
use crate::report::framework_detail;
use crate::report::frameworks::{self, Entry};
use crate::report::table::Style;
use crate::suggest;

/// Flags of `catalog`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast catalog frameworks")]
pub struct CatalogArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frameworks and what was measured of each; with a name, everything that was measured of it
    #[command(after_help = "Example:\n  coldcast catalog frameworks --format csv")]
    Frameworks(FrameworksArgs),
}

#[derive(Debug, Args)]
struct FrameworksArgs {
    /// Only this one, in full
    #[arg(conflicts_with = "against")]
    name: Option<String>,
    /// Print measured over published figures
    #[arg(long, value_enum, value_name = "WHAT")]
    against: Option<Against>,
    /// How the answer is printed; csv and json have a row for every measured configuration
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    /// What is quoted of frameworks without a measurement of ours
    Published,
}

/// `coldcast catalog`
pub fn run(args: &CatalogArgs, quiet: bool) -> Outcome {
    let What::Frameworks(args) = &args.what;
    let published = published::built_in();
    let mut entries = Vec::with_capacity(FRAMEWORKS.len());
    let asked_for = |name: &str| args.name.as_deref().is_none_or(|asked| asked == name);
    for (name, description, measured) in FRAMEWORKS.iter().filter(|(name, ..)| asked_for(name)) {
        let broken = |problem: String| Failure::Input(anyhow::anyhow!("built-in framework {name}: {problem}"));
        entries.push(Entry {
            framework: framework::parse(description).map_err(broken)?,
            profile: profile::parse(measured).map_err(broken)?,
            published: published.figures.get(*name).copied(),
            published_source: published.source.clone(),
        });
    }
    if let (Some(name), true) = (&args.name, entries.is_empty()) {
        let nearest = suggest::nearest(name, FRAMEWORKS.iter().map(|(known, ..)| *known));
        let hint = nearest
            .first()
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return Err(Failure::Input(anyhow::anyhow!(
            "there is no measured framework `{name}`{hint}"
        )));
    }
    let table = |style| match (&args.name, args.against) {
        (Some(_), _) => entries
            .iter()
            .map(|entry| framework_detail::detail(entry, style))
            .collect(),
        (None, Some(Against::Published)) => frameworks::against_published(&entries, style),
        (None, None) => frameworks::table(&entries, style),
    };
    let format = args.format;
    match format {
        Format::Table => print(table(Style::Plain))?,
        Format::Markdown => print(table(Style::Markdown))?,
        Format::Json => print(frameworks::json(&entries))?,
        Format::Csv => print(frameworks::csv(&entries))?,
    }
    if quiet || !matches!(format, Format::Table | Format::Markdown) || args.name.is_some() {
        return Ok(());
    }
    if args.against.is_some() {
        say(format_args!(
            "\nMeasured: containers at 1 vCPU and 512Mi, working set at rest, median from the call that creates the \
             container to the first right answer, image on disk.\nPublished: {}.",
            published.source
        ));
    } else {
        say("\nMeasured with containers at 1 vCPU, process-cold; median [95% interval]. Other sizes: --format csv.");
        for entry in &entries {
            let p = &entry.profile.provenance;
            say(format_args!(
                "- {}: {} on {}, {} cores, kernel {}",
                entry.profile.name, p.started, p.host_cpu, p.host_cores, p.kernel
            ));
        }
    }
    Ok(())
}
