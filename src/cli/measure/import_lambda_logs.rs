//! `coldcast measure import-lambda-logs`: a profile from the logs of a function.

use std::path::PathBuf;

use clap::Args;

use super::{failure, own_image};
use crate::cli::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::output::{print, say};
use crate::measure::lambda_logs::{Asked, import};
use crate::measure::write_profile;
use crate::report::framework_functions;
use crate::report::table::Style;
use crate::trace::read::lambda::export;

/// The flags of `measure import-lambda-logs`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Logs in any form, plain or gzip; several files are one log; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Name of the profile
    #[arg(long, value_name = "NAME", value_parser = own_image::name)]
    name: String,
    /// The function, if the logs are of several
    #[arg(long, value_name = "FUNCTION")]
    function: Option<String>,
    /// The instruction set of the function, which logs do not say
    #[arg(long, value_name = "SET", value_parser = ["x86_64", "arm64"])]
    architecture: Option<String>,
    /// Folder for <NAME>/profile.json
    #[arg(long, value_name = "DIR", default_value = "measured")]
    out: PathBuf,
}

/// Writes the profile and says what is in it.
pub fn run(args: &ImportArgs, common: &Common) -> Outcome {
    let mut files = Vec::new();
    for path in &args.files {
        let export = export::read_file(path).map_err(Failure::input)?;
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        if !common.quiet {
            say(format_args!(
                "{}: {}, {} messages",
                path.display(),
                export.form,
                export.events.len()
            ));
        }
        files.push((name, export));
    }
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let command = format!(
        "coldcast measure import-lambda-logs {} --name {}",
        names.join(" "),
        args.name
    );
    let asked = Asked {
        name: &args.name,
        function: args.function.as_deref(),
        architecture: args.architecture.as_deref(),
        command: &command,
    };
    let imported = import(&asked, &files).map_err(failure)?;
    let path = write_profile(&args.out, &imported.profile).map_err(failure)?;
    print(framework_functions::table(&imported.profile, Style::Plain))?;
    if !common.quiet {
        imported.remarks.iter().for_each(say);
        say(format_args!("wrote {}", path.display()));
        if let Some(run) = imported.profile.functions.first() {
            say(format_args!(
                "use it in a scenario: frameworks = [{:?}] on AWS Lambda with memory = \"{}\"",
                path.display().to_string(),
                run.memory
            ));
        }
    }
    Ok(())
}
