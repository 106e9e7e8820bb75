//! Waiting by state, never by a fixed time; and trying again what passes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{Api, Status};
use super::failed::{Failed, Kind};

/// The longest wait for a function or version to become ready. Images are optimised after creation, and snapshots taken.
pub const LONGEST: Duration = Duration::from_secs(600);
/// The longest time for which a call that passes is tried again.
const TRIES: Duration = Duration::from_secs(90);
/// The first pause between looks or tries; it grows by half each time.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause between looks.
const MOST: Duration = Duration::from_millis(500);

/// Waits until a function or one of its versions can be invoked.
pub async fn until_ready(api: &Api, name: &str, version: Option<&str>) -> Result<(), Failed> {
    let (began, mut pause) = (Instant::now(), FIRST);
    loop {
        let failed = |reason: String| Failed {
            kind: Kind::Other,
            action: "lambda:GetFunctionConfiguration",
            reason,
        };
        match api.status(name, version).await {
            Ok(Status::Ready) => return Ok(()),
            Ok(Status::Broken(reason)) => return Err(failed(format!("{name} cannot be used: {reason}"))),
            Ok(Status::Pending) => {}
            // What was just created is not seen everywhere at once.
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Throttled) => {}
            Err(error) => return Err(error),
        }
        if began.elapsed() > LONGEST {
            return Err(failed(format!("{name} is still pending after {} s", LONGEST.as_secs())));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(MOST);
    }
}

/// Makes a call, and again as long as it fails with something that passes.
pub async fn patiently<T>(mut call: impl AsyncFnMut() -> Result<T, Failed>) -> Result<T, Failed> {
    let (began, mut pause) = (Instant::now(), FIRST);
    loop {
        match call().await {
            Err(error) if error.passes() && began.elapsed() < TRIES => {}
            outcome => return outcome,
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(5));
    }
}
