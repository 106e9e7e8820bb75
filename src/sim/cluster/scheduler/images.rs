//! ImageLocality: nodes that have a pod's images already are better, less so for images that few nodes have.

use super::MOST;

const MIB: u64 = 1 << 20;
/// Less is not worth it.
const LEAST: u64 = 23 * MIB;
/// More for each container does not count.
const ENOUGH: u64 = 1000 * MIB;

/// The score of a node; `present`: for each of the pod's images that it has, size in bytes and number of nodes that have it.
pub fn image_locality(present: impl Iterator<Item = (u64, usize)>, nodes: usize, containers: usize) -> i64 {
    let scaled = |(size, having): (u64, usize)| (size as f64 * (having as f64 / nodes.max(1) as f64)) as u64;
    let most = ENOUGH * containers.max(1) as u64;
    let sum = present.map(scaled).sum::<u64>().clamp(LEAST, most);
    MOST * (sum - LEAST) as i64 / (most - LEAST) as i64
}
