//! `[[billing.host]]` of a price list: the machine that is billed where a platform states a size and no machine type.

use serde::Deserialize;
use toml::Spanned;

use super::PriceList;
use super::check::{Draft, Place};
use crate::units::{MemoryMib, MilliCpu};

/// The machine type of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostType {
    /// CPU of the machine.
    pub cpu: MilliCpu,
    /// Memory of the machine.
    pub memory: MemoryMib,
    /// The meter that bills it.
    pub meter: String,
}

/// A row in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawHost {
    cpu: MilliCpu,
    memory: MemoryMib,
    meter: String,
}

impl PriceList {
    /// The meter that bills a machine of this size; `None` if the list names none.
    pub fn host_meter(&self, cpu: MilliCpu, memory: MemoryMib) -> Option<&str> {
        let host = self.hosts.iter().find(|host| (host.cpu, host.memory) == (cpu, memory));
        host.map(|host| host.meter.as_str())
    }
}

impl Draft {
    /// Reads one row. All meters must have been read.
    pub(super) fn host(&mut self, place: &Place<'_>, raw: Spanned<RawHost>) {
        let at = format!("{} (billing.host)", place.line(raw.span().start));
        let RawHost { cpu, memory, meter } = raw.into_inner();
        if !self.meters.contains_key(&meter) {
            self.problem(&at, format_args!("meter `{meter}` has no price"));
        }
        let twice = self.hosts.iter().any(|host| (host.cpu, host.memory) == (cpu, memory));
        if twice {
            self.problem(&at, "another row has the same size");
        }
        self.hosts.push(HostType { cpu, memory, meter });
    }
}
