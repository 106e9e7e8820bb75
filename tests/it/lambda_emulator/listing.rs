//! Calls that read: one function, its configuration, all functions, all versions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::Ask;
use super::function::LATEST;
use super::reply::Reply;
use super::reply::refuse::{parameter, unknown};
use super::tags;
use super::world::{World, version};

/// `GetFunction`: the configuration, the place of the code, the tags and the reserved concurrency.
pub fn function(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let configuration = described(world, ask)?;
    let function = world.function(&ask.name, &ask.region)?;
    let mut answer = json!({"Configuration": configuration});
    if let Some(deployed) = function.deployed(ask.qualifier.as_deref()) {
        answer["Code"] = deployed.shown().code().clone();
    }
    let tags = tags::seen(function);
    if !tags.is_empty() {
        answer["Tags"] = json!(tags);
    }
    if let Some(reserved) = function.reserved {
        answer["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    Ok(Reply::json(200, &answer))
}

/// `GetFunctionConfiguration`.
pub fn configuration(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    described(world, ask).map(|described| Reply::json(200, &described))
}

fn described(world: &mut World, ask: &Ask<'_>) -> Result<Value, Reply> {
    let function = world.function(&ask.name, &ask.region)?;
    let version = version(ask.qualifier.as_deref());
    if function.deployed(Some(version)).is_none() {
        return Err(unknown(&format!("Function not found: {}:{version}", function.arn)));
    }
    Ok(function.described(version, ask.qualifier.is_some(), ask.clock, ask.now_ms))
}

/// `ListFunctions`. Its entries have no states and no tags. A new function may be missing for some calls.
pub fn functions(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let all_versions = ask.request.parameter("FunctionVersion").as_deref() == Some("ALL");
    let mut entries = Vec::new();
    for function in world.functions.values_mut() {
        if function.list_unseen > 0 {
            function.list_unseen -= 1;
            continue;
        }
        entries.push(function.listed(LATEST, all_versions, ask.clock));
        if all_versions {
            let numbers = function.versions.keys();
            entries.extend(numbers.map(|number| function.listed(&number.to_string(), true, ask.clock)));
        }
    }
    page(world.behaviour.page_size, ask, "Functions", entries)
}

/// `ListVersionsByFunction`, which begins with `$LATEST`.
pub fn versions(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let page_size = world.behaviour.page_size;
    let function = world.function(&ask.name, &ask.region)?;
    let numbers = function.versions.keys().map(ToString::to_string);
    let all = std::iter::once(LATEST.to_string()).chain(numbers);
    let entries = all.map(|version| function.listed(&version, true, ask.clock)).collect();
    page(page_size, ask, "Versions", entries)
}

/// A page of a list: the entries after the one that the marker names.
fn page(page_size: usize, ask: &Ask<'_>, key: &str, entries: Vec<Value>) -> Result<Reply, Reply> {
    let most = match ask.request.parameter("MaxItems") {
        None => page_size,
        Some(text) => match text.parse::<usize>() {
            Ok(number @ 1..=10_000) => number.min(page_size),
            _ => return Err(parameter("MaxItems is out of range")),
        },
    };
    let arn = |entry: &Value| entry["FunctionArn"].as_str().unwrap_or_default().to_string();
    let after = match ask.request.parameter("Marker") {
        None => 0,
        Some(marker) => {
            let decoded = STANDARD
                .decode(marker)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let Some(last) = decoded.filter(|text| text.starts_with("arn:")) else {
                return Err(parameter("Invalid Marker"));
            };
            // The entry may have been deleted meanwhile.
            let place = entries.iter().position(|entry| arn(entry) == last);
            place.map_or_else(|| entries.iter().filter(|entry| arn(entry) < last).count(), |at| at + 1)
        }
    };
    let mut answer = json!({});
    if after + most < entries.len() {
        answer["NextMarker"] = json!(STANDARD.encode(arn(&entries[after + most - 1])));
    }
    answer[key] = entries.into_iter().skip(after).take(most).collect();
    Ok(Reply::json(200, &answer))
}
