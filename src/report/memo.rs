//! `report.md`: the answer as a memo or the text of a pull request: results, bill and what they rest on.

use rust_decimal::{Decimal, RoundingStrategy};

use super::manifest::Manifest;
use super::packing;
use super::table::{self, Style};
use crate::study::Study;

/// The file.
pub fn markdown(study: &Study, manifest: &Manifest) -> Vec<u8> {
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
    if study.variants.len() > 1 {
        section("Differences", &table::differences(study, Style::Markdown));
    }
    section("Bill of a month", &bill(study));
    section("In another currency", &currencies(study));
    section("Nodes", &packing::table(study, Style::Markdown));
    let lines = manifest.assumptions.iter().map(|line| format!("- {}\n", plain(line)));
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
    text.into_bytes()
}

/// Totals in the other currency, where one is asked for.
fn currencies(study: &Study) -> String {
    let lines = study.variants.iter().filter_map(|variant| {
        let currency = variant.pricing.as_ref()?.currency.as_ref()?;
        let total: Decimal = variant.bills.iter().map(|(_, bill)| bill.total_usd()).sum();
        let name = plain(&variant.rows[0].variant);
        Some(format!("- {name}: {} a month, at {currency}\n", currency.shown(total)))
    });
    lines.collect()
}

/// Lines that cost at least a cent.
fn bill(study: &Study) -> String {
    let cent = Decimal::new(1, 2);
    let lines = study.variants.iter().flat_map(|variant| {
        let bills = variant.bills.iter();
        bills.flat_map(move |(service, bill)| bill.lines.iter().map(move |line| (variant, service, line)))
    });
    let rows: Vec<Vec<String>> = lines
        .filter(|(.., line)| line.cost_usd >= cent)
        .map(|(variant, service, line)| {
            let round = |amount: Decimal, decimals| {
                let mut amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
                amount.rescale(decimals);
                amount.to_string()
            };
            vec![
                variant.rows[0].variant.clone(),
                service.clone(),
                line.meter.clone(),
                line.unit.clone(),
                round(line.quantity, 1),
                line.unit_price_usd.normalize().to_string(),
                round(line.cost_usd, 2),
                line.confidence.to_string(),
            ]
        })
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
