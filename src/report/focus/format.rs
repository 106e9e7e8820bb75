//! Numbers, units and names as the specification of FOCUS writes them.

use rust_decimal::Decimal;

use crate::cost::bill::BillLine;
use crate::report::column::Cell;

/// A plain number with a decimal point, all its digits and at least ten decimals.
pub(super) fn number(amount: Decimal) -> Cell {
    let mut amount = amount.normalize();
    if amount.scale() < 10 {
        amount.rescale(10);
    }
    Cell::Number(amount.to_string())
}

/// A unit as the specification writes it: capitalised, in the plural, with hyphens.
pub(super) fn unit(unit: &str) -> String {
    let words: Vec<String> = unit.split('-').map(capital).collect();
    let joined = words.join("-");
    let counted = ["Hour", "Second", "Minute", "Month"];
    if counted.iter().any(|word| joined.ends_with(word)) {
        format!("{joined}s")
    } else {
        joined
    }
}

pub(super) fn priced_unit(line: &BillLine) -> String {
    let unit = unit(&line.unit);
    if line.per == Decimal::ONE {
        unit
    } else {
        format!("{} {unit}", line.per.normalize())
    }
}

fn capital(word: &str) -> String {
    // vCPU is written so.
    if word.starts_with("vCPU") {
        return word.to_string();
    }
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

/// Letters, digits and hyphens of a name.
pub(super) fn slug(name: &str) -> String {
    let clean = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_point_and_all_their_digits() {
        let shown = |text: &str| number(Decimal::from_str_exact(text).unwrap()).plain();
        assert_eq!(shown("2"), "2.0000000000");
        assert_eq!(shown("0.1234567890123"), "0.1234567890123");
        assert_eq!(shown("0"), "0.0000000000");
    }

    #[test]
    fn units_are_capitalised_and_counted() {
        let shown = [
            "GB-second",
            "requests",
            "vCPU-hour",
            "instance-hour",
            "GB",
            "hour",
            "GB-month",
        ]
        .map(unit);
        let expected = [
            "GB-Seconds",
            "Requests",
            "vCPU-Hours",
            "Instance-Hours",
            "GB",
            "Hours",
            "GB-Months",
        ];
        assert_eq!(shown, expected);
    }
}
