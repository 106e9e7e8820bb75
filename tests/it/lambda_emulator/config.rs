//! The configuration of a function: what a request may say, and what the service makes of it.
//!
//! A configuration is the object of `GetFunctionConfiguration` without the name, the version and the states.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::reply::Reply;
use super::reply::refuse::{form, parameter};

/// Names of environment variables that the runtime sets itself.
const RESERVED: [&str; 10] = [
    "_HANDLER",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
/// Managed runtimes with SnapStart, by their beginnings.
const SNAP_START: [&str; 6] = ["java11", "java17", "java21", "java25", "python3.", "dotnet"];
/// The largest code in one request.
const LARGEST_ZIP: usize = 50 << 20;
/// Keys that are kept as they come.
const KEPT: [&str; 6] = ["Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout"];

/// A configuration, and where its code is.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    fields: Map<String, Value>,
    code: Value,
}

impl Config {
    /// The configuration that `CreateFunction` asks for.
    pub fn created(request: &Value, any_image: bool) -> Result<Self, Reply> {
        let image = match request["PackageType"].as_str().unwrap_or("Zip") {
            "Image" => true,
            "Zip" => false,
            _ => return Err(form("packageType", "Member must satisfy enum value set: [Image, Zip]")),
        };
        if request["Role"].as_str().is_none() {
            return Err(form("role", "Member must not be null"));
        }
        let has = |key: &str| request[key].as_str().is_some_and(|text| !text.is_empty());
        if image && (has("Runtime") || has("Handler")) {
            return Err(parameter(
                "Please don't provide Handler or Runtime or Layer when the intent is to create function with PackageType set as Image",
            ));
        }
        if !(image || has("Runtime") && has("Handler")) {
            return Err(parameter(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            ));
        }
        let fields = json!({
            "Description": "", "MemorySize": 128, "Timeout": 3, "PackageType": if image { "Image" } else { "Zip" },
            "Architectures": ["x86_64"], "EphemeralStorage": {"Size": 512}, "TracingConfig": {"Mode": "PassThrough"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "LoggingConfig": {"LogFormat": "Text"},
        });
        let Value::Object(fields) = fields else { unreachable!() };
        let mut config = Self {
            fields,
            code: Value::Null,
        };
        config.take_architectures(request)?;
        config.take_code(&request["Code"], any_image)?;
        config.changed(request)
    }

    /// The configuration after `UpdateFunctionConfiguration`.
    pub fn changed(&self, request: &Value) -> Result<Self, Reply> {
        let mut next = self.clone();
        let given = |key: &str| Some(&request[key]).filter(|value| !value.is_null());
        if let Some(memory) = given("MemorySize")
            && !memory.as_i64().is_some_and(|memory| (128..=10_240).contains(&memory))
        {
            return Err(parameter(&format!(
                "'MemorySize' value failed to satisfy constraint: Member must have value between 128 and 10240, not {memory}"
            )));
        }
        if let Some(timeout) = given("Timeout")
            && !timeout.as_i64().is_some_and(|timeout| (1..=900).contains(&timeout))
        {
            return Err(form("timeout", "Member must have value less than or equal to 900"));
        }
        if let Some(role) = given("Role") {
            let role = role.as_str().unwrap_or_default();
            if !(role.starts_with("arn:aws:iam::") && role.contains(":role/")) {
                return Err(form(
                    "role",
                    "Member must satisfy regular expression pattern: arn:aws:iam::...",
                ));
            }
        }
        for key in KEPT {
            if let Some(value) = given(key) {
                next.fields.insert(key.to_string(), value.clone());
            }
        }
        if let Some(variables) = given("Environment").map(|environment| &environment["Variables"]) {
            variables_fit(variables)?;
            next.fields
                .insert("Environment".into(), json!({"Variables": variables}));
        }
        for key in ["EphemeralStorage", "TracingConfig"] {
            if let Some(value) = given(key) {
                next.fields.insert(key.into(), value.clone());
            }
        }
        if let Some(image) = given("ImageConfig") {
            next.fields
                .insert("ImageConfigResponse".into(), json!({"ImageConfig": image}));
        }
        if let Some(Value::Object(logging)) = given("LoggingConfig") {
            for (key, value) in logging {
                next.fields["LoggingConfig"][key] = value.clone();
            }
        }
        if let Some(applies) = given("SnapStart").and_then(|snap| snap["ApplyOn"].as_str()) {
            next.fields["SnapStart"]["ApplyOn"] = json!(applies);
        }
        next.snap_start_fits()?;
        Ok(next)
    }

    /// The configuration after `UpdateFunctionCode`.
    pub fn with_code(&self, request: &Value, any_image: bool) -> Result<Self, Reply> {
        let mut next = self.clone();
        next.take_architectures(request)?;
        next.take_code(request, any_image)?;
        Ok(next)
    }

    fn take_architectures(&mut self, request: &Value) -> Result<(), Reply> {
        let asked = &request["Architectures"];
        if asked.is_null() {
            return Ok(());
        }
        if *asked != json!(["x86_64"]) && *asked != json!(["arm64"]) {
            return Err(form(
                "architectures",
                "Member must satisfy enum value set: [x86_64, arm64]",
            ));
        }
        self.fields.insert("Architectures".into(), asked.clone());
        Ok(())
    }

    /// Takes the code from `ImageUri` or `ZipFile`.
    fn take_code(&mut self, code: &Value, any_image: bool) -> Result<(), Reply> {
        if self.is_image() {
            let Some(uri) = code["ImageUri"].as_str() else {
                return Err(parameter(
                    "Please provide ImageUri when updating a function with packageType Image.",
                ));
            };
            if !any_image && !is_of_ecr(uri) {
                return Err(parameter(&format!(
                    "Source image {uri} is not valid. Provide a valid source image."
                )));
            }
            let hash = hex(&Sha256::digest(uri));
            let repository = uri.split('@').next().unwrap_or(uri);
            let repository = match repository.rsplit_once(':') {
                Some((name, tag)) if !tag.contains('/') => name,
                _ => repository,
            };
            let digest = uri.split_once("@sha256:").map_or(&hash[..], |(_, digest)| digest);
            self.code = json!({
                "RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": format!("{repository}@sha256:{digest}"),
            });
            self.fields.insert("CodeSha256".into(), json!(digest));
            self.fields.insert("CodeSize".into(), json!(0));
            return Ok(());
        }
        let Some(text) = code["ZipFile"].as_str() else {
            return Err(parameter("Please provide a source for function code."));
        };
        let Ok(bytes) = STANDARD.decode(text) else {
            return Err(parameter(
                "Could not unzip uploaded file. Please check your file, then try to upload again.",
            ));
        };
        if bytes.len() > LARGEST_ZIP {
            return Err(super::reply::refuse::with(
                413,
                "RequestEntityTooLargeException",
                json!({"message": "Request must be smaller than 70167211 bytes for the CreateFunction operation"}),
            ));
        }
        if !bytes.starts_with(b"PK") {
            return Err(parameter(
                "Could not unzip uploaded file. Please check your file, then try to upload again.",
            ));
        }
        self.code = json!({"RepositoryType": "S3", "Location": "https://awslambda.example/code.zip"});
        self.fields
            .insert("CodeSha256".into(), json!(STANDARD.encode(Sha256::digest(&bytes))));
        self.fields.insert("CodeSize".into(), json!(bytes.len()));
        Ok(())
    }

    fn snap_start_fits(&self) -> Result<(), Reply> {
        if !self.snap_start() {
            return Ok(());
        }
        if self.is_image() {
            return Err(parameter(
                "ContainerImage is not supported for SnapStart enabled functions.",
            ));
        }
        let runtime = self.runtime().unwrap_or_default();
        if SNAP_START.iter().any(|known| runtime.starts_with(known)) {
            return Ok(());
        }
        Err(parameter(&format!(
            "{runtime} is not supported for SnapStart enabled functions."
        )))
    }

    /// True if the code is an image.
    pub fn is_image(&self) -> bool {
        self.fields["PackageType"] == "Image"
    }

    /// The memory in MB.
    pub fn memory_mb(&self) -> u32 {
        self.fields["MemorySize"].as_u64().unwrap_or_default() as u32
    }

    /// The timeout in milliseconds.
    pub fn timeout_ms(&self) -> f64 {
        1e3 * self.fields["Timeout"].as_f64().unwrap_or_default()
    }

    /// The managed runtime; `None` with an image.
    pub fn runtime(&self) -> Option<&str> {
        self.fields.get("Runtime").and_then(Value::as_str)
    }

    /// True if published versions start from a snapshot.
    pub fn snap_start(&self) -> bool {
        self.fields["SnapStart"]["ApplyOn"] == "PublishedVersions"
    }

    /// True if logs are JSON.
    pub fn json_logs(&self) -> bool {
        self.fields["LoggingConfig"]["LogFormat"] == "JSON"
    }

    /// True if the platform logs also what went well.
    pub fn detailed_logs(&self) -> bool {
        self.fields["LoggingConfig"]["SystemLogLevel"] == "DEBUG"
    }

    /// The instruction set.
    pub fn architecture(&self) -> &str {
        self.fields["Architectures"][0].as_str().unwrap_or_default()
    }

    /// The environment variables.
    pub fn variables(&self) -> Map<String, Value> {
        let variables = self
            .fields
            .get("Environment")
            .map(|environment| &environment["Variables"]);
        variables.and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The place of the code, as `GetFunction` has it.
    pub fn code(&self) -> &Value {
        &self.code
    }

    /// The fields, as answers have them, for `function`.
    pub fn fields(&self, function: &str) -> Map<String, Value> {
        let mut fields = self.fields.clone();
        let logging = &mut fields["LoggingConfig"];
        if logging["LogGroup"].is_null() {
            logging["LogGroup"] = json!(format!("/aws/lambda/{function}"));
        }
        if logging["LogFormat"] == "JSON" {
            for key in ["ApplicationLogLevel", "SystemLogLevel"] {
                if logging[key].is_null() {
                    logging[key] = json!("INFO");
                }
            }
        }
        fields
    }
}

/// True for `<account>.dkr.ecr.<region>.amazonaws.com/<name>` with a tag or a digest.
fn is_of_ecr(uri: &str) -> bool {
    let Some((host, name)) = uri.split_once('/') else {
        return false;
    };
    let Some((account, rest)) = host.split_once(".dkr.ecr.") else {
        return false;
    };
    let tagged = name.contains(':') && !name.contains(char::is_whitespace);
    account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && rest.ends_with(".amazonaws.com") && tagged
}

fn variables_fit(variables: &Value) -> Result<(), Reply> {
    let Some(variables) = variables.as_object() else {
        return Err(form("environment.variables", "Member must be a map"));
    };
    let reserved: Vec<&str> = variables
        .keys()
        .map(String::as_str)
        .filter(|key| RESERVED.contains(key))
        .collect();
    if !reserved.is_empty() {
        return Err(parameter(&format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    let named = |key: &str| {
        key.len() > 1
            && key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if let Some(key) = variables.keys().find(|key| !named(key)) {
        return Err(form(
            &format!("environment.variables.{key}"),
            "Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+",
        ));
    }
    if variables.values().any(|value| !value.is_string()) {
        return Err(form("environment.variables", "Member must hold strings"));
    }
    if Value::Object(variables.clone()).to_string().len() > 4096 {
        return Err(parameter(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit.",
        ));
    }
    Ok(())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
