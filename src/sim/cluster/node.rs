//! Nodes and pods as the scheduler sees them: requests and not use.

/// CPU in thousandths of a core, and memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// CPU in thousandths of a core.
    pub cpu: u64,
    /// Memory in bytes.
    pub memory: u64,
}

impl Resources {
    fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }

    fn take(&mut self, other: Self) {
        self.cpu -= other.cpu;
        self.memory -= other.memory;
    }
}

/// The request that scoring assumes for a container without one; filtering does not. Source:
/// kubernetes/kubernetes, pkg/scheduler/util/pod_resources.go.
pub const UNREQUESTED: Resources = Resources {
    cpu: 100,
    memory: 200 << 20,
};

/// The needs of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodShape {
    /// Requested resources.
    pub requests: Resources,
    /// The same with what it does not request filled in.
    pub scored: Resources,
    /// Higher goes first.
    pub priority: i32,
    /// The pods among which it is spread: those of its workload.
    pub group: u32,
    /// Images of its containers, by number.
    pub images: Vec<u32>,
}

impl PodShape {
    /// A pod of one container; `None`: no request for it.
    pub fn new(cpu: Option<u64>, memory: Option<u64>, group: u32) -> Self {
        Self {
            requests: Resources {
                cpu: cpu.unwrap_or(0),
                memory: memory.unwrap_or(0),
            },
            scored: Resources {
                cpu: cpu.unwrap_or(UNREQUESTED.cpu),
                memory: memory.unwrap_or(UNREQUESTED.memory),
            },
            priority: 0,
            group,
            images: Vec::new(),
        }
    }
}

/// Why a pod does not fit onto a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// There are as many pods as there may be.
    Pods,
    /// CPU is missing.
    Cpu,
    /// Memory is missing.
    Memory,
}

/// A node.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Resources for pods.
    pub allocatable: Resources,
    /// Most pods.
    pub max_pods: u32,
    /// Its zone, by number.
    pub zone: u32,
    /// Images on it: number and size in bytes, in order of the numbers.
    pub images: Vec<(u32, u64)>,
    requested: Resources,
    scored: Resources,
    pods: u32,
    /// Pods by group, for groups that have any.
    groups: Vec<(u32, u32)>,
}

impl Node {
    /// An empty node.
    pub fn new(allocatable: Resources, max_pods: u32, zone: u32) -> Self {
        Self {
            allocatable,
            max_pods,
            zone,
            ..Self::default()
        }
    }

    /// Resources that its pods request.
    pub fn requested(&self) -> Resources {
        self.requested
    }

    /// The same with what they do not request filled in.
    pub fn scored(&self) -> Resources {
        self.scored
    }

    /// Its pods.
    pub fn pods(&self) -> u32 {
        self.pods
    }

    /// Its pods of a group.
    pub fn of_group(&self, group: u32) -> u32 {
        let found = self.groups.iter().find(|(known, _)| *known == group);
        found.map_or(0, |&(_, count)| count)
    }

    /// Checks if a pod fits. Source: plugin NodeResourcesFit; a resource that a pod does not request always fits.
    pub fn fits(&self, pod: &PodShape) -> Result<(), Unfit> {
        let missing = |asked: u64, has: u64, used: u64| asked > 0 && asked > has.saturating_sub(used);
        if self.pods >= self.max_pods {
            Err(Unfit::Pods)
        } else if missing(pod.requests.cpu, self.allocatable.cpu, self.requested.cpu) {
            Err(Unfit::Cpu)
        } else if missing(pod.requests.memory, self.allocatable.memory, self.requested.memory) {
            Err(Unfit::Memory)
        } else {
            Ok(())
        }
    }

    /// Places a pod on it.
    pub(crate) fn add(&mut self, pod: &PodShape) {
        self.requested.add(pod.requests);
        self.scored.add(pod.scored);
        self.pods += 1;
        match self.groups.iter_mut().find(|(known, _)| *known == pod.group) {
            Some((_, count)) => *count += 1,
            None => self.groups.push((pod.group, 1)),
        }
    }

    /// Takes a pod off it that was placed on it.
    pub(crate) fn remove(&mut self, pod: &PodShape) {
        self.requested.take(pod.requests);
        self.scored.take(pod.scored);
        self.pods -= 1;
        if let Some(place) = self.groups.iter().position(|(known, _)| *known == pod.group) {
            self.groups[place].1 -= 1;
            if self.groups[place].1 == 0 {
                self.groups.swap_remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_requested_fits_and_counts_when_scored() {
        let full = Resources {
            cpu: 1_000,
            memory: 1 << 30,
        };
        let mut node = Node::new(full, 3, 0);
        let all = PodShape::new(Some(1_000), Some(1 << 30), 1);
        let nothing = PodShape::new(None, None, 2);
        assert_eq!(node.fits(&all), Ok(()));
        node.add(&all);
        assert_eq!(node.fits(&PodShape::new(Some(1), None, 1)), Err(Unfit::Cpu));
        assert_eq!(node.fits(&PodShape::new(None, Some(1), 1)), Err(Unfit::Memory));
        assert_eq!(node.fits(&nothing), Ok(()));
        node.add(&nothing);
        node.add(&nothing);
        assert_eq!(node.fits(&nothing), Err(Unfit::Pods));
        assert_eq!(node.requested(), full);
        assert_eq!(node.scored().cpu, 1_200);
        assert_eq!((node.of_group(1), node.of_group(2), node.of_group(3)), (1, 2, 0));
        node.remove(&nothing);
        node.remove(&all);
        assert_eq!((node.requested(), node.pods()), (Resources::default(), 1));
    }
}
