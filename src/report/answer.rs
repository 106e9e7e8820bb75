//! The answer in words and tables below the summary, put together once for the terminal and the memo.

use super::table::{self, Style};
use super::{packing, payback, unit_costs, violations, what_if};
use crate::study::{Metric, Study};

/// The parts of the answer that a user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// True to show the paired differences between variants.
    pub differences: bool,
    /// The cost in US dollars of a move from the first variant to another.
    pub migration_usd: Option<f64>,
}

/// A part of the answer.
#[derive(Debug, Clone)]
pub struct Section {
    /// The heading, where headings are shown.
    pub title: &'static str,
    /// The text; ends with a line break.
    pub body: String,
}

/// The parts that are not empty, after the summary.
pub fn sections(study: &Study, asked: Asked, style: Style) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut section = |title, body: String| {
        if !body.is_empty() {
            sections.push(Section { title, body });
        }
    };
    if asked.differences {
        let mut differences = table::differences(study, style);
        let ranking = table::ranking(study);
        if !ranking.is_empty() {
            differences.push('\n');
            differences.push_str(&ranking);
        }
        section("Differences", differences);
    }
    if study
        .rows()
        .any(|row| row.float(Metric::MarginalCostPerMillion).is_some())
    {
        section("Cost of a million requests", unit_costs::table(study, style));
    }
    if let Some(once) = asked.migration_usd {
        section("Payback of a move", payback::table(study, once, style));
    }
    section("Nodes", packing::table(study, style));
    section("What if", what_if::table(study, style));
    section("Violations", violations::sentences(study));
    sections
}

/// The whole answer without headings.
pub fn text(study: &Study, asked: Asked, style: Style) -> String {
    let mut text = table::summary(study, style);
    for section in sections(study, asked, style) {
        text.push('\n');
        text.push_str(&section.body);
    }
    text
}
