//! `catalog`: the built-in data, with provenance and dates.

mod nodes;
mod prices;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::exit::{Failure, Outcome};
use super::output::{Format, print, say};
use crate::model::catalog::FRAMEWORKS;
use crate::model::published::Published;
use crate::model::{framework, profile, published};
use crate::report::cells;
use crate::report::framework_detail;
use crate::report::framework_ratios::{self, Ratios};
use crate::report::framework_work::{self, Work};
use crate::report::frameworks::{self, Entry};
use crate::report::table::Style;
use crate::suggest;

/// The flags of `catalog`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  coldcast catalog frameworks")]
pub struct CatalogArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frameworks with their measured figures; with a name, all figures of one framework
    #[command(after_help = "Example:\n  coldcast catalog frameworks --format csv")]
    Frameworks(FrameworksArgs),
    /// Price lists with the age and the confidence of their figures; with a name, every price of one list
    #[command(after_help = "Example:\n  coldcast catalog prices aws-us-east-1")]
    Prices(prices::PricesArgs),
    /// Node types with the CPU and memory that pods can use
    #[command(after_help = "Example:\n  coldcast catalog nodes --format csv")]
    Nodes(nodes::NodesArgs),
}

#[derive(Debug, Args)]
struct FrameworksArgs {
    /// Print all figures of this framework, or of a profile: a profile.json, or its folder
    #[arg(value_name = "NAME|PATH", conflicts_with = "against")]
    name: Option<String>,
    /// Print ratios to another framework, or to published figures
    #[arg(long, value_name = "FRAMEWORK|published")]
    against: Option<String>,
    /// Print the CPU time of a unit of each kind of work; with --against FRAMEWORK also how much CPU the same handler takes
    #[arg(long, conflicts_with = "name")]
    work: bool,
    /// Format of the output; csv and json have a row for every measured configuration
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// `coldcast catalog`
pub fn run(args: &CatalogArgs, quiet: bool) -> Outcome {
    match &args.what {
        What::Frameworks(args) => frameworks(args, quiet),
        What::Prices(args) => prices::run(args, quiet),
        What::Nodes(args) => nodes::run(args, quiet),
    }
}

fn frameworks(args: &FrameworksArgs, quiet: bool) -> Outcome {
    let published = published::built_in();
    let mut entries = Vec::with_capacity(FRAMEWORKS.len());
    let asked_for = |name: &str| args.name.as_deref().is_none_or(|asked| asked == name);
    for (name, description, measured) in FRAMEWORKS.iter().filter(|(name, ..)| asked_for(name)) {
        let broken = |problem: String| Failure::Input(anyhow::anyhow!("built-in framework {name}: {problem}"));
        entries.push(Entry {
            framework: framework::parse(description).map_err(broken)?,
            profile: measured.map(profile::parse).transpose().map_err(broken)?,
            published: published.figures.get(*name).copied(),
            published_source: published.source.clone(),
        });
    }
    let known = |name: &str| entries.iter().find(|entry| entry.framework.name == name);
    let unknown = |name: &str| {
        let hint = suggest::did_you_mean(name, FRAMEWORKS.iter().map(|(known, ..)| *known));
        let file = if name.contains(['/', '.']) {
            ", and no profile at that path"
        } else {
            ""
        };
        Failure::Input(anyhow::anyhow!("there is no measured framework `{name}`{file}{hint}"))
    };
    if let Some(name) = &args.name {
        if known(name).is_none()
            && let Some(path) = profile_at(name)
        {
            return own(&path, args.format);
        }
        let entry = known(name).ok_or_else(|| unknown(name))?;
        return one(entry, args.format);
    }
    if args.work {
        return work(&entries, args, quiet, &unknown);
    }
    match args.against.as_deref() {
        None => all(&entries, &published, args.format, quiet),
        Some("published") => {
            ratios(&framework_ratios::to_published(&entries), args.format)?;
            if !quiet && is_for_people(args.format) {
                say(format_args!(
                    "\nMeasured: containers at 1 vCPU and 512Mi, working set at rest, median from the call that creates the \
                     container to the first correct answer, image on disk.\nPublished: {}.",
                    published.source
                ));
            }
            Ok(())
        }
        Some(name) => {
            let base = known(name)
                .filter(|entry| entry.profile.is_some())
                .ok_or_else(|| unknown(name))?;
            ratios(&framework_ratios::to_framework(&entries, base), args.format)?;
            if !quiet && is_for_people(args.format) {
                say(format_args!(
                    "\nRatios to {} [95% interval] with containers at 1 vCPU and 512Mi. Cold starts of the same session are \
                     compared within their blocks; the test of a difference covers all together (Holm, 5%).",
                    base.framework.title
                ));
            }
            Ok(())
        }
    }
}

/// The file of the profile at a path: the file itself, or `profile.json` in the folder. `None` if there is none.
fn profile_at(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    [path.join("profile.json"), path]
        .into_iter()
        .find(|path| path.is_file())
}

/// Prints all figures of the profile in a file.
fn own(path: &Path, format: Format) -> Outcome {
    let bad = |reason: String| Failure::Input(anyhow::anyhow!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let profile = profile::parse(&text).map_err(bad)?;
    match format {
        Format::Table => print(framework_detail::of_profile(&profile, Style::Plain)),
        Format::Markdown => print(framework_detail::of_profile(&profile, Style::Markdown)),
        Format::Json | Format::Csv => Err(bad(
            "a profile of your own is printed as --format table or markdown; the file itself is JSON with every sample"
                .into(),
        )),
    }
}

/// Prints the work of all frameworks.
fn work(entries: &[Entry], args: &FrameworksArgs, quiet: bool, unknown: &dyn Fn(&str) -> Failure) -> Outcome {
    let against = args.against.as_deref();
    let is_measured = |name: &str| {
        entries
            .iter()
            .any(|entry| entry.framework.name == name && entry.profile.is_some())
    };
    if let Some(name) = against.filter(|name| !is_measured(name)) {
        return Err(unknown(name));
    }
    let work = Work::of(entries, against);
    match args.format {
        Format::Table => print(work.table(Style::Plain))?,
        Format::Markdown => print(work.table(Style::Markdown))?,
        Format::Json => {
            return print(frameworks::objects(
                "work",
                &framework_work::COLUMNS,
                work.rows().into_iter(),
            ));
        }
        Format::Csv => return print(cells::csv(&framework_work::COLUMNS, work.rows())),
    }
    if !quiet {
        say(
            "\nMicroseconds of CPU for one item, order line or row, by regression over four sizes under load at 1 vCPU [95% \
             interval]; without an interval: from one size. A handler of unknown kind has the mean ratio over the kinds, whose \
             spread is in the interval. In a scenario: `cpu = { items = 200 }`, or `{ like = \"django\", time = \"15ms\" }`.",
        );
    }
    Ok(())
}

fn is_for_people(format: Format) -> bool {
    matches!(format, Format::Table | Format::Markdown)
}

fn one(entry: &Entry, format: Format) -> Outcome {
    match format {
        Format::Table => print(framework_detail::detail(entry, Style::Plain)),
        Format::Markdown => print(framework_detail::detail(entry, Style::Markdown)),
        Format::Json => print(frameworks::json(std::slice::from_ref(entry))),
        Format::Csv => print(frameworks::csv(std::slice::from_ref(entry))),
    }
}

fn all(entries: &[Entry], published: &Published, format: Format, quiet: bool) -> Outcome {
    let tables = |style| {
        let measured = frameworks::table(entries, style);
        format!("{measured}\n{}", framework_ratios::published(published, style))
    };
    match format {
        Format::Table => print(tables(Style::Plain))?,
        Format::Markdown => print(tables(Style::Markdown))?,
        Format::Json => return print(frameworks::json(entries)),
        Format::Csv => return print(frameworks::csv(entries)),
    }
    if !quiet {
        say(
            "\nMeasured with containers at 1 vCPU and 512Mi, process-cold; median [95% interval]. Other sizes: --format csv; \
             all figures of one framework: `coldcast catalog frameworks NAME`.",
        );
    }
    Ok(())
}

fn ratios(ratios: &Ratios, format: Format) -> Outcome {
    match format {
        Format::Table => print(ratios.table(Style::Plain)),
        Format::Markdown => print(ratios.table(Style::Markdown)),
        Format::Json => print(frameworks::objects(
            "ratios",
            &framework_ratios::COLUMNS,
            ratios.rows().into_iter(),
        )),
        Format::Csv => print(cells::csv(&framework_ratios::COLUMNS, ratios.rows())),
    }
}
