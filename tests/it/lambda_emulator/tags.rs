//! `TagResource` and `ListTags`. New tags may be unseen for some calls.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::Ask;
use super::function::Function;
use super::reply::Reply;
use super::reply::refuse::{form, parameter};
use super::world::World;

/// Adds tags to those of a function.
pub fn add(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let tags = read(&ask.body["Tags"])?;
    let lag = world.behaviour.tags_lag_calls;
    let function = world.function(&ask.name, &ask.region)?;
    function.tags.extend(tags);
    function.tags_unseen = lag;
    Ok(Reply::empty(204))
}

/// The tags of a function.
pub fn list(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    if ask.qualifier.is_some() {
        return Err(parameter("Tags are of functions, not of versions"));
    }
    let function = world.function(&ask.name, &ask.region)?;
    Ok(Reply::json(200, &json!({"Tags": seen(function)})))
}

/// The tags that this call sees.
pub fn seen(function: &mut Function) -> BTreeMap<String, String> {
    if function.tags_unseen > 0 {
        function.tags_unseen -= 1;
        return BTreeMap::new();
    }
    function.tags.clone()
}

/// Reads the tags of a request.
pub fn read(tags: &Value) -> Result<BTreeMap<String, String>, Reply> {
    let Ok(tags) = serde_json::from_value::<BTreeMap<String, String>>(tags.clone()) else {
        return Err(form("tags", "Member must be a map of strings"));
    };
    let fits = |text: &str, most: usize| {
        let known = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
        text.chars().count() <= most && text.chars().all(known)
    };
    let bad = |(key, value): (&String, &String)| {
        key.is_empty() || key.starts_with("aws:") || !fits(key, 128) || !fits(value, 256)
    };
    if tags.len() > 50 || tags.iter().any(bad) {
        return Err(parameter(
            "Tags are limited to 50, and to letters, numbers, spaces and _.:/=+-@",
        ));
    }
    Ok(tags)
}
