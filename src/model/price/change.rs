//! Changes of a price list for one run: discounts, and prices that are set by hand.

use rust_decimal::Decimal;

use super::{Confidence, MeterPrice, PriceError, PriceList, Tier, check};

impl PriceList {
    /// Takes a discount such as `12%` off the prices of a meter, of all meters that begin with a word (`ec2`), or of a cloud
    /// service by its provider's name.
    ///
    /// # Errors
    /// If `percent` is not a percentage from 0 to 100, or if nothing has the name.
    pub fn discount(&mut self, name: &str, percent: &str) -> Result<(), PriceError> {
        let bad = || PriceError::BadDiscount {
            name: name.to_string(),
            percent: percent.to_string(),
        };
        let hundred = Decimal::ONE_HUNDRED;
        let off = percent
            .strip_suffix('%')
            .and_then(check::decimal)
            .filter(|off| *off <= hundred);
        let left = (hundred - off.ok_or_else(bad)?) / hundred;
        let word = format!("{name}.");
        let named =
            |price: &MeterPrice| price.meter == name || price.meter.starts_with(&word) || price.cloud_service == name;
        let mut found = false;
        for price in self.meters.values_mut().filter(|price| named(price)) {
            found = true;
            for tier in &mut price.tiers {
                let usd = tier.usd.checked_mul(left).ok_or_else(bad)?.normalize();
                tier.unit_price_usd = check::unit_price(usd, price.per).ok_or_else(bad)?;
                tier.usd = usd;
                let before = tier.note.take().map(|note| format!("{note}; ")).unwrap_or_default();
                tier.note = Some(format!("{before}less {percent}"));
            }
        }
        if found { Ok(()) } else { self.price(name).map(|_| ()) }
    }

    /// Replaces the price of a meter by one price for all tiers. `usd` is for as many units as the list quotes it for:
    /// `0.20` for `lambda.requests` means per million.
    ///
    /// # Errors
    /// If the list has no such meter, or if `usd` is not a price.
    pub fn set_price(&mut self, meter: &str, usd: &str) -> Result<(), PriceError> {
        self.price(meter)?;
        let bad = || PriceError::BadPrice {
            meter: meter.to_string(),
            usd: usd.to_string(),
        };
        let price = self.meters.get_mut(meter).ok_or_else(bad)?;
        let amount = check::decimal(usd).ok_or_else(bad)?;
        let unit_price_usd = check::unit_price(amount, price.per).ok_or_else(bad)?;
        let sku = price.tiers[0].sku.clone();
        price.tiers = vec![Tier {
            from: Decimal::ZERO,
            to: None,
            usd: amount,
            unit_price_usd,
            list_unit_price_usd: unit_price_usd,
            sku,
            source: vec!["set-by-hand".to_string()],
            as_of: None,
            confidence: Confidence::SetByHand,
            note: None,
        }];
        Ok(())
    }
}
