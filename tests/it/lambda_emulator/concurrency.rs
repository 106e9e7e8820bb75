//! Reserved concurrency, and the limits of the account.

use serde_json::json;

use super::api::Ask;
use super::reply::Reply;
use super::reply::refuse::{form, parameter};
use super::world::World;

/// The concurrency that reservations must leave to all other functions, where the account has as much.
const LEAST_UNRESERVED: u32 = 100;

/// Reserves concurrency for a function.
pub fn put(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let Some(wanted) = ask.body["ReservedConcurrentExecutions"].as_u64() else {
        return Err(form("reservedConcurrentExecutions", "Member must not be null"));
    };
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    let own = world.function(&ask.name, &ask.region)?.reserved.unwrap_or_default();
    let least = LEAST_UNRESERVED.min(world.behaviour.account_concurrency);
    if wanted > 0 && wanted.saturating_add(least) > world.unreserved() + own {
        return Err(parameter(&format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
             below its minimum value of [{least}]."
        )));
    }
    world.function(&ask.name, &ask.region)?.reserved = Some(wanted);
    Ok(Reply::json(200, &json!({"ReservedConcurrentExecutions": wanted})))
}

/// Ends the reservation.
pub fn delete(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    world.function(&ask.name, &ask.region)?.reserved = None;
    Ok(Reply::empty(204))
}

/// Says how much is reserved.
pub fn get(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let reserved = world.function(&ask.name, &ask.region)?.reserved;
    let answer = reserved.map_or_else(
        || json!({}),
        |reserved| json!({"ReservedConcurrentExecutions": reserved}),
    );
    Ok(Reply::json(200, &answer))
}

/// `GetAccountSettings`.
pub fn account(world: &mut World, _: &Ask<'_>) -> Result<Reply, Reply> {
    let answer = json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64, "CodeSizeUnzipped": 262_144_000, "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": world.behaviour.account_concurrency,
            "UnreservedConcurrentExecutions": world.unreserved(),
        },
        "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": world.functions.len()},
    });
    Ok(Reply::json(200, &answer))
}
