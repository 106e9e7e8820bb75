//! Cells of CSV files and tables: numbers with the digits they need, and text that no spreadsheet takes for a formula.

use crate::study::row::{Number, Value};

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

/// A CSV file of a header and rows. Text that a spreadsheet would take for a formula gets a quote in front.
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
    for row in rows {
        write(&row.into_iter().map(harmless).collect::<Vec<_>>());
    }
    writer.into_inner().expect("memory takes everything")
}

/// Text that a spreadsheet does not take for a formula.
pub fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell
    }
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
    fn text_is_no_formula_and_numbers_stay_numbers() {
        let row = ["=1+1", "@a", "-x", "\ta", "gin", "-0.5", "a,b"]
            .map(str::to_string)
            .to_vec();
        let file = String::from_utf8(csv(&["a", "b", "c", "d", "e", "f", "g"], [row])).unwrap();
        assert_eq!(file, "a,b,c,d,e,f,g\n'=1+1,'@a,'-x,'\ta,gin,-0.5,\"a,b\"\n");
    }
}
