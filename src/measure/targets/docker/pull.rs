//! The times of a pull by layer, from the messages of the engine while it pulls. Downloads run in parallel; layers are unpacked
//! one after the other.

use std::collections::HashMap;
use std::time::Instant;

use crate::measure::load::ms;
use crate::model::profile::{LayerPull, Pull};

/// A pull that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The time of the pull call.
    pub began: Instant,
    /// The end of the engine's answer.
    pub ended: Instant,
    /// The times of its layers.
    pub pull: Pull,
    /// The milliseconds of unpacking the extra layer; `None` if the engine did not tell.
    pub extra_ms: Option<f64>,
    /// The number of layers that were on this machine already.
    present: u32,
}

impl Pulled {
    /// The times by the messages in `clock`. `layers` are digest and compressed bytes of the image's layers, in order; `extra` is
    /// the digest of the layer that is pulled with them.
    pub fn new(began: Instant, ended: Instant, clock: &LayerClock, layers: &[(String, u64)], extra: &str) -> Self {
        let between = |from: Option<Instant>, to: Option<Instant>| Some(ms(to? - from?));
        let moments = |digest| clock.layers.get(short(digest)).copied().unwrap_or_default();
        let mut present = 0;
        let mut seen: Vec<&str> = Vec::new();
        let layers = layers.iter().map(|(digest, bytes)| {
            // A layer that occurs twice is fetched once.
            let again = seen.contains(&digest.as_str());
            seen.push(digest);
            let moments = if again { Moments::default() } else { moments(digest) };
            present += u32::from(moments.present);
            LayerPull {
                compressed_bytes: *bytes,
                download_ms: between(moments.downloading, moments.downloaded),
                unpack_ms: between(moments.unpacking, moments.unpacked),
            }
        });
        let layers = layers.collect();
        Self {
            began,
            ended,
            pull: Pull {
                total_ms: ms(ended - began),
                layers,
            },
            extra_ms: between(moments(extra).unpacking, moments(extra).unpacked),
            present,
        }
    }
}

impl Pulled {
    /// A remark if some layers did not have to be pulled.
    pub fn note(&self) -> Option<String> {
        let (present, all) = (self.present, self.pull.layers.len());
        (present > 0).then(|| format!("pull: {present} of {all} layers were on this machine already and cost nothing"))
    }
}

/// The first twelve digits of a digest, by which the engine names a layer while it pulls.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    &hex[..hex.len().min(12)]
}

/// The time of the first message of each kind about each layer.
#[derive(Debug, Clone, Default)]
pub struct LayerClock {
    layers: HashMap<String, Moments>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    downloading: Option<Instant>,
    downloaded: Option<Instant>,
    unpacking: Option<Instant>,
    unpacked: Option<Instant>,
    present: bool,
}

impl LayerClock {
    /// Notes a message of the engine about a layer.
    pub fn note(&mut self, id: &str, status: &str, at: Instant) {
        let layer = self.layers.entry(id.to_string()).or_default();
        let moment = match status {
            "Downloading" => &mut layer.downloading,
            "Download complete" => &mut layer.downloaded,
            "Extracting" => &mut layer.unpacking,
            "Pull complete" => &mut layer.unpacked,
            "Already exists" => {
                layer.present = true;
                return;
            }
            _ => return,
        };
        moment.get_or_insert(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn downloads_and_unpacking_are_told_apart() {
        let began = Instant::now();
        let mut clock = LayerClock::default();
        // The messages of engine 20.10, with invented times.
        for (at, id, status) in [
            (1, "copy", "Pulling from coldcast-run"),
            (2, "aaaaaaaaaaaa", "Pulling fs layer"),
            (2, "bbbbbbbbbbbb", "Pulling fs layer"),
            (3, "cccccccccccc", "Already exists"),
            (5, "aaaaaaaaaaaa", "Downloading"),
            (6, "bbbbbbbbbbbb", "Waiting"),
            (9, "aaaaaaaaaaaa", "Downloading"),
            (20, "aaaaaaaaaaaa", "Verifying Checksum"),
            (25, "aaaaaaaaaaaa", "Download complete"),
            (26, "bbbbbbbbbbbb", "Download complete"),
            (30, "aaaaaaaaaaaa", "Extracting"),
            (80, "aaaaaaaaaaaa", "Extracting"),
            (130, "aaaaaaaaaaaa", "Pull complete"),
            (140, "bbbbbbbbbbbb", "Pull complete"),
            (141, "dddddddddddd", "Extracting"),
            (145, "dddddddddddd", "Pull complete"),
        ] {
            clock.note(id, status, began + Duration::from_millis(at));
        }
        let wanted: Vec<(String, u64)> = [("a", 900), ("b", 5), ("c", 70), ("a", 900)]
            .map(|(letter, bytes)| (format!("sha256:{}", letter.repeat(64)), bytes))
            .into();
        let pulled = Pulled::new(
            began,
            began + Duration::from_millis(150),
            &clock,
            &wanted,
            &"d".repeat(64),
        );
        let layer = |bytes, download_ms, unpack_ms| LayerPull {
            compressed_bytes: bytes,
            download_ms,
            unpack_ms,
        };
        assert_eq!((pulled.pull.total_ms, pulled.extra_ms), (150.0, Some(4.0)));
        assert!(pulled.note().unwrap().contains("1 of 4 layers"));
        assert_eq!(
            pulled.pull.layers,
            [
                layer(900, Some(20.0), Some(100.0)),
                layer(5, None, None),
                layer(70, None, None),
                layer(900, None, None),
            ]
        );
    }
}
