//! Another currency at a fixed rate. Prices and bills are in US dollars. A report in the currency of an invoice multiplies them
//! by a given rate. Currencies are never mixed in a sum.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A currency and its rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Currency {
    /// Code of three letters by ISO 4217, such as `EUR`.
    pub code: String,
    /// Units of the currency for one US dollar.
    pub per_usd: Decimal,
}

/// A currency that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency with a rate: write its code and its units for one US dollar, such as EUR=0.92")]
pub struct CurrencyError(String);

impl Currency {
    /// Converts an amount of US dollars.
    pub fn of(&self, usd: Decimal) -> Decimal {
        (usd * self.per_usd).normalize()
    }

    /// Converts an amount of US dollars and prints it with two decimals, rounded half up.
    pub fn shown(&self, usd: Decimal) -> String {
        let half_up = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        let mut amount = self.of(usd).round_dp_with_strategy(2, half_up);
        amount.rescale(2);
        format!("{amount} {}", self.code)
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    /// Reads `EUR=0.92`.
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let bad = || CurrencyError(text.to_string());
        let (code, rate) = text.split_once('=').ok_or_else(bad)?;
        let (code, rate) = (code.trim(), rate.trim());
        if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(bad());
        }
        let per_usd = Decimal::from_str_exact(rate).map_err(|_| bad())?;
        if per_usd <= Decimal::ZERO || per_usd.scale() > 9 || (code == "USD" && per_usd != Decimal::ONE) {
            return Err(bad());
        }
        Ok(Self {
            code: code.to_string(),
            per_usd: per_usd.normalize(),
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for a US dollar", self.per_usd, self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{}={}", self.code, self.per_usd))
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
crate::units::written_as!(Currency: "text such as `\"EUR=0.92\"`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_needs_three_letters_and_a_rate() {
        let euro: Currency = "EUR=0.92".parse().unwrap();
        assert_eq!(euro.to_string(), "0.92 EUR for a US dollar");
        assert_eq!(euro.shown(Decimal::new(1_005, 1)), "92.46 EUR");
        let yen: Currency = "JPY = 151.5".parse().unwrap();
        assert_eq!(yen.of(Decimal::TWO).to_string(), "303");
        for bad in [
            "EUR",
            "eur=0.92",
            "EURO=0.92",
            "EUR=0",
            "EUR=-1",
            "EUR=NaN",
            "EUR=0,92",
            "USD=2",
            "EUR=",
        ] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }
}
