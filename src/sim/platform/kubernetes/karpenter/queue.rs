//! The queue: nodes whose replacements are launched and not ready yet.

use super::super::Kubernetes;
use super::super::nodes::NodeState;
use super::command::Command;
use crate::sim::platform::control::Order;
use crate::units::SimTime;

/// Nodes that wait until their replacements are ready.
#[derive(Debug, Clone)]
struct Replacing {
    nodes: Vec<u32>,
    by: Vec<u32>,
}

/// All replacements under way.
#[derive(Debug, Default)]
pub(super) struct Queue(Vec<Replacing>);

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops entries of which a new node is gone.
    pub(super) fn forget_gone(&mut self, platform: &Kubernetes) {
        let is_there = |&by: &u32| platform.nodes.get(by).state != NodeState::Gone;
        self.0.retain(|replacing| replacing.by.iter().all(is_there));
    }

    /// Starts a command: launches its replacements and cordons its nodes, which drain when the replacements are ready.
    /// Without replacements the nodes drain at once.
    pub(super) fn start(&mut self, platform: &mut Kubernetes, command: Command, now: SimTime, orders: &mut Vec<Order>) {
        let Command {
            nodes, replacements, ..
        } = command;
        if replacements.is_empty() {
            nodes.into_iter().for_each(|node| platform.drain(node, now, orders));
            return;
        }
        let launched = replacements.into_iter().map(|kind| platform.launch(kind, now, orders));
        let by = launched.collect();
        nodes.iter().for_each(|&node| platform.nodes.cordon(node));
        self.0.push(Replacing { nodes, by });
    }

    /// Drains nodes whose replacements are all ready, or gone.
    pub(super) fn complete(&mut self, platform: &mut Kubernetes, now: SimTime, orders: &mut Vec<Order>) {
        let mut waiting = Vec::new();
        for replacing in std::mem::take(&mut self.0) {
            let comes = |&by: &u32| platform.nodes.get(by).state == NodeState::Booting;
            if replacing.by.iter().any(comes) {
                waiting.push(replacing);
                continue;
            }
            for node in replacing.nodes {
                if platform.nodes.get(node).state != NodeState::Gone {
                    platform.drain(node, now, orders);
                }
            }
        }
        self.0 = waiting;
    }
}
