//! Identifiers that look random and are never given twice.

use sha2::{Digest, Sha256};

use super::config::hex;

/// The maker of identifiers.
#[derive(Debug)]
pub struct Ids {
    seed: u64,
    made: u64,
}

impl Ids {
    /// A maker whose identifiers differ from those of another seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, made: 0 }
    }

    fn next(&mut self) -> String {
        self.made += 1;
        hex(&Sha256::digest(format!("{}-{}", self.seed, self.made)))
    }

    /// An id in the form of a UUID, as requests and revisions have it.
    pub fn uuid(&mut self) -> String {
        let hex = self.next();
        format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..15],
            &hex[15..18],
            &hex[18..30]
        )
    }

    /// The id of a process, as the contract of the apps has it.
    pub fn process(&mut self) -> String {
        self.next()[..16].to_string()
    }

    /// The id of a function URL.
    pub fn url(&mut self) -> String {
        self.next()[..32].to_string()
    }
}

/// A part from 0 to 1 that is the same for the same number.
pub fn part(number: u32) -> f64 {
    let hash = Sha256::digest(format!("part {number}"));
    f64::from(u16::from_be_bytes([hash[0], hash[1]])) / f64::from(u16::MAX)
}
