//! The expander: chooses the node group that grows.

/// `--expander`: the rule that chooses one of several groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expander {
    /// The one with the least idle CPU afterwards, then memory.
    LeastWaste,
    /// The one that takes the most pods.
    MostPods,
    /// The one that costs least for what it takes, by the price of its nodes.
    Price,
}

/// A group that could grow: its kind of node, and the result for the pods that wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ScaleUpOption {
    pub(super) kind: u16,
    pub(super) nodes: u32,
    pub(super) pods: usize,
    /// Share of the new nodes' CPU that stays free.
    pub(super) idle_cpu: f64,
    /// Share of the new nodes' memory that stays free.
    pub(super) idle_memory: f64,
    /// Price of one node; infinite if it is not known.
    pub(super) usd_per_hour: f64,
}

impl Expander {
    /// The best of the options; the first among equals. `None` without options.
    pub(super) fn best(self, options: &[ScaleUpOption]) -> Option<ScaleUpOption> {
        let waste = |a: &ScaleUpOption, b: &ScaleUpOption| {
            a.idle_cpu
                .total_cmp(&b.idle_cpu)
                .then(a.idle_memory.total_cmp(&b.idle_memory))
        };
        let options = options.iter().copied();
        match self {
            Self::LeastWaste => options.min_by(waste),
            Self::MostPods => options.min_by(|a, b| b.pods.cmp(&a.pods).then(waste(a, b))),
            Self::Price => options.min_by(|a, b| {
                let each = |option: &ScaleUpOption| option.usd_per_hour * f64::from(option.nodes) / option.pods as f64;
                each(a).total_cmp(&each(b)).then(waste(a, b))
            }),
        }
    }
}
