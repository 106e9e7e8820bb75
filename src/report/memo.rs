//! `report.md`: the answer as a memo or the text of a pull request: results, bill and what they rest on.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Report;
use super::answer::{self, Asked, Section};
use super::costs::{Charge, charges};
use super::manifest::Manifest;
use super::table::{self, Style};
use crate::study::Study;

/// `report.md`.
#[derive(Debug)]
pub struct Memo;

impl Report for Memo {
    fn name(&self) -> &str {
        "report.md"
    }

    fn doc(&self) -> &str {
        "The answer as a memo: results, differences, bill, assumptions, and the hashes of all inputs."
    }

    fn write(&self, study: &Study, manifest: &Manifest) -> Option<Vec<u8>> {
        Some(markdown(study, manifest).into_bytes())
    }
}

fn markdown(study: &Study, manifest: &Manifest) -> String {
    let mut scenarios: Vec<&str> = study.rows().map(|row| row.scenario.as_str()).collect();
    scenarios.dedup();
    let mut text = format!(
        "# {}\n\n{}",
        plain(&scenarios.join(", ")),
        table::summary(study, Style::Markdown)
    );
    text.push_str(match manifest.replications {
        1 => "\nOne replication, so no intervals. Blank is unknown.\n",
        _ => "\nMeans over replications; ± is half the 95% interval of the mean. Blank is unknown.\n",
    });
    let mut section = |title: &str, body: &str| {
        if !body.is_empty() {
            text.push_str(&format!("\n## {title}\n\n{body}"));
        }
    };
    let asked = Asked {
        differences: study.variants.len() > 1,
        migration_usd: None,
    };
    for Section { title, body } in answer::sections(study, asked, Style::Markdown) {
        section(title, &body);
    }
    section("Bill of a month", &bill(study));
    section("In another currency", &currencies(study));
    let lines = manifest.supported().map(|line| format!("- {}\n", plain(&line)));
    section("Assumptions", &lines.collect::<String>());
    let hashes = [
        &manifest.scenarios,
        &manifest.profiles,
        &manifest.prices,
        &manifest.traces,
    ];
    let read = hashes.into_iter().flatten();
    let read = read.map(|(name, hash)| format!("- {}: SHA-256 `{hash}`\n", plain(name)));
    section(
        "Made with",
        &format!(
            "coldcast {}, seed {}, {} replications.\n\n{}",
            manifest.version,
            manifest.seed,
            manifest.replications,
            read.collect::<String>()
        ),
    );
    text
}

/// Totals in the other currency, where one is asked for.
fn currencies(study: &Study) -> String {
    let lines = study.variants.iter().filter_map(|variant| {
        let currency = variant.billing.as_ref()?.currency.as_ref()?;
        let name = plain(variant.name());
        let total = currency.shown(variant.total_usd());
        Some(format!("- {name}: {total} a month, at {currency}\n"))
    });
    lines.collect()
}

/// Lines that cost at least a cent.
fn bill(study: &Study) -> String {
    let cent = Decimal::new(1, 2);
    let rows: Vec<Vec<String>> = charges(study)
        .filter(|charge| charge.line.cost_usd >= cent)
        .map(
            |Charge {
                 variant, service, line, ..
             }| {
                let round = |amount: Decimal, decimals| {
                    let mut amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
                    amount.rescale(decimals);
                    amount.to_string()
                };
                vec![
                    variant.to_string(),
                    service.to_string(),
                    line.meter.clone(),
                    line.unit.clone(),
                    round(line.quantity, 1),
                    line.unit_price_usd.normalize().to_string(),
                    round(line.cost_usd, 2),
                    line.confidence.to_string(),
                ]
            },
        )
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let header = [
        "variant",
        "service",
        "meter",
        "unit",
        "quantity",
        "USD per unit",
        "USD",
        "confidence of the price",
    ];
    table::draw(Style::Markdown, &header, rows, 4)
}

/// Text of others without what Markdown or HTML would make of it.
fn plain(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '<' => "&lt;".to_string(),
        '>' => "&gt;".to_string(),
        '|' | '[' | ']' | '*' | '_' | '#' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => " ".into(),
        letter => letter.to_string(),
    };
    // Code spans of our own sentences stay as they are.
    let mut parts = text.split('`');
    let mut shown = parts
        .next()
        .map(|part| part.chars().map(escaped).collect::<String>())
        .unwrap_or_default();
    let mut code = true;
    for part in parts {
        shown.push('`');
        shown.push_str(&if code {
            part.replace(|c: char| c.is_control(), " ")
        } else {
            part.chars().map(escaped).collect()
        });
        code = !code;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(plain("<img src=x>|a_b"), "&lt;img src=x&gt;\\|a\\_b");
        assert_eq!(plain("the key `a_b` is_set"), "the key `a_b` is\\_set");
    }
}
