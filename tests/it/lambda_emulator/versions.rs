//! `PublishVersion`.

use serde_json::json;

use super::api::Ask;
use super::function::{Deployed, Snapshot};
use super::reply::Reply;
use super::world::World;

/// Makes a version of `$LATEST`, or returns the last one if nothing has changed since.
pub fn publish(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let ready_ms = ask.now_ms + world.behaviour.publish_ms;
    let function = world.function(&ask.name, &ask.region)?;
    function.latest.is_at_rest(&function.arn, ask.now_ms)?;
    let same = function.versions.get(&function.last_version);
    let number = match same.is_some_and(|last| last.config == function.latest.config) {
        true => function.last_version,
        false => make(world, ask, ready_ms)?,
    };
    let function = world.function(&ask.name, &ask.region)?;
    let mut described = function.described(&number.to_string(), true, ask.clock, ask.now_ms);
    if let Some(description) = ask.body["Description"].as_str() {
        described["Description"] = json!(description);
    }
    Ok(Reply::json(201, &described))
}

/// Makes a version that is ready at `ready_ms`, and returns its number. With SnapStart, its process is initialised until then.
pub fn make(world: &mut World, ask: &Ask<'_>, ready_ms: f64) -> Result<u32, Reply> {
    let (revision, process_id) = (world.ids.uuid(), world.ids.process());
    let requests = world.behaviour.readiness_requests;
    let failure = world.behaviour.creation_fails;
    let function = world.function(&ask.name, &ask.region)?;
    let config = function.latest.shown().clone();
    let mut version = Deployed::new(config, revision, ask.now_ms, ready_ms, failure);
    if version.config.snap_start() {
        version.snapshot = Some(Snapshot { process_id, requests });
    }
    function.last_version += 1;
    function.versions.insert(function.last_version, version);
    Ok(function.last_version)
}
