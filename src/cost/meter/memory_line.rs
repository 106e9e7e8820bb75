//! The memory of an instance, an amount that some meters bill.

/// Memory of an instance by requests at a time, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryLine {
    /// With one request.
    pub at_one: f64,
    /// For each further one.
    pub growth: f64,
}

impl MemoryLine {
    /// Bytes with `n` requests at a time. Less than one request counts as one.
    pub fn bytes(&self, n: u32) -> f64 {
        self.at_one + self.growth * f64::from(n.saturating_sub(1))
    }
}
