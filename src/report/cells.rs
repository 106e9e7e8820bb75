//! Cells of CSV files and tables: numbers with the digits they need, text that no spreadsheet takes for a formula.

use crate::study::result::{Number, Value};

/// A float in plain decimal notation with nine significant digits; empty if it is no number.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return String::new();
    }
    if x == 0.0 {
        return "0".into();
    }
    let magnitude = x.abs().log10().floor() as i32;
    let decimals = (8 - magnitude).clamp(0, 20) as usize;
    trim(format!("{x:.decimals$}"))
}

/// A float that may be unknown.
pub fn maybe(x: Option<f64>) -> String {
    x.map(number).unwrap_or_default()
}

/// The mean of a value.
pub fn mean(value: &Value) -> String {
    match value.mean {
        Number::Exact(decimal) => decimal.normalize().to_string(),
        Number::Float(float) => number(float),
    }
}

/// Text that a spreadsheet must not take for a formula: a quote goes in front of `=`, `+`, `-`, `@` and tabs.
pub fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_string()
    }
}

/// A CSV file of a header and rows.
pub fn csv(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let mut write = |row: &[String]| {
        writer
            .write_record(row)
            .expect("rows as long as the header, into memory")
    };
    write(&header.iter().map(|name| name.to_string()).collect::<Vec<_>>());
    rows.into_iter().for_each(|row| write(&row));
    writer.into_inner().expect("memory takes everything")
}

fn trim(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_they_need() {
        for (x, shown) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-2.0, "-2"),
            (1234567.891, "1234567.89"),
            (0.000123456789123, "0.000123456789"),
            (1e-9, "0.000000001"),
            (604800.0, "604800"),
            (1e12, "1000000000000"),
        ] {
            assert_eq!(number(x), shown);
        }
        assert_eq!(maybe(None), "");
        assert_eq!(number(f64::NAN) + &number(f64::INFINITY), "");
    }

    #[test]
    fn text_is_no_formula() {
        assert_eq!(text("=1+1"), "'=1+1");
        assert_eq!(text("@a"), "'@a");
        assert_eq!(text("gin"), "gin");
    }
}
