//! The file format of price lists: strict keys, and text for every number. The module `check` validates the content.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::check::{Draft, Place};
use super::commitment::RawCommitment;
use super::host::RawHost;
use super::lambda::RawLambda;
use super::steps::RawSteps;
use super::{Confidence, PriceError, PriceList};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawList {
    pub(super) schema: u32,
    pub(super) provider: String,
    pub(super) region: String,
    pub(super) provider_name: Option<String>,
    pub(super) region_name: Option<String>,
    pub(super) currency: String,
    pub(super) effective: String,
    pub(super) sources: BTreeMap<String, RawSource>,
    #[serde(default)]
    pub(super) price: Vec<Spanned<RawPrice>>,
    #[serde(default)]
    pub(super) free: Vec<Spanned<RawFree>>,
    #[serde(default)]
    pub(super) commitment: Vec<Spanned<RawCommitment>>,
    #[serde(default)]
    pub(super) billing: RawBilling,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawSource {
    pub(super) title: String,
    pub(super) url: Option<String>,
    pub(super) read: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawPrice {
    pub(super) meter: String,
    pub(super) cloud_service: String,
    pub(super) sku: Option<String>,
    pub(super) unit: String,
    pub(super) per: String,
    pub(super) tier_from: Option<String>,
    pub(super) tier_to: Option<String>,
    pub(super) usd: String,
    pub(super) source: Vec<String>,
    pub(super) as_of: String,
    pub(super) confidence: Confidence,
    pub(super) note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFree {
    pub(super) id: String,
    pub(super) meters: Vec<String>,
    pub(super) unit: String,
    pub(super) quantity: String,
    pub(super) scope: String,
    pub(super) source: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawBilling {
    pub(super) lambda: Option<Spanned<RawLambda>>,
    #[serde(default)]
    pub(super) steps: BTreeMap<String, Spanned<RawSteps>>,
    #[serde(default)]
    pub(super) host: Vec<Spanned<RawHost>>,
}

/// Builds a list from its files, each given as its name for messages and its text.
pub(super) fn build(list: &str, files: &[(&str, &str)]) -> Result<PriceList, PriceError> {
    let mut raws = Vec::new();
    let mut hash = Sha256::new();
    for &(name, text) in files {
        let raw = toml::from_str(text).map_err(|source| PriceError::Toml {
            list: name.to_string(),
            source: Box::new(source),
        })?;
        raws.push((Place { name, text }, raw));
        hash.update(text);
    }
    let mut draft = Draft::default();
    let header = draft.header(&raws);
    // Read all sources and prices before the tables that refer to them, which may be in another file.
    for (place, raw) in &raws {
        draft.sources(place, &raw.sources);
    }
    for (place, raw) in &raws {
        for price in &raw.price {
            draft.price(place, price);
        }
    }
    draft.tiers();
    for (place, raw) in raws {
        for free in &raw.free {
            draft.free(&place, free);
        }
        for commitment in raw.commitment {
            draft.commitment(&place, commitment);
        }
        if let Some(lambda) = raw.billing.lambda {
            draft.lambda(&place, lambda);
        }
        for (service, steps) in raw.billing.steps {
            draft.steps(&place, service, steps);
        }
        for host in raw.billing.host {
            draft.host(&place, host);
        }
    }
    let invalid = |problems| PriceError::Invalid {
        list: list.to_string(),
        problems,
    };
    let (provider, region, effective) = match header {
        Some(header) if draft.problems.is_empty() => header,
        _ => return Err(invalid(draft.problems)),
    };
    Ok(PriceList {
        id: format!("{provider}-{region}-{effective}"),
        provider_name: draft.provider_name.unwrap_or_else(|| provider.clone()),
        region_name: draft.region_name,
        provider,
        region,
        effective,
        sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        sources: draft.sources,
        free: draft.free,
        commitments: draft.commitments,
        meters: draft.meters,
        lambda: draft.lambda,
        steps: draft.steps,
        hosts: draft.hosts,
    })
}
