//! Errors of price lists, each with a hint.

use std::path::PathBuf;

/// A price list that cannot be used, or a price that the list does not have.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file cannot be read.
    #[error("cannot read price list {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is not TOML, or has unknown or missing keys.
    #[error("price list {list}: {source}")]
    Toml {
        /// File or catalog name.
        list: String,
        /// The line and the reason.
        source: Box<toml::de::Error>,
    },
    /// The file can be read, but its content is not valid.
    #[error("price list {list} is not valid:\n  {}", problems.join("\n  "))]
    Invalid {
        /// File or catalog name.
        list: String,
        /// All problems, each with its line.
        problems: Vec<String>,
    },
    /// No built-in list has this name.
    #[error("there is no price list `{name}`")]
    UnknownList {
        /// The name that was given.
        name: String,
        /// The names of the built-in lists.
        known: Vec<String>,
    },
    /// The list has no price for a meter.
    #[error("price list {list} has no price for meter `{meter}`")]
    UnknownMeter {
        /// The meter that was given.
        meter: String,
        /// The list.
        list: String,
        /// The names most similar to it.
        nearest: Vec<String>,
    },
    /// The list has no billing rules for a service.
    #[error("price list {list} has no billing rules for {service}: table [billing.{service}] is missing")]
    NoRules {
        /// The list.
        list: String,
        /// The service, such as `lambda`.
        service: &'static str,
    },
    /// A discount cannot be read.
    #[error("`{percent}` is not a discount on `{name}`")]
    BadDiscount {
        /// The meter or service that it was given for.
        name: String,
        /// The text that was given.
        percent: String,
    },
    /// A price that was set by hand cannot be read.
    #[error("`{usd}` is not a price for meter `{meter}`")]
    BadPrice {
        /// The meter.
        meter: String,
        /// The text that was given.
        usd: String,
    },
}

impl PriceError {
    /// Hints on what to do next, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Read { .. } => {
                vec!["a name that ends in .toml is the path of a file; omit .toml to use a built-in list".into()]
            }
            Self::Toml { .. } | Self::Invalid { .. } => Vec::new(),
            Self::UnknownList { name, known } => {
                let near = crate::suggest::nearest(name, known.iter().map(String::as_str));
                let names = if near.is_empty() { known } else { &near };
                let lead = if near.is_empty() { "built in" } else { "did you mean" };
                vec![
                    format!("{lead}: {}", names.join(", ")),
                    "a name without a date selects the newest list; a name that ends in .toml is the path of a file"
                        .into(),
                ]
            }
            Self::UnknownMeter { nearest, .. } if !nearest.is_empty() => {
                vec![format!("did you mean: {}", nearest.join(", "))]
            }
            Self::UnknownMeter { .. } => {
                vec!["copy the list, add a [[price]] table for the meter, and give the path of the copy".into()]
            }
            Self::NoRules { .. } => vec!["copy the table from the newest built-in list of the provider".into()],
            Self::BadDiscount { .. } => {
                vec!["write a percentage from 0% to 100%, such as 12% or 7.5%".into()]
            }
            Self::BadPrice { .. } => {
                vec!["write US dollars as a plain decimal of at least 0, such as 0.0000166667".into()]
            }
        }
    }
}
