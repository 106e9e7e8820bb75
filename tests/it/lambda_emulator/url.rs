//! URLs of functions. The path of a URL names its function, as all of them have the address of the emulator.

use serde_json::{Value, json};

use super::api::Ask;
use super::function::Url;
use super::http::Request;
use super::reply::Reply;
use super::reply::refuse::{conflict, form, parameter, unknown, with};
use super::world::World;

/// Gives a function a URL.
pub fn create(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let auth = ask.body["AuthType"].as_str().unwrap_or_default().to_string();
    if auth != "NONE" && auth != "AWS_IAM" {
        return Err(form("authType", "Member must satisfy enum value set: [NONE, AWS_IAM]"));
    }
    if ask.qualifier.is_some() {
        return Err(parameter("A URL is of a function or of an alias, not of a version"));
    }
    let id = world.ids.url();
    let function = world.function(&ask.name, &ask.region)?;
    if function.url.is_some() {
        let arn = &function.arn;
        return Err(conflict(&format!(
            "Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists \
             for this Lambda function"
        )));
    }
    let created_ms = ask.now_ms;
    function.url = Some(Url { id, auth, created_ms });
    described(world, ask, 201)
}

/// `GetFunctionUrlConfig`.
pub fn get(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    described(world, ask, 200)
}

fn described(world: &mut World, ask: &Ask<'_>, status: u16) -> Result<Reply, Reply> {
    let function = world.function(&ask.name, &ask.region)?;
    let Some(url) = &function.url else {
        return Err(unknown("The resource you requested does not exist."));
    };
    let answer = json!({
        "FunctionUrl": format!("{}/lambda-url/{}/", ask.base, url.id), "FunctionArn": function.arn,
        "AuthType": url.auth, "InvokeMode": "BUFFERED", "CreationTime": ask.clock.in_logs(url.created_ms),
    });
    Ok(Reply::json(status, &answer))
}

/// Takes the URL away.
pub fn delete(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let function = world.function(&ask.name, &ask.region)?;
    match function.url.take() {
        Some(_) => Ok(Reply::empty(204)),
        None => Err(unknown("The resource you requested does not exist.")),
    }
}

/// `AddPermission`: lets anybody call the URL.
pub fn permit(world: &mut World, ask: &Ask<'_>) -> Result<Reply, Reply> {
    let text = |key: &str| ask.body[key].as_str().unwrap_or_default().to_string();
    let (id, action, principal) = (text("StatementId"), text("Action"), text("Principal"));
    if id.is_empty() || !action.starts_with("lambda:") || principal.is_empty() {
        return Err(form("statementId, action, principal", "Member must not be null"));
    }
    let function = world.function(&ask.name, &ask.region)?;
    if function.statements.contains(&id) {
        return Err(conflict(&format!(
            "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing \
             statement."
        )));
    }
    if action == "lambda:InvokeFunctionUrl" && principal == "*" {
        function.statements.push(id.clone());
    }
    let statement =
        json!({"Sid": id, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": function.arn});
    Ok(Reply::json(201, &json!({"Statement": statement.to_string()})))
}

/// The function whose URL this is, if the caller may call it.
pub fn function_of(world: &World, request: &Request) -> Result<String, Reply> {
    let id = request.segments().get(1).cloned().unwrap_or_default();
    let owner = world.functions.values().find_map(|function| {
        let url = function.url.as_ref().filter(|url| url.id == id)?;
        Some((function, url))
    });
    let Some((function, url)) = owner else {
        return Err(with(404, "ResourceNotFoundException", json!({"Message": null})));
    };
    let open = match url.auth.as_str() {
        "NONE" => !function.statements.is_empty(),
        _ => request.header("authorization").is_some(),
    };
    match open {
        true => Ok(function.name.clone()),
        false => Err(with(403, "AccessDeniedException", json!({"Message": "Forbidden"}))),
    }
}

/// The event that a request to a URL becomes.
pub fn event(request: &Request) -> Value {
    let path: Vec<&str> = request.path.trim_start_matches('/').splitn(3, '/').collect();
    let path = format!("/{}", path.get(2).unwrap_or(&""));
    let headers: serde_json::Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": request.query, "headers": headers,
        "requestContext": {"http": {"method": request.method, "path": path, "protocol": "HTTP/1.1"}},
        "body": String::from_utf8_lossy(&request.body), "isBase64Encoded": false,
    })
}

/// The answer of the app out of the answer of the function.
pub fn unwrapped(reply: Reply) -> Reply {
    let failed = reply.headers.iter().any(|(name, _)| *name == "X-Amz-Function-Error");
    if failed {
        return Reply::json(502, &json!({"Message": "Internal Server Error"}));
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&reply.body) else {
        return Reply::json(502, &json!({"Message": "Internal Server Error"}));
    };
    let header = |name: &'static str, key: &str| {
        let value = answer["headers"][key].as_str()?;
        Some((name, value.to_string()))
    };
    Reply {
        status: answer["statusCode"].as_u64().unwrap_or(502) as u16,
        headers: [
            header("Content-Type", "content-type"),
            header("x-process-id", "x-process-id"),
            header("x-request-count", "x-request-count"),
        ]
        .into_iter()
        .flatten()
        .collect(),
        body: answer["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}
