//! `UpdateFunctionConfiguration` and `UpdateFunctionCode`. Both end all environments of `$LATEST` once they are done.

use super::api::Ask;
use super::config::Config;
use super::function::{Deployed, LATEST};
use super::reply::Reply;
use super::reply::refuse::with;
use super::versions;
use super::world::World;

/// Changes memory, timeout, environment variables and the like.
pub fn configuration(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let changed = |deployed: &Deployed| deployed.config.changed(&ask.body);
    change(world, ask, changed)?;
    described(world, ask, LATEST)
}

/// Changes the code or the instruction set.
pub fn code(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let any_image = world.behaviour.any_image;
    let takes_ms = world.behaviour.update_ms;
    change(world, ask, |deployed| deployed.config.with_code(&ask.body, any_image))?;
    if ask.body["Publish"] == true {
        let number = versions::make(world, ask, ask.now_ms + takes_ms)?;
        return described(world, ask, &number.to_string());
    }
    described(world, ask, LATEST)
}

fn described(world: &mut World, ask: &Ask<'_>, version: &str) -> Result<Reply, Reply> {
    let function = world.function(&ask.name, &ask.region)?;
    let described = function.described(version, version != LATEST, ask.clock, ask.now_ms);
    Ok(Reply::json(200, &described))
}

fn change(
    world: &mut World,
    ask: &Ask<'_>,
    next: impl FnOnce(&Deployed) -> Result<Config, Reply>,
) -> Result<(), Reply> {
    let (takes_ms, failure) = (world.behaviour.update_ms, world.behaviour.update_fails);
    let revision = world.ids.uuid();
    let function = world.function(&ask.name, &ask.region)?;
    function.latest.is_at_rest(&function.arn, ask.now_ms)?;
    if let Some(expected) = ask.body["RevisionId"].as_str()
        && expected != function.latest.revision()
    {
        return Err(with(
            412,
            "PreconditionFailedException",
            serde_json::json!({
                "Type": "User",
                "message": "The Revision Id provided does not match the latest Revision Id.",
            }),
        ));
    }
    let next = next(&function.latest)?;
    function.latest.change(next, revision, ask.now_ms, takes_ms, failure);
    Ok(())
}
