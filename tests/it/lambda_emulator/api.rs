//! The table of calls: from method and path to an action of a policy and to the code that carries it out.
//!
//! Source: the REST-JSON model of Lambda's API 2015-03-31, as `aws-sdk-lambda` 1.156 sends it.

use serde_json::Value;

use super::clock::Clock;
use super::concurrency;
use super::create;
use super::http::Request;
use super::listing;
use super::reply::Reply;
use super::tags;
use super::update;
use super::url;
use super::versions;
use super::world::{World, name_and_qualifier};

/// A call with what its request says.
pub struct Ask<'a> {
    pub request: &'a Request,
    /// The function's name; empty if the call names none.
    pub name: String,
    pub qualifier: Option<String>,
    /// The body as JSON; null without one.
    pub body: Value,
    /// The region for which the call is signed.
    pub region: String,
    /// The address of the service.
    pub base: &'a str,
    pub clock: &'a Clock,
    pub now_ms: f64,
}

/// The code for a call.
#[derive(Clone, Copy)]
pub enum Code {
    /// It answers at once.
    Control(fn(&mut World, &Ask<'_>) -> Result<Reply, Reply>),
    /// It runs the function.
    Invoke,
    /// It runs the function for a client of its URL.
    Url,
}

/// The action and the code for a request, and the part of the path that names the function.
pub fn route(request: &Request) -> Option<(&'static str, Code, Option<String>)> {
    use Code::Control;
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (action, code): (_, Code) = match (request.method.as_str(), &segments[..]) {
        ("POST", ["2015-03-31", "functions"]) => ("lambda:CreateFunction", Control(create::create)),
        ("GET", ["2015-03-31", "functions"]) => ("lambda:ListFunctions", Control(listing::functions)),
        ("GET", ["2015-03-31", "functions", _]) => ("lambda:GetFunction", Control(listing::function)),
        ("DELETE", ["2015-03-31", "functions", _]) => ("lambda:DeleteFunction", Control(create::delete)),
        ("GET", ["2015-03-31", "functions", _, "configuration"]) => {
            ("lambda:GetFunctionConfiguration", Control(listing::configuration))
        }
        ("PUT", ["2015-03-31", "functions", _, "configuration"]) => {
            ("lambda:UpdateFunctionConfiguration", Control(update::configuration))
        }
        ("PUT", ["2015-03-31", "functions", _, "code"]) => ("lambda:UpdateFunctionCode", Control(update::code)),
        ("POST", ["2015-03-31", "functions", _, "versions"]) => ("lambda:PublishVersion", Control(versions::publish)),
        ("GET", ["2015-03-31", "functions", _, "versions"]) => {
            ("lambda:ListVersionsByFunction", Control(listing::versions))
        }
        ("POST", ["2015-03-31", "functions", _, "invocations"]) => ("lambda:InvokeFunction", Code::Invoke),
        ("POST", ["2015-03-31", "functions", _, "policy"]) => ("lambda:AddPermission", Control(url::permit)),
        ("GET", ["2017-03-31", "tags", _]) => ("lambda:ListTags", Control(tags::list)),
        ("POST", ["2017-03-31", "tags", _]) => ("lambda:TagResource", Control(tags::add)),
        ("PUT", ["2017-10-31", "functions", _, "concurrency"]) => {
            ("lambda:PutFunctionConcurrency", Control(concurrency::put))
        }
        ("DELETE", ["2017-10-31", "functions", _, "concurrency"]) => {
            ("lambda:DeleteFunctionConcurrency", Control(concurrency::delete))
        }
        ("GET", ["2019-09-30", "functions", _, "concurrency"]) => {
            ("lambda:GetFunctionConcurrency", Control(concurrency::get))
        }
        ("GET", ["2016-08-19", "account-settings"]) => ("lambda:GetAccountSettings", Control(concurrency::account)),
        ("POST", ["2021-10-31", "functions", _, "url"]) => ("lambda:CreateFunctionUrlConfig", Control(url::create)),
        ("GET", ["2021-10-31", "functions", _, "url"]) => ("lambda:GetFunctionUrlConfig", Control(url::get)),
        ("DELETE", ["2021-10-31", "functions", _, "url"]) => ("lambda:DeleteFunctionUrlConfig", Control(url::delete)),
        (_, ["lambda-url", ..]) => ("lambda:InvokeFunctionUrl", Code::Url),
        _ => return None,
    };
    let named = match code {
        Code::Url => None,
        _ => segments.get(2).map(ToString::to_string),
    };
    Some((action, code, named))
}

/// All actions that a call needs.
pub fn needs(action: &'static str, body: &Value) -> Vec<&'static str> {
    let mut needs = vec![action];
    match action {
        "lambda:CreateFunction" => {
            needs.push("iam:PassRole");
            if body["Tags"].as_object().is_some_and(|tags| !tags.is_empty()) {
                needs.push("lambda:TagResource");
            }
            if body["Publish"] == true {
                needs.push("lambda:PublishVersion");
            }
        }
        "lambda:UpdateFunctionConfiguration" if body["Role"].is_string() => needs.push("iam:PassRole"),
        "lambda:UpdateFunctionCode" if body["Publish"] == true => needs.push("lambda:PublishVersion"),
        _ => {}
    }
    needs
}

/// The name and the qualifier that a request gives in its path, its query or its body.
pub fn target(named: Option<&str>, request: &Request, body: &Value) -> (String, Option<String>) {
    let named = named.or_else(|| body["FunctionName"].as_str()).unwrap_or_default();
    let (name, qualifier) = name_and_qualifier(named);
    let asked = request.parameter("Qualifier").filter(|text| !text.is_empty());
    (name, asked.or(qualifier))
}

/// The region in the scope of the signature; `None` if the request is not signed.
pub fn signed_for(request: &Request) -> Option<String> {
    let authorization = request.header("authorization")?;
    let scope = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")?
        .split_once("Credential=")?
        .1;
    scope.split(['/', ',']).nth(2).map(str::to_string)
}
