//! The bytes of a file, plain or gzip, as a stream.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::error::TraceError;

/// The largest length of a row in bytes. A day of the Azure trace has rows of some kilobytes. A longer row means that the
/// file is not text, or that a quote is not closed.
const MAX_ROW: usize = 16 * 1024 * 1024;

/// The bytes of one file.
pub struct Input {
    bytes: Box<dyn Read + Send>,
    gzip: bool,
    /// The number of bytes since the beginning of the row. The reader of rows resets it to 0.
    pub row_bytes: usize,
    /// True if the end of the file was reached.
    pub ended: bool,
}

impl Input {
    /// Opens a file. Gzip is recognised by its first bytes.
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
        Self::new(&name, file)
    }

    /// Reads bytes that may be gzip.
    pub fn new(path: &str, mut input: impl Read + Send + 'static) -> Result<Self, TraceError> {
        let mut magic = Vec::with_capacity(4);
        let read = input.by_ref().take(4).read_to_end(&mut magic);
        read.map_err(|reason| TraceError::Read {
            path: path.to_string(),
            reason,
        })?;
        if magic == [0x28, 0xb5, 0x2f, 0xfd] {
            return Err(TraceError::file(
                path,
                "this is a zstd file",
                "unpack it first: zstd -d FILE",
            ));
        }
        let gzip = magic.starts_with(&[0x1f, 0x8b]);
        let input = Cursor::new(magic).chain(input);
        let bytes: Box<dyn Read + Send> = match gzip {
            true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, input))),
            false => Box::new(input),
        };
        Ok(Self {
            bytes,
            gzip,
            row_bytes: 0,
            ended: false,
        })
    }

    /// Returns the reason why reading failed in the row that begins at `line`, with `whole` complete lines before the place of
    /// the failure.
    #[cold]
    pub fn failure(&self, path: &str, reason: io::Error, line: u64, whole: u64) -> TraceError {
        let again = "download or compress the file again; `gzip -t FILE` checks a file";
        match reason.kind() {
            _ if self.row_bytes > MAX_ROW => TraceError::file(
                path,
                format!("line {line} is longer than 16 MiB"),
                "give a text file with one record per line, and close every quote",
            ),
            io::ErrorKind::UnexpectedEof if self.gzip => {
                TraceError::file(path, format!("the gzip file is cut off after line {whole}"), again)
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.gzip => {
                let problem = format!("the gzip data are damaged after line {whole} ({reason})");
                TraceError::file(path, problem, again)
            }
            _ => TraceError::Read {
                path: path.to_string(),
                reason,
            },
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row_bytes > MAX_ROW {
            return Err(io::ErrorKind::InvalidData.into());
        }
        loop {
            match self.bytes.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => {
                    self.row_bytes += count;
                    self.ended = count == 0;
                    return Ok(count);
                }
                Err(e) => return Err(e),
            }
        }
    }
}
