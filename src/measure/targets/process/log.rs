//! The last lines that a process writes.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::measure::escape;

/// The number of lines kept.
const LINES: usize = 50;
/// The number of bytes kept of each line.
const LINE_BYTES: usize = 2000;
/// The time to wait for output that is still in the pipe after a process has ended. A descendant may keep the pipe open longer.
const SETTLE: Duration = Duration::from_millis(300);

/// The last lines read from a pipe.
#[derive(Debug, Clone)]
pub struct Log(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Vec<u8>>,
    /// True if the last line is not complete.
    open: bool,
    /// True if all writers are gone.
    ended: bool,
}

impl Log {
    /// Reads a pipe on a thread until all writers are gone.
    ///
    /// # Errors
    /// If the thread cannot be created.
    pub fn of(mut pipe: PipeReader) -> io::Result<Self> {
        let log = Self(Arc::default());
        let kept = log.0.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                match pipe.read(&mut chunk) {
                    Ok(n) if n > 0 => lock(&kept).add(&chunk[..n]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    _ => break,
                }
            }
            lock(&kept).ended = true;
        })?;
        Ok(log)
    }

    /// The last lines so far, escaped. Waits up to [`SETTLE`] for output that is still in the pipe.
    pub async fn last_lines(&self) -> Vec<String> {
        let began = Instant::now();
        while !lock(&self.0).ended && began.elapsed() < SETTLE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let kept = lock(&self.0);
        kept.lines
            .iter()
            .map(|line| escape::line(&String::from_utf8_lossy(line), escape::LINE))
            .collect()
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            if !self.open {
                self.lines.push_back(Vec::new());
                if self.lines.len() > LINES {
                    self.lines.pop_front();
                }
            }
            self.open = text.len() == part.len();
            if let Some(line) = self.lines.back_mut() {
                let room = LINE_BYTES.saturating_sub(line.len());
                line.extend(&text[..text.len().min(room)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_and_their_beginnings_are_kept() {
        let mut kept = Kept::default();
        kept.add(b"first, which goes");
        kept.add(b" on\nsecond\n");
        assert_eq!(kept.lines, [b"first, which goes on".to_vec(), b"second".to_vec()]);
        for _ in 0..LINES {
            kept.add(&[b'x'; 3000]);
            kept.add(b"x\n");
        }
        assert_eq!(kept.lines.len(), LINES);
        assert!(kept.lines.iter().all(|line| line.len() == LINE_BYTES));
        kept.add(b"\nlast");
        assert_eq!(
            kept.lines.iter().rev().take(2).map(Vec::len).collect::<Vec<_>>(),
            [4, 0]
        );
    }
}
