//! The measurement's own network: a bridge without a route out, with one fixed address for the container under test.
//!
//! The probe connects to this address directly. A published port would mislead: the engine's proxy accepts connections before
//! the program listens. A permanent neighbour entry spares the first packet the wait for address resolution, whose retry
//! comes a whole second later.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptions;

use super::engine::{Engine, labels, root_cause};
use crate::measure::error::MeasureError;

/// The number of subnets that are tried.
const ATTEMPTS: usize = 16;

/// The measurement's own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The name.
    pub name: String,
    /// The bridge interface on the host.
    pub bridge: String,
    /// The address of the host.
    pub gateway: Ipv4Addr,
    /// The address of the container under test.
    pub container: Ipv4Addr,
}

impl Network {
    fn new(run: &str, third: u8) -> Self {
        Self {
            name: format!("coldcast-{run}"),
            // Interface names have at most 15 characters.
            bridge: format!("cc{}", &run[..run.len().min(13)]),
            gateway: Ipv4Addr::new(10, 217, third, 1),
            container: Ipv4Addr::new(10, 217, third, 2),
        }
    }

    /// The hardware address of the container. Engines before 28 derive the same one from the address.
    pub fn container_mac(&self) -> String {
        let [a, b, c, d] = self.container.octets();
        format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
    }

    /// Creates the network, in a subnet that neither the engine nor the host uses.
    pub async fn create(engine: &Engine, run: &str) -> Result<Self, MeasureError> {
        let doing = |doing: &str| {
            let doing = doing.to_string();
            |source| MeasureError::Engine { doing, source }
        };
        let mut last = "all of 10.217.0.0/16 is in use".to_string();
        // Runs that begin at the same time see the same free subnets. Each begins elsewhere, and looks again after a refusal.
        let begins = begins_at(run);
        for _ in 0..ATTEMPTS {
            let known = engine.docker.list_networks(None::<ListNetworksOptions>).await;
            let known = known.map_err(doing("list its networks"))?;
            let mut taken: Vec<(u32, u32)> = known
                .iter()
                .filter_map(|network| network.ipam.as_ref()?.config.as_ref())
                .flatten()
                .filter_map(|config| parse_subnet(config.subnet.as_deref()?))
                .collect();
            let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
            taken.extend(host_routes(&routes));
            let Some(third) = (0..=255)
                .map(|k| begins.wrapping_add(k))
                .find(|&third| is_free(third, &taken))
            else {
                break;
            };
            let network = Self::new(run, third);
            match engine.docker.create_network(request(&network, run)).await {
                Ok(_) => return Ok(network),
                Err(error) => last = root_cause(&error),
            }
        }
        Err(MeasureError::NoSubnet(last))
    }

    /// Makes the container's hardware address permanent in the kernel. Needs root and the `ip` command. Returns true if it worked.
    pub fn pin_neighbour(&self) -> bool {
        self.neighbour(&["replace"], &["lladdr", &self.container_mac(), "nud", "permanent"])
    }

    /// Removes this entry, for an engine that gave the container another hardware address. Returns true if it worked.
    pub fn unpin_neighbour(&self) -> bool {
        self.neighbour(&["del"], &[])
    }

    fn neighbour(&self, verb: &[&str], rest: &[&str]) -> bool {
        Command::new("ip")
            .arg("neigh")
            .args(verb)
            .args([&self.container.to_string(), "dev", &self.bridge])
            .args(rest)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// The subnet that a run looks at first: runs that begin together begin apart.
fn begins_at(run: &str) -> u8 {
    run.bytes()
        .fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

fn request(network: &Network, run: &str) -> NetworkCreateRequest {
    let [a, b, c, _] = network.gateway.octets();
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some("bridge".into()),
        internal: Some(true),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(format!("{a}.{b}.{c}.0/24")),
                gateway: Some(network.gateway.to_string()),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        options: Some(HashMap::from([(
            "com.docker.network.bridge.name".into(),
            network.bridge.clone(),
        )])),
        labels: Some(labels(run)),
        ..Default::default()
    }
}

/// Parses a subnet such as `10.0.0.0/8` to its first address and its mask.
fn parse_subnet(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = text.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok().filter(|&bits| bits <= 32)?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    Some((u32::from(address) & mask, mask))
}

/// The routes of the host in `/proc/net/route`, without the default route. The numbers are in network byte order.
fn host_routes(text: &str) -> Vec<(u32, u32)> {
    let hex = |field: &str| u32::from_str_radix(field, 16).ok().map(u32::from_be);
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            Some((hex(fields.get(1)?)?, hex(fields.get(7)?)?))
        })
        .filter(|&(_, mask)| mask != 0)
        .collect()
}

fn is_free(third: u8, taken: &[(u32, u32)]) -> bool {
    let ours = u32::from(Ipv4Addr::new(10, 217, third, 0));
    let our_mask = u32::MAX << 8;
    taken
        .iter()
        .all(|&(address, mask)| ours & mask & our_mask != address & mask & our_mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_in_use_are_avoided() {
        let taken = [
            parse_subnet("10.217.0.0/23").unwrap(),
            parse_subnet("10.217.3.128/25").unwrap(),
        ];
        let free: Vec<u8> = (0..=4).filter(|&third| is_free(third, &taken)).collect();
        assert_eq!(free, [2, 4]);
        assert!(!is_free(9, &[parse_subnet("10.0.0.0/8").unwrap()]));
        assert_eq!(parse_subnet("10.0.0.0/33"), None);
    }

    #[test]
    fn runs_that_begin_together_begin_apart() {
        let mut begins: Vec<u8> = (0..10)
            .map(|k| begins_at(&format!("{:08x}", 0x9e37_79b9_u32.wrapping_mul(k + 1))))
            .collect();
        begins.sort_unstable();
        begins.dedup();
        assert!(begins.len() >= 9, "{begins:?}");
    }

    #[test]
    fn host_routes_are_read() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
                     eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\n\
                     br0\t0000D90A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        let routes = host_routes(table);
        assert_eq!(routes, [parse_subnet("10.217.0.0/16").unwrap()]);
    }

    #[test]
    fn the_hardware_address_follows_from_the_address() {
        assert_eq!(Network::new("ab12", 7).container_mac(), "02:42:0a:d9:07:02");
    }
}
