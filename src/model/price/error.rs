//! What can be wrong with a price list or with a question to it.

use std::path::PathBuf;

/// A price list that cannot be used, or a price that it does not hold.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file cannot be read.
    #[error("cannot read price list {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML, or holds unknown or missing keys.
    #[error("price list {list}: {source}")]
    Toml {
        /// File or catalog name.
        list: String,
        /// Line, caret and reason.
        source: Box<toml::de::Error>,
    },
    /// The file reads but does not make sense; every problem found.
    #[error("price list {list} is not valid:\n  {}", problems.join("\n  "))]
    Invalid {
        /// File or catalog name.
        list: String,
        /// One sentence each, with its line.
        problems: Vec<String>,
    },
    /// No built-in list has this name.
    #[error("there is no price list `{name}`")]
    UnknownList {
        /// What was asked for.
        name: String,
        /// All that is built in.
        known: Vec<String>,
    },
    /// The list has no price for a meter.
    #[error("price list {list} has no price for meter `{meter}`")]
    UnknownMeter {
        /// The meter asked for.
        meter: String,
        /// The list.
        list: String,
        /// Names most like it.
        nearest: Vec<String>,
    },
    /// The list does not say how a service turns use into billed quantities.
    #[error("price list {list} has no billing rules for {service}: table [billing.{service}] is missing")]
    NoRules {
        /// The list.
        list: String,
        /// The service, such as `lambda`.
        service: &'static str,
    },
    /// A discount is not one.
    #[error("`{percent}` is not a discount on `{name}`")]
    BadDiscount {
        /// What it was to be taken off.
        name: String,
        /// What was given.
        percent: String,
    },
    /// A price given by hand is not one.
    #[error("`{usd}` is not a price for meter `{meter}`")]
    BadPrice {
        /// The meter.
        meter: String,
        /// What was given.
        usd: String,
    },
}

impl PriceError {
    /// What to try next, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { .. } => {
                vec!["a name that ends in .toml is read as a file; leave it off for a built-in list".into()]
            }
            Self::Toml { .. } | Self::Invalid { .. } => Vec::new(),
            Self::UnknownList { name, known } => {
                let near = crate::suggest::nearest(name, known.iter().map(String::as_str));
                let names = if near.is_empty() { known } else { &near };
                let lead = if near.is_empty() { "built in" } else { "did you mean" };
                vec![
                    format!("{lead}: {}", names.join(", ")),
                    "without its date a name means the newest list; a path that ends in .toml is read as a file".into(),
                ]
            }
            Self::UnknownMeter { nearest, .. } if !nearest.is_empty() => {
                vec![format!("did you mean: {}", nearest.join(", "))]
            }
            Self::UnknownMeter { .. } => {
                vec!["add a [[price]] to a copy of the list and name the copy by its path".into()]
            }
            Self::NoRules { .. } => vec!["copy the table from the newest built-in list of this provider".into()],
            Self::BadDiscount { .. } => {
                vec!["write percent from 0 to 100, such as 12% or 7.5%".into()]
            }
            Self::BadPrice { .. } => {
                vec!["write US dollars as a plain decimal, at least 0, such as 0.0000166667".into()]
            }
        }
    }
}
