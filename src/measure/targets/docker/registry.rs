//! The client of an image registry on this machine, over plain HTTP (OCI distribution, version 2).
//!
//! The engine pushes and pulls images. This client handles manifests and a few small blobs only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::measure::error::MeasureError;
use crate::measure::sources::digest;

/// The repository of everything that coldcast pushes. Tags begin with the id of the run.
pub const REPOSITORY: &str = "coldcast-run";
/// The longest time that the registry may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The media types of manifests.
const MANIFESTS: &str = "application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.index.v1+json";

/// A registry on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The host and the port, as in image references.
    pub address: String,
    socket: SocketAddr,
}

impl FromStr for Registry {
    type Err = String;

    /// Reads `127.0.0.1:5000` or `localhost:5000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "write the address of a registry on this machine as 127.0.0.1:PORT or localhost:PORT: engines use plain HTTP \
             for no other"
                .to_string()
        };
        let (host, port) = text.split_once(':').ok_or_else(wrong)?;
        let host = match host {
            "localhost" => Ipv4Addr::LOCALHOST,
            other => other.parse().map_err(|_| wrong())?,
        };
        let port = port.parse().map_err(|_| wrong())?;
        if !host.is_loopback() || port == 0 {
            return Err(wrong());
        }
        Ok(Self {
            address: text.to_string(),
            socket: SocketAddr::new(IpAddr::V4(host), port),
        })
    }
}

/// The manifest of an image, which names its configuration and its layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The media type.
    pub media_type: String,
    /// The content.
    pub content: Value,
}

/// An answer of the registry.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: impl Into<HeaderName>) -> Option<String> {
        Some(self.headers.get(name.into())?.to_str().ok()?.to_string())
    }
}

impl Registry {
    /// Checks that a registry answers and asks for no login.
    pub async fn check(&self) -> Result<(), MeasureError> {
        let answer = self.get("/v2/", "*/*").await?;
        match answer.status {
            StatusCode::OK => Ok(()),
            StatusCode::UNAUTHORIZED => Err(self.error("it asks for a login; run one without")),
            other => Err(self.error(format!("it answers {other} to /v2/; is it an image registry?"))),
        }
    }

    /// The manifest of a tag. If the tag names an index, the manifest for `architecture` in the engine's words (`amd64`).
    pub async fn manifest(&self, tag: &str, architecture: &str) -> Result<Manifest, MeasureError> {
        let manifest = self.any_manifest(tag).await?;
        match platform(&manifest.content, architecture) {
            Ok(None) => Ok(manifest),
            Ok(Some(digest)) => self.any_manifest(&digest).await,
            Err(reason) => Err(self.error(reason)),
        }
    }

    async fn any_manifest(&self, reference: &str) -> Result<Manifest, MeasureError> {
        let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
        let answer = self.expect(StatusCode::OK, &path, self.get(&path, MANIFESTS).await?)?;
        Ok(Manifest {
            media_type: answer.header(CONTENT_TYPE).unwrap_or_default(),
            content: serde_json::from_slice(&answer.body).map_err(|error| self.error(format!("{path}: {error}")))?,
        })
    }

    /// Fetches a small blob.
    pub async fn blob(&self, digest: &str) -> Result<Bytes, MeasureError> {
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        Ok(self.expect(StatusCode::OK, &path, self.get(&path, "*/*").await?)?.body)
    }

    /// Stores a small blob and returns its digest.
    pub async fn upload(&self, blob: Vec<u8>) -> Result<String, MeasureError> {
        let digest = digest(&blob);
        let path = format!("/v2/{REPOSITORY}/blobs/uploads/");
        let begun = self.send(Method::POST, &path, &[], Vec::new()).await?;
        let begun = self.expect(StatusCode::ACCEPTED, &path, begun)?;
        let location = begun
            .header(LOCATION)
            .ok_or_else(|| self.error("it gave no address for the upload"))?;
        // Registries answer with a whole address or with a path.
        let place = location
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|slash| &rest[slash..]))
            .unwrap_or(&location);
        let separator = if place.contains('?') { '&' } else { '?' };
        let place = format!("{place}{separator}digest={digest}");
        let kind = [(CONTENT_TYPE, "application/octet-stream")];
        let stored = self.send(Method::PUT, &place, &kind, blob).await?;
        self.expect(StatusCode::CREATED, &path, stored)?;
        Ok(digest)
    }

    /// Stores a manifest under a tag.
    pub async fn tag(&self, tag: &str, manifest: &Manifest) -> Result<(), MeasureError> {
        let path = format!("/v2/{REPOSITORY}/manifests/{tag}");
        let body = manifest.content.to_string().into_bytes();
        let kind = [(CONTENT_TYPE, manifest.media_type.as_str())];
        let stored = self.send(Method::PUT, &path, &kind, body).await?;
        self.expect(StatusCode::CREATED, &path, stored).map(|_| ())
    }

    /// Deletes the manifests of all tags of a run. The registry deletes their blobs at its next garbage collection.
    pub async fn forget(&self, run: &str) -> Result<(), MeasureError> {
        let path = format!("/v2/{REPOSITORY}/tags/list");
        let listed = self.get(&path, "*/*").await?;
        if listed.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let listed = self.expect(StatusCode::OK, &path, listed)?;
        let list: Value = serde_json::from_slice(&listed.body).unwrap_or_default();
        let tags = list["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for tag in tags.filter(|tag| belongs_to(tag, run)) {
            let path = format!("/v2/{REPOSITORY}/manifests/{tag}");
            let found = self.get(&path, MANIFESTS).await?;
            if found.status == StatusCode::NOT_FOUND {
                continue;
            }
            let digest = digest(&self.expect(StatusCode::OK, &path, found)?.body);
            let path = format!("/v2/{REPOSITORY}/manifests/{digest}");
            let deleted = self.send(Method::DELETE, &path, &[], Vec::new()).await?;
            if deleted.status == StatusCode::METHOD_NOT_ALLOWED {
                return Err(self.error("it does not allow deletion (storage.delete.enabled)"));
            }
            self.expect(StatusCode::ACCEPTED, &path, deleted)?;
        }
        Ok(())
    }

    async fn get(&self, path: &str, accept: &str) -> Result<Answer, MeasureError> {
        self.send(Method::GET, path, &[(ACCEPT, accept)], Vec::new()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, MeasureError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.error(error))?;
        let exchange = async {
            let stream = tokio::net::TcpStream::connect(self.socket).await?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            let response = sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            connection.abort();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, exchange).await {
            Ok(answer) => {
                answer.map_err(|error| self.error(crate::measure::targets::docker::engine::root_cause(&*error)))
            }
            Err(_) => Err(self.error(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()))),
        }
    }

    fn expect(&self, status: StatusCode, path: &str, answer: Answer) -> Result<Answer, MeasureError> {
        if answer.status == status {
            return Ok(answer);
        }
        let text: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
        Err(self.error(format!("{path}: {} {text}", answer.status)))
    }

    pub(super) fn error(&self, reason: impl std::fmt::Display) -> MeasureError {
        MeasureError::Registry {
            address: self.address.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Returns true if this run made the tag.
fn belongs_to(tag: &str, run: &str) -> bool {
    tag.strip_prefix(run).is_some_and(|rest| rest.starts_with('-'))
}

/// The digest of the manifest for an architecture, if `content` is an index; `None` if it is a manifest.
fn platform(content: &Value, architecture: &str) -> Result<Option<String>, String> {
    let Some(manifests) = content["manifests"].as_array() else {
        return Ok(None);
    };
    let fits = |entry: &&Value| {
        let platform = &entry["platform"];
        platform["os"] == "linux" && platform["architecture"] == architecture
    };
    let digest = manifests.iter().find(fits).and_then(|entry| entry["digest"].as_str());
    match digest {
        Some(digest) => Ok(Some(digest.to_string())),
        None => Err(format!(
            "the image it was given has no manifest for linux/{architecture}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_registries_of_this_machine_are_taken() {
        for text in ["127.0.0.1:5000", "localhost:5000", "127.1.2.3:80"] {
            assert_eq!(text.parse::<Registry>().unwrap().address, text);
        }
        for text in [
            "127.0.0.1",
            "example.org:443",
            "10.0.0.1:5000",
            "localhost:0",
            "localhost:x",
            "http://127.0.0.1:5000",
        ] {
            assert!(
                text.parse::<Registry>().unwrap_err().contains("127.0.0.1:PORT"),
                "{text}"
            );
        }
    }

    #[test]
    fn tags_belong_to_one_run() {
        assert!(belongs_to("ab12-gin", "ab12") && belongs_to("ab12-gin-pull", "ab12"));
        assert!(!belongs_to("ab123-gin", "ab12") && !belongs_to("gin", "ab12"));
    }

    #[test]
    fn an_index_names_the_manifest_of_this_architecture() {
        let entry = |digest: &str, os: &str, architecture: &str| json!({"digest": digest, "platform": {"os": os, "architecture": architecture}});
        let index = json!({"manifests": [entry("a", "unknown", "unknown"), entry("b", "linux", "arm64"), entry("c", "linux", "amd64")]});
        assert_eq!(platform(&index, "amd64"), Ok(Some("c".into())));
        assert!(platform(&index, "s390x").unwrap_err().contains("linux/s390x"));
        assert_eq!(platform(&json!({"layers": []}), "amd64"), Ok(None));
    }
}
