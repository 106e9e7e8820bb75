//! A small blocking HTTP/1.1 client over one connection that stays open; `httparse` reads the answers.
//!
//! The probe must see the accepted connection and the answer as two moments, which HTTP clients hide. The client also runs
//! on the same cores as the server that it measures, so it does little: it sends one prepared buffer and reads until the
//! answer is whole. It knows nothing of containers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use httparse::Status;

/// The longest time that a read may block before the client looks at the stop flag and the deadline again.
const LOOK_UP: Duration = Duration::from_millis(100);
/// The largest answer in bytes that the client accepts: the routes answer a few kilobytes.
const LARGEST_ANSWER: usize = 4 << 20;
/// The largest number of headers that the client accepts in an answer.
const MOST_HEADERS: usize = 64;

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

    /// The same request with this header. It takes the place of one with the same name.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let end = self
            .0
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or(self.0.len());
        let (head, rest) = self.0.split_at(end);
        let head = String::from_utf8_lossy(head);
        let is_other = |line: &&str| {
            line.split_once(':')
                .is_none_or(|(own, _)| !own.eq_ignore_ascii_case(name))
        };
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let mut bytes = first.as_bytes().to_vec();
        for line in lines.filter(is_other) {
            bytes.extend_from_slice(format!("\r\n{line}").as_bytes());
        }
        bytes.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
        bytes.extend_from_slice(rest);
        Self(bytes)
    }
}

/// An answer, body included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `x-process-id`.
    pub process_id: Option<String>,
    /// The header `x-request-count`.
    pub request_count: Option<u64>,
    /// The header `content-type`.
    pub content_type: Option<String>,
    /// The header `location`, of a redirection.
    pub location: Option<String>,
    /// The body without chunk framing.
    pub body: Vec<u8>,
    /// True if the server closes the connection after this answer.
    pub closes: bool,
}

/// A connection that stays open.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The time between the first bytes of the last answer and the last ones; `None` if they came together.
    split: Option<Duration>,
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
            split: None,
        })
    }

    /// Returns true if nothing came back for the last request.
    pub fn is_unanswered(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The bytes that came back for the last request, also if they are no answer.
    pub fn received(&self) -> &[u8] {
        &self.buffer
    }

    /// The time between the first bytes of the last answer and the last ones; `None` if they came together.
    pub fn split(&self) -> Option<Duration> {
        self.split
    }

    /// Sends a request and waits for the whole answer, until `deadline` or until `stop` is set.
    pub fn ask(&mut self, request: &Request, deadline: Instant, stop: &AtomicBool) -> io::Result<Answer> {
        self.buffer.clear();
        self.split = None;
        self.stream.write_all(&request.0)?;
        let mut first: Option<Instant> = None;
        let mut chunk = [0u8; 16 << 10];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return parse(&self.buffer, true)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.buffer.extend_from_slice(&chunk[..n]);
                    if let Some(answer) = parse(&self.buffer, false)? {
                        self.split = first.map(|first| first.elapsed());
                        return Ok(answer);
                    }
                    first = first.or_else(|| Some(Instant::now()));
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

fn malformed(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed answer: {problem}"))
}

/// The answer at the start of `bytes`; `None` while it is incomplete. `ended`: the server has closed the connection.
fn parse(bytes: &[u8], ended: bool) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = httparse::ParserConfig::default()
        .ignore_invalid_headers_in_responses(true)
        .parse_response(&mut head, bytes);
    let head_length = match parsed.map_err(|error| malformed(&error.to_string()))? {
        Status::Complete(length) => length,
        Status::Partial => return Ok(None),
    };
    let mut answer = Answer {
        status: head.code.unwrap_or_default(),
        closes: head.version == Some(0),
        ..Answer::default()
    };
    let mut length: Option<usize> = None;
    let mut chunked = false;
    for header in head.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let value = || std::str::from_utf8(header.value).map_err(|_| malformed("header is not text"));
        if is("content-length") {
            length = Some(value()?.parse().map_err(|_| malformed("content-length"))?);
        } else if is("transfer-encoding") {
            chunked = value()?.eq_ignore_ascii_case("chunked");
        } else if is("connection") {
            answer.closes = value()?.eq_ignore_ascii_case("close");
        } else if is("content-type") {
            answer.content_type = Some(value()?.to_string());
        } else if is("location") {
            answer.location = Some(String::from_utf8_lossy(header.value).into_owned());
        } else if is("x-process-id") {
            answer.process_id = Some(value()?.to_string());
        } else if is("x-request-count") {
            answer.request_count = value()?.parse().ok();
        }
    }
    let body = &bytes[head_length..];
    let whole = if chunked {
        unchunk(body)?
    } else if let Some(length) = length {
        body.get(..length).map(<[u8]>::to_vec)
    } else if matches!(answer.status, 100..=199 | 204 | 304) {
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
        let (start, size) = match httparse::parse_chunk_size(bytes).map_err(|_| malformed("chunk size"))? {
            Status::Complete((start, size)) if size <= LARGEST_ANSWER as u64 => (start, size as usize),
            Status::Complete(_) => return Err(malformed("chunk size")),
            Status::Partial => return Ok(None),
        };
        let Some(chunk) = bytes.get(start..start + size + 2) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &bytes[start + size + 2..];
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

    #[test]
    fn a_header_is_added_or_takes_the_place_of_another() {
        let text = |request: &Request| String::from_utf8(request.0.clone()).unwrap();
        let asked = Request::post_json("/a", "{}")
            .with("host", "shop.example")
            .with("X-Key", "1");
        assert_eq!(
            text(&asked),
            "POST /a HTTP/1.1\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
             host: shop.example\r\nX-Key: 1\r\n\r\n{}"
        );
    }

    #[test]
    fn an_answer_in_two_parts_tells_the_time_between_them() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            for pause in [40, 0] {
                let _ = stream.read(&mut [0; 1024]).unwrap();
                let answer = b"HTTP/1.1 301 Moved\r\nLocation: /x/\r\nContent-Length: 2\r\n\r\nok";
                let (head, body) = answer.split_at(if pause > 0 { answer.len() - 2 } else { answer.len() });
                stream.write_all(head).unwrap();
                std::thread::sleep(Duration::from_millis(pause));
                stream.write_all(body).unwrap();
            }
        });
        let mut connection = Connection::open(address, Duration::from_secs(5)).unwrap();
        let mut ask = || {
            let deadline = Instant::now() + Duration::from_secs(5);
            let answer = connection
                .ask(&Request::get("/"), deadline, &AtomicBool::new(false))
                .unwrap();
            assert_eq!(answer.location.as_deref(), Some("/x/"));
            connection.split()
        };
        assert!(ask().is_some_and(|split| split >= Duration::from_millis(30)));
        assert_eq!(ask(), None);
        server.join().unwrap();
    }

    #[test]
    fn unusual_answers_are_read() {
        // Line feeds alone, a line without a colon, a missing reason, a header that is not text.
        let odd = b"HTTP/1.1 503\nno colon\nX-Other: \xff\nConnection: Close\nContent-Length:  2 \n\nno";
        let answer = parse(odd, false).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.closes, answer.body.as_slice()),
            (503, true, b"no".as_slice())
        );
        let old = parse(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false)
            .unwrap()
            .unwrap();
        assert!(old.closes, "HTTP/1.0 closes unless it says otherwise");
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n", false).as_deref(), Some(""));
        let extension = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(body(extension, false).as_deref(), Some("hi!"));
        for wrong in [
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        ] {
            assert!(parse(wrong.as_bytes(), false).is_err(), "{wrong}");
        }
    }
}
