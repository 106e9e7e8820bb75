//! `CreateFunction` and `DeleteFunction`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::api::Ask;
use super::config::Config;
use super::function::{Deployed, Function, LATEST};
use super::reply::Reply;
use super::reply::refuse::{conflict, form, parameter, unknown};
use super::tags;
use super::versions;
use super::world::{World, arn};

/// Makes a function that is `Pending` for a while.
pub fn create(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let name = &ask.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(form(
            "functionName",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+",
        ));
    }
    let behaviour = &world.behaviour;
    let config = Config::created(&ask.body, behaviour.any_image)?;
    let tags = match &ask.body["Tags"] {
        Value::Null => BTreeMap::new(),
        tags => tags::read(tags)?,
    };
    if world.functions.contains_key(name) {
        return Err(conflict(&format!("Function already exist: {name}")));
    }
    let ready_ms = ask.now_ms + behaviour.pending_ms;
    let failure = behaviour.creation_fails;
    let (tags_unseen, list_unseen) = (behaviour.tags_lag_calls, behaviour.list_lag_calls);
    let function = Function {
        name: name.clone(),
        arn: arn(&ask.region, name),
        tags,
        tags_unseen,
        list_unseen,
        latest: Deployed::new(config, world.ids.uuid(), ask.now_ms, ready_ms, failure),
        versions: BTreeMap::new(),
        last_version: 0,
        reserved: None,
        url: None,
        statements: Vec::new(),
        slot: Arc::default(),
    };
    world.functions.insert(name.clone(), function);
    let version = match ask.body["Publish"] == true {
        true => versions::make(world, ask, ready_ms)?.to_string(),
        false => LATEST.to_string(),
    };
    let function = world.function(name, &ask.region)?;
    let described = function.described(&version, version != LATEST, ask.clock, ask.now_ms);
    Ok(Reply::json(201, &described))
}

/// Deletes a function with its versions, or one version of it.
pub fn delete(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let function = world.function(&ask.name, &ask.region)?;
    match ask.qualifier.as_deref() {
        None => {
            world.functions.remove(&ask.name);
        }
        Some(LATEST) => {
            return Err(parameter(
                "$LATEST version cannot be deleted without deleting the function.",
            ));
        }
        Some(version) => {
            let removed = version
                .parse()
                .ok()
                .and_then(|number| function.versions.remove(&number));
            if removed.is_none() {
                return Err(unknown(&format!("Function not found: {}:{version}", function.arn)));
            }
        }
    }
    Ok(Reply::empty(204))
}
