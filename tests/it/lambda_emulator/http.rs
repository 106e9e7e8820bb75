//! HTTP/1.1 as a server: requests with a length or in chunks, and answers on connections that stay open.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use percent_encoding::percent_decode_str;

use super::fault::Cut;
use super::reply::Reply;

/// The most bytes of a request: a function's code in base64 and what is around it.
const LARGEST: usize = 80 << 20;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    /// The path without its query, as it was sent.
    pub path: String,
    /// The query, as it was sent.
    pub query: String,
    /// Headers with names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self
            .query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs.into_iter().find(|(key, _)| decoded(key) == name);
        found.map(|(_, value)| decoded(value))
    }

    /// The parts of the path, decoded one by one.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.trim_start_matches('/');
        path.trim_end_matches('/').split('/').map(decoded).collect()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Bytes of a connection that came and were not used yet.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Reads more. Returns false at the end of the stream.
    fn fill(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        let mut bytes = [0; 16 << 10];
        let count = stream.read(&mut bytes)?;
        self.0.extend_from_slice(&bytes[..count]);
        if self.0.len() > LARGEST {
            return Err(io::Error::other("a request that is too large"));
        }
        Ok(count > 0)
    }

    fn fill_to(&mut self, stream: &mut TcpStream, length: usize) -> io::Result<()> {
        while self.0.len() < length {
            if !self.fill(stream)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.0.split_off(length);
        std::mem::replace(&mut self.0, rest)
    }
}

/// Reads the next request; `None` at the end of the stream.
pub fn read(stream: &mut TcpStream, buffer: &mut Buffer) -> io::Result<Option<Request>> {
    let bad = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_string());
    let (mut request, length) = loop {
        if let Some(head) = head(&buffer.0)? {
            break head;
        }
        if !buffer.fill(stream)? {
            return if buffer.0.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
    };
    buffer.take(length);
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(|_| bad("content-length"))?;
        buffer.fill_to(stream, length)?;
        request.body = buffer.take(length);
    } else if request.header("transfer-encoding").is_some() {
        loop {
            let httparse::Status::Complete((start, size)) =
                httparse::parse_chunk_size(&buffer.0).map_err(|_| bad("chunk"))?
            else {
                if !buffer.fill(stream)? {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            };
            let size = usize::try_from(size).map_err(|_| bad("chunk"))?;
            buffer.fill_to(stream, start + size + 2)?;
            let chunk = buffer.take(start + size + 2);
            request.body.extend_from_slice(&chunk[start..start + size]);
            if size == 0 {
                break;
            }
        }
    }
    Ok(Some(request))
}

/// The request line and the headers with their length; `None` if they are not whole yet.
fn head(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed
        .parse(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(length) = status else {
        return Ok(None);
    };
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_ascii_lowercase(), value)
    };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_string(),
        path: path.to_string(),
        query: query.to_string(),
        headers: parsed.headers.iter().map(header).collect(),
        body: Vec::new(),
    };
    Ok(Some((request, length)))
}

/// Writes an answer, or as much of it as is not cut off.
pub fn write(stream: &mut TcpStream, reply: &Reply, request_id: &str, cut: Option<Cut>) -> io::Result<()> {
    if cut == Some(Cut::BeforeAnswer) {
        return Ok(());
    }
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)).into_bytes();
    let mut line = |name: &str, value: &str| bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    line("x-amzn-RequestId", request_id);
    for (name, value) in &reply.headers {
        line(name, value);
    }
    if reply.status != 204 {
        line("Content-Length", &reply.body.len().to_string());
    }
    bytes.extend_from_slice(b"\r\n");
    match cut {
        Some(_) if reply.body.is_empty() => bytes.truncate(bytes.len() / 2),
        Some(_) => bytes.extend_from_slice(&reply.body[..reply.body.len() / 2]),
        None => bytes.extend_from_slice(&reply.body),
    }
    stream.write_all(&bytes)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400..500 => "Refused",
        _ => "Failed",
    }
}
