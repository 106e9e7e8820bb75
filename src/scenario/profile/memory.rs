//! How many requests an instance has memory for.
//!
//! Anonymous memory is taken to be a line in the number of requests in flight: `at_one + growth (n - 1)`. The kernel kills
//! an instance that needs more than its limit, so it lives as long as `n <= 1 + (limit - at_one) / growth`. Files that it
//! maps are left out: their pages can be given back.

use crate::cost::meter::MemoryLine;
use crate::model::profile::WarmRun;
use crate::units::MemoryMib;

const MIB: f64 = 1_048_576.0;

/// Anonymous memory of a warm instance by requests in flight, as far as it was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InFlight {
    /// Bytes with one request in flight.
    pub at_one: Option<f64>,
    /// Bytes for each further one; `None` if not measured, or within noise.
    pub growth: Option<f64>,
    /// Highest seen under load, with many requests in flight.
    pub peak: Option<u64>,
    /// The most requests in flight for which it was measured.
    pub seen: u32,
}

/// The effect of a number of requests in flight on the memory of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It has memory for all that the platform gives it.
    Enough,
    /// With more than so many it is killed.
    AtMost(u32),
    /// Not known.
    Unknown,
}

impl InFlight {
    /// Returns the memory that a warm run shows. Without a reading at one request in flight, the memory at rest plus
    /// the growth for one request is used.
    pub fn of(warm: &WarmRun) -> Self {
        let measured = warm.anon_by_in_flight.iter().find(|(clients, _)| *clients == 1);
        let at_rest = || Some(warm.idle.anon_bytes? as f64 + warm.anon_bytes_per_in_flight?);
        let clients = warm.anon_by_in_flight.last().map(|pair| pair.0);
        Self {
            at_one: measured.map(|pair| pair.1).or_else(at_rest),
            growth: warm.anon_bytes_per_in_flight.filter(|growth| *growth > 0.0),
            peak: warm.peak_anon_bytes,
            seen: clients.or(warm.parallel_io.last().map(|pair| pair.0)).unwrap_or(0),
        }
    }

    /// Memory by requests in flight; `None` if it is not known for one. Growth within noise is none.
    pub fn line(&self) -> Option<MemoryLine> {
        Some(MemoryLine {
            at_one: self.at_one?,
            growth: self.growth.unwrap_or(0.0),
        })
    }

    /// Room for `concurrency` requests at a time under `limit`.
    ///
    /// One at a time: what was measured with one in flight must fit; the peak, which many in flight have caused, does not
    /// matter. Several at a time: the line says how many fit; where its slope is not known, what many in flight were
    /// measured to need must fit. The peak also stands in where nothing is known about one in flight.
    ///
    /// # Errors
    /// How much was measured, where it does not fit.
    pub fn room(&self, limit: MemoryMib, concurrency: u32) -> Result<Room, String> {
        let limit = f64::from(limit.0) * MIB;
        let peak = || match self.peak {
            Some(peak) if peak as f64 > limit => Err(format!(
                "measured peak {:.0} MiB of anonymous memory under load",
                peak as f64 / MIB
            )),
            _ => Ok(()),
        };
        let Some(at_one) = self.at_one else {
            peak()?;
            return Ok(if concurrency > 1 { Room::Unknown } else { Room::Enough });
        };
        if at_one > limit {
            let needed = at_one / MIB;
            return Err(format!(
                "measured {needed:.0} MiB of anonymous memory with one request in flight"
            ));
        }
        match self.growth {
            _ if concurrency <= 1 => Ok(Room::Enough),
            None => peak().map(|()| Room::Unknown),
            Some(growth) => {
                let most = 1.0 + ((limit - at_one) / growth).floor();
                Ok(if most >= f64::from(concurrency) {
                    Room::Enough
                } else {
                    Room::AtMost(most as u32)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 MiB with one in flight, 2 MiB for each further one.
    const GROWS: InFlight = InFlight {
        at_one: Some(40.0 * MIB),
        growth: Some(2.0 * MIB),
        peak: Some(166 << 20),
        seen: 64,
    };

    fn room(memory: InFlight, limit: u32, concurrency: u32) -> Result<Room, String> {
        memory.room(MemoryMib(limit), concurrency)
    }

    #[test]
    fn the_limit_is_the_last_number_that_fits() {
        // 40 + 2 x 12 = 64.
        assert_eq!(room(GROWS, 64, 80), Ok(Room::AtMost(13)));
        assert_eq!(room(GROWS, 65, 80), Ok(Room::AtMost(13)));
        assert_eq!(room(GROWS, 66, 80), Ok(Room::AtMost(14)));
        assert_eq!(room(GROWS, 40, 80), Ok(Room::AtMost(1)));
        assert_eq!(room(GROWS, 64, 13), Ok(Room::Enough));
        let refused = room(GROWS, 39, 80).unwrap_err();
        assert!(
            refused.contains("40 MiB") && refused.contains("one request in flight"),
            "{refused}"
        );
    }

    #[test]
    fn one_request_at_a_time_needs_what_one_was_measured_to_need() {
        assert_eq!(room(GROWS, 64, 1), Ok(Room::Enough));
        assert!(room(GROWS, 39, 1).is_err());
        let flat = InFlight { growth: None, ..GROWS };
        assert_eq!(room(flat, 64, 1), Ok(Room::Enough));
    }

    #[test]
    fn the_peak_stands_in_where_nothing_better_is_known() {
        let flat = InFlight { growth: None, ..GROWS };
        assert_eq!(room(flat, 512, 80), Ok(Room::Unknown));
        assert!(room(flat, 165, 80).unwrap_err().contains("measured peak 166 MiB"));
        let peak_only = InFlight { at_one: None, ..flat };
        assert_eq!(room(peak_only, 166, 1), Ok(Room::Enough));
        assert!(room(peak_only, 165, 1).unwrap_err().contains("under load"));
        let nothing = InFlight {
            peak: None,
            ..peak_only
        };
        assert_eq!(room(nothing, 1, 80), Ok(Room::Unknown));
    }
}
