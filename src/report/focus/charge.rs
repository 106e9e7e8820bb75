//! A line of a bill with what the specification of FOCUS asks about it.

use rust_decimal::Decimal;
use serde_json::json;

use super::format::{number, slug, unit};
use crate::cost::bill::{BillLine, CommitmentPart, CommitmentRole};
use crate::model::price::CommitmentKind;
use crate::report::column::Cell;
use crate::study::VariantResult;

/// A line of a bill with what the specification asks about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge<'a> {
    pub(super) variant: &'a VariantResult,
    /// Position and name of the service.
    pub(super) place: usize,
    pub(super) service: &'a str,
    pub(super) line: &'a BillLine,
    pub(super) range: Option<&'a [Decimal; 2]>,
    /// First day of the billed month and of the next one.
    pub(super) period: &'a [String; 2],
}

impl<'a> Charge<'a> {
    pub(super) fn part(&self) -> Option<&'a CommitmentPart> {
        self.line.commitment.as_ref()
    }

    pub(super) fn role(&self) -> Option<CommitmentRole> {
        self.part().map(|part| part.role)
    }

    pub(super) fn is_purchase(&self) -> bool {
        self.role() == Some(CommitmentRole::Purchase)
    }

    /// True if something was used, so that there is a quantity.
    pub(super) fn is_use(&self) -> bool {
        !matches!(self.role(), Some(CommitmentRole::Purchase | CommitmentRole::Unused))
    }

    /// An amount in the currency of the invoice.
    pub(super) fn invoiced(&self, usd: Decimal) -> Cell {
        let currency = self
            .variant
            .billing
            .as_ref()
            .and_then(|billing| billing.currency.as_ref());
        number(currency.map_or(usd, |currency| currency.of(usd)))
    }

    /// The price of one unit that was agreed on. What a commitment covers is contracted at the price without it.
    pub(super) fn contracted(&self) -> Decimal {
        self.part()
            .map_or(self.line.unit_price_usd, |part| part.on_demand_unit_price_usd)
    }

    pub(super) fn provider(&self) -> &'a str {
        let billing = self.variant.billing.as_ref();
        billing.map_or(&self.line.provider, |billing| &billing.provider_name)
    }

    pub(super) fn framework(&self) -> &'a str {
        &self.variant.row_of(self.service).framework
    }

    /// Category and subcategory of the service.
    pub(super) fn category(&self) -> (&'static str, &'static str) {
        SERVICES
            .iter()
            .find(|(word, ..)| self.line.cloud_service.contains(word))
            .map_or(NETWORK, |&(_, category, subcategory)| (category, subcategory))
    }

    pub(super) fn sku(&self) -> &'a str {
        match self.line.sku.as_str() {
            "" => &self.line.meter,
            sku => sku,
        }
    }

    pub(super) fn account(&self) -> String {
        format!("projection-{}", slug(self.variant.scenario()))
    }

    /// Quantity and unit that a commitment counts.
    pub(super) fn committed(&self) -> Option<(Cell, String)> {
        let part = self.part()?;
        match (part.role, part.kind == CommitmentKind::ReservedInstances) {
            (CommitmentRole::Purchase, _) => None,
            (CommitmentRole::Covered, true) => Some((number(self.line.quantity), unit(&self.line.unit))),
            _ => Some((number(self.line.effective_cost_usd()), "USD".into())),
        }
    }
}

/// The categories of services in the specification: a word in the provider's name, category and subcategory. The first that
/// fits counts.
const SERVICES: [(&str, &str, &str); 15] = [
    ("savings-plan", "Compute", "Other (Compute)"),
    ("reserved-instances", "Compute", "Virtual Machines"),
    ("Lambda", "Compute", "Serverless Compute"),
    ("Functions", "Compute", "Serverless Compute"),
    ("Cloud Run", "Compute", "Containers"),
    ("Container Apps", "Compute", "Containers"),
    ("Container Registry", "Compute", "Containers"),
    ("Container Service", "Compute", "Containers"),
    ("Kubernetes", "Compute", "Containers"),
    ("Compute", "Compute", "Virtual Machines"),
    ("Virtual Machines", "Compute", "Virtual Machines"),
    ("Block Store", "Storage", "Block Storage"),
    ("Load Balancing", "Networking", "Application Networking"),
    ("API Gateway", "Integration", "API Management"),
    ("CloudWatch", "Management and Governance", "Observability"),
];

/// The category of all other services.
const NETWORK: (&str, &str) = ("Networking", "Network Connectivity");

/// The tags of a service, with its name and framework.
pub(super) fn tags(variant: &VariantResult, place: usize, framework: &str, service: &str) -> String {
    let mut tags = variant.tags.get(place).cloned().unwrap_or_default();
    tags.entry("framework".into()).or_insert_with(|| framework.into());
    tags.entry("service".into()).or_insert_with(|| service.into());
    json!(tags).to_string()
}
