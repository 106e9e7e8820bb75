//! The choice of some of many things that are counted from 1.

/// Which of the things that are counted from 1 are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum When {
    /// None of them.
    #[default]
    Never,
    /// All of them.
    Always,
    /// Those with these numbers.
    At(Vec<u32>),
    /// The first so many.
    First(u32),
    /// The one with this number, and all after it.
    From(u32),
}

impl When {
    /// Returns true if number `n` is meant.
    pub fn has(&self, n: u32) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::At(numbers) => numbers.contains(&n),
            Self::First(count) => n <= *count,
            Self::From(first) => n >= *first,
        }
    }
}
