//! Lines of a text file, plain or gzip, through one buffer that is reused: a file of any size streams in flat memory.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::TraceError;

const BUFFER: usize = 256 * 1024;
/// A day of the Azure trace has lines of some kilobytes; a longer one means that the file is not text.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// A line without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// The bytes, without the line break.
    pub text: &'a [u8],
    /// Whether a line break follows. Without one the file may have been cut off here.
    pub terminated: bool,
}

/// The lines of one file.
pub struct Lines {
    /// The file as the user knows it.
    pub path: String,
    input: Box<dyn Read + Send>,
    gzip: bool,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    number: u64,
    finished: bool,
}

impl Lines {
    /// The lines of a file. Gzip is recognised by its first bytes.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let name = path.display().to_string();
        let failed = |reason| TraceError::Read {
            path: name.clone(),
            reason,
        };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(TraceError::file(&name, "this is a folder", "give a file in it"));
        }
        Self::new(name, file)
    }

    /// The lines of bytes that are in memory already.
    pub fn from_bytes(path: &str, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Self, TraceError> {
        Self::new(path.to_string(), Cursor::new(bytes))
    }

    fn new(path: String, mut input: impl Read + Send + 'static) -> Result<Self, TraceError> {
        let mut magic = Vec::with_capacity(4);
        let read = input.by_ref().take(4).read_to_end(&mut magic);
        read.map_err(|reason| TraceError::Read {
            path: path.clone(),
            reason,
        })?;
        if magic == [0x28, 0xb5, 0x2f, 0xfd] {
            return Err(TraceError::file(
                &path,
                "this is a zstd file",
                "unpack it first: zstd -d FILE",
            ));
        }
        let gzip = magic.starts_with(&[0x1f, 0x8b]);
        let input = Cursor::new(magic).chain(input);
        let input: Box<dyn Read + Send> = match gzip {
            true => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(64 * 1024, input))),
            false => Box::new(input),
        };
        let buffer = vec![0; BUFFER];
        Ok(Self {
            path,
            input,
            gzip,
            buffer,
            start: 0,
            end: 0,
            number: 0,
            finished: false,
        })
    }

    /// The next line; empty lines are left out.
    #[inline]
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, TraceError> {
        loop {
            let (length, terminated) = match memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                Some(length) => (length, true),
                None if !self.finished => {
                    self.fill()?;
                    continue;
                }
                None if self.start == self.end => return Ok(None),
                None => (self.end - self.start, false),
            };
            let line = self.start..self.start + length;
            self.start += length + usize::from(terminated);
            self.number += 1;
            let text = &self.buffer[line.clone()];
            let carriage_return = usize::from(text.last() == Some(&b'\r'));
            let mark = if self.number == 1 && text.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            };
            let line = line.start + mark..line.end - carriage_return;
            if !line.is_empty() {
                return Ok(Some(Line {
                    number: self.number,
                    text: &self.buffer[line],
                    terminated,
                }));
            }
        }
    }

    fn fill(&mut self) -> Result<(), TraceError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= MAX_LINE {
                let problem = format!("line {} is longer than 16 MiB", self.number + 1);
                return Err(TraceError::file(
                    &self.path,
                    problem,
                    "give a text file with one record a line",
                ));
            }
            self.buffer.resize(2 * self.end, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    self.finished = count == 0;
                    return Ok(());
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.unreadable(e)),
            }
        }
    }

    fn unreadable(&self, reason: io::Error) -> TraceError {
        let again = "fetch or compress it again; `gzip -t FILE` checks a file";
        match reason.kind() {
            io::ErrorKind::UnexpectedEof if self.gzip => {
                let problem = format!("the gzip file is cut off after line {}", self.number);
                TraceError::file(&self.path, problem, again)
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.gzip => {
                let problem = format!("the gzip data are damaged after line {} ({reason})", self.number);
                TraceError::file(&self.path, problem, again)
            }
            _ => TraceError::Read {
                path: self.path.clone(),
                reason,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: Vec<u8>) -> Result<Vec<(u64, String, bool)>, TraceError> {
        let mut lines = Lines::from_bytes("x.csv", bytes)?;
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push((
                line.number,
                String::from_utf8_lossy(line.text).into_owned(),
                line.terminated,
            ));
        }
        Ok(all)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn ends_of_lines_marks_and_gzip() {
        let expected = vec![
            (1, "a".to_string(), true),
            (3, "b".to_string(), true),
            (4, "c".to_string(), false),
        ];
        for text in ["a\n\nb\nc", "\u{feff}a\r\n\r\nb\r\nc"] {
            assert_eq!(lines(text.into()).unwrap(), expected, "{text:?}");
            assert_eq!(lines(gzip(text)).unwrap(), expected, "{text:?}");
        }
        assert!(lines(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn a_line_may_be_longer_than_the_buffer() {
        let long = "x".repeat(3 * BUFFER);
        let all = lines(format!("{long}\ny\n").into_bytes()).unwrap();
        assert_eq!((all[0].1.len(), all[1].1.as_str()), (3 * BUFFER, "y"));
    }

    #[test]
    fn a_cut_off_or_damaged_gzip_file_is_an_error() {
        let whole = gzip(&"a,1\nb,2\n".repeat(1000));
        let cut = lines(whole[..whole.len() / 2].to_vec()).unwrap_err();
        assert!(cut.to_string().contains("cut off"), "{cut}");
        assert!(cut.hints()[0].contains("gzip -t"));
        let mut damaged = whole;
        let middle = damaged.len() - 6;
        damaged[middle] ^= 0xff;
        let damaged = lines(damaged).unwrap_err();
        assert!(damaged.to_string().contains("damaged"), "{damaged}");
    }
}
