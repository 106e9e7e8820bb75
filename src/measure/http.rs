//! A small blocking HTTP/1.1 client over one kept connection.
//!
//! Written by hand because the probe has to see the accepted connection and the answer as two moments, and because the
//! client runs on the same cores as the server it measures: it sends one prepared buffer and reads until the answer is
//! whole. Knows nothing of containers. Durations are `std::time`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a read may block before the stop flag and the deadline are looked at again.
const LOOK_UP: Duration = Duration::from_millis(100);
/// Larger answers are refused: the routes answer a few kilobytes.
const LARGEST_ANSWER: usize = 4 << 20;

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request(Vec<u8>);

impl Request {
    /// `GET path`.
    pub fn get(path: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nHost: app\r\nAccept: */*\r\n\r\n").into_bytes())
    }

    /// `POST path` with a JSON body.
    pub fn post_json(path: &str, body: &str) -> Self {
        let length = body.len();
        Self(
            format!(
                "POST {path} HTTP/1.1\r\nHost: app\r\nAccept: */*\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes(),
        )
    }
}

/// An answer, body included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header `x-process-id`.
    pub process_id: Option<String>,
    /// Header `x-request-count`.
    pub request_count: Option<u64>,
    /// Header `content-type`.
    pub content_type: Option<String>,
    /// The body with any chunk framing taken off.
    pub body: Vec<u8>,
    /// Whether the server closes the connection after this answer.
    pub closes: bool,
}

/// One kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects, with TCP_NODELAY.
    pub fn open(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, timeout)?)
    }

    /// Takes over an accepted connection.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK_UP))?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(8192),
        })
    }

    /// True if nothing came back for the last request.
    pub fn is_unanswered(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Sends a request and waits for the whole answer, until `deadline` or until `stop` is set.
    pub fn ask(&mut self, request: &Request, deadline: Instant, stop: &AtomicBool) -> io::Result<Answer> {
        self.buffer.clear();
        self.stream.write_all(&request.0)?;
        let mut chunk = [0u8; 16 << 10];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return parse(&self.buffer, true)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.buffer.extend_from_slice(&chunk[..n]);
                    if let Some(answer) = parse(&self.buffer, false)? {
                        return Ok(answer);
                    }
                    if self.buffer.len() > LARGEST_ANSWER {
                        return Err(io::Error::other("the answer is larger than 4 MiB"));
                    }
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if stop.load(Ordering::Relaxed) {
                        return Err(io::Error::other("stopped"));
                    }
                    if Instant::now() >= deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed answer: {what}"))
}

/// The answer at the start of `bytes`; `None` while it is incomplete. `ended`: the server has closed the connection.
fn parse(bytes: &[u8], ended: bool) -> io::Result<Option<Answer>> {
    let Some(head_end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..head_end]).map_err(|_| malformed("header is not text"))?;
    let body = &bytes[head_end + 4..];
    let mut lines = head.split("\r\n");
    let mut status_line = lines.next().unwrap_or_default().split(' ');
    let version = status_line.next().unwrap_or_default();
    if !version.starts_with("HTTP/1.") {
        return Err(malformed("not HTTP/1"));
    }
    let status = status_line
        .next()
        .and_then(|s| s.parse().ok())
        .ok_or_else(|| malformed("no status"))?;
    let mut answer = Answer {
        status,
        closes: version == "HTTP/1.0",
        ..Answer::default()
    };
    let mut length: Option<usize> = None;
    let mut chunked = false;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse().map_err(|_| malformed("content-length"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            answer.closes = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("content-type") {
            answer.content_type = Some(value.to_string());
        } else if name.eq_ignore_ascii_case("x-process-id") {
            answer.process_id = Some(value.to_string());
        } else if name.eq_ignore_ascii_case("x-request-count") {
            answer.request_count = value.parse().ok();
        }
    }
    let whole = if chunked {
        unchunk(body)?
    } else if let Some(length) = length {
        body.get(..length).map(<[u8]>::to_vec)
    } else if matches!(status, 100..=199 | 204 | 304) {
        Some(Vec::new())
    } else {
        answer.closes = true;
        ended.then(|| body.to_vec())
    };
    Ok(whole.map(|body| Answer { body, ..answer }))
}

/// The body without chunk framing; `None` while the last chunk is missing.
fn unchunk(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(line_end) = bytes.windows(2).position(|w| w == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[..line_end])
            .ok()
            .and_then(|line| usize::from_str_radix(line.split(';').next()?.trim(), 16).ok())
            .filter(|&size| size <= LARGEST_ANSWER)
            .ok_or_else(|| malformed("chunk size"))?;
        bytes = &bytes[line_end + 2..];
        let Some(chunk) = bytes.get(..size + 2) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &bytes[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str, ended: bool) -> Option<String> {
        let answer = parse(text.as_bytes(), ended).expect("well-formed")?;
        Some(String::from_utf8(answer.body).expect("text"))
    }

    #[test]
    fn answers_are_read_when_whole() {
        let head = "HTTP/1.1 200 OK\r\nX-Process-Id: ab\r\nx-request-count: 7\r\n";
        assert_eq!(
            body(&format!("{head}Content-Length: 2\r\n\r\nhi"), false).as_deref(),
            Some("hi")
        );
        assert_eq!(body(&format!("{head}Content-Length: 3\r\n\r\nhi"), false), None);
        assert_eq!(
            body(
                &format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
                false
            )
            .as_deref(),
            Some("hi")
        );
        assert_eq!(
            body(
                &format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"),
                false
            ),
            None
        );
        assert_eq!(body(&format!("{head}\r\nhi"), false), None);
        assert_eq!(body(&format!("{head}\r\nhi"), true).as_deref(), Some("hi"));
        let answer = parse(format!("{head}Content-Length: 0\r\n\r\n").as_bytes(), false)
            .unwrap()
            .unwrap();
        assert_eq!((answer.status, answer.request_count), (200, Some(7)));
        assert_eq!(answer.process_id.as_deref(), Some("ab"));
        assert!(parse(b"SSH-2.0-x\r\n\r\n", false).is_err());
    }
}
