//! Removes what runs have left on AWS: found by names and tags, and by the journals on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::api::Api;
use super::failed::{Failed, Kind};
use super::image;
use super::journal::{Journal, PREFIX, TAG, Thing, journals};
use super::wait::patiently;
use crate::measure::MeasureError;

/// The digits of the number of a run.
const DIGITS: usize = 8;

/// Removes everything that a journal says is left in the region of the connection.
///
/// # Errors
/// A call fails for good; what it was about stays in the journal.
pub async fn remove_left(api: &Api, journal: &mut Journal) -> Result<(), MeasureError> {
    let mut failure = None;
    for thing in journal.left()? {
        match remove(api, &thing).await {
            Ok(()) => journal.gone(&thing)?,
            // One thing that stays must not keep the others.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// Removes a thing; one that does not exist is fine.
///
/// # Errors
/// The call fails for good.
pub async fn remove(api: &Api, thing: &Thing) -> Result<(), Failed> {
    let outcome = patiently(async || match thing {
        Thing::Function { name, .. } => api.delete(name, None).await,
        Thing::Repository { name, .. } => image::delete(api, name).await,
    })
    .await;
    match outcome {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// The remains of runs in the region.
#[derive(Debug, Default)]
pub struct Found {
    /// The things by run.
    pub by_run: BTreeMap<String, BTreeSet<Thing>>,
    /// The reason why nobody looked for repositories: who measures without building images needs no right for ECR.
    pub not_looked: Option<Failed>,
}

/// Finds what runs have left in the region: on AWS by name and tag, and in the journals of a folder.
///
/// # Errors
/// A call fails, or a journal cannot be read.
pub async fn found(api: &Api, out: &Path) -> Result<Found, MeasureError> {
    let region = || api.region().to_string();
    let mut all = Found::default();
    let found = &mut all.by_run;
    for (name, arn) in patiently(async || api.functions(PREFIX).await).await? {
        // Tags are seen later than the function; its name has the run as well.
        let tags = api.tags(&arn).await.unwrap_or_default();
        if let Some(run) = tags.get(TAG).map(String::as_str).or_else(|| run_of(&name)) {
            let thing = Thing::Function {
                region: region(),
                name: name.clone(),
            };
            found.entry(run.to_string()).or_default().insert(thing);
        }
    }
    let repositories = match image::repositories(api, PREFIX).await {
        Err(error) if error.kind == Kind::Credentials => return Err(error.into()),
        Err(error) => {
            all.not_looked = Some(error);
            Vec::new()
        }
        Ok(repositories) => repositories,
    };
    for name in repositories {
        if let Some(run) = run_of(&name).map(str::to_string) {
            found
                .entry(run)
                .or_default()
                .insert(Thing::Repository { region: region(), name });
        }
    }
    for (run, (_, left)) in journals(out)? {
        let here = left.into_iter().filter(|thing| match thing {
            Thing::Function { region, .. } | Thing::Repository { region, .. } => region == api.region(),
        });
        let here: BTreeSet<Thing> = here.collect();
        if !here.is_empty() {
            found.entry(run).or_default().extend(here);
        }
    }
    Ok(all)
}

/// The run in a name such as `coldcast-1f2e3d4c-express`.
fn run_of(name: &str) -> Option<&str> {
    let run = name.strip_prefix(PREFIX)?.get(..DIGITS)?;
    let rest = &name[PREFIX.len() + DIGITS..];
    (run.bytes().all(|c| c.is_ascii_hexdigit()) && rest.starts_with('-')).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_runs_are_ours() {
        assert_eq!(run_of("coldcast-1f2e3d4c-express"), Some("1f2e3d4c"));
        assert_eq!(run_of("coldcast-1f2e3d4c"), None);
        assert_eq!(run_of("coldcast-website-1"), None);
        assert_eq!(run_of("shop"), None);
    }
}
