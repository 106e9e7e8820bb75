use std::ops::RangeInclusive;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use validator::Validate;

use crate::errors::Failure;

#[derive(Deserialize, Serialize, Validate)]
pub struct Order {
    #[validate(length(min = 1, max = 100))]
    pub name: String,
    #[validate(range(min = 1, max = 1000))]
    pub quantity: u64,
    #[serde(default)]
    #[validate(length(max = 10))]
    pub tags: Vec<String>,
}

#[derive(Deserialize, Validate)]
#[serde(transparent)]
pub struct Orders {
    #[validate(length(min = 1, max = 9999), nested)]
    pub orders: Vec<Order>,
}

#[derive(Deserialize)]
pub struct Count {
    #[serde(default, deserialize_with = "count")]
    pub count: Option<u64>,
}

#[derive(Deserialize)]
pub struct Millis {
    #[serde(deserialize_with = "milliseconds")]
    pub ms: u64,
}

/// A JSON body that keeps the rules of its type.
pub struct Valid<T>(pub T);

impl<S, T> FromRequest<S> for Valid<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = Json::<T>::from_request(request, state).await;
        let Json(value) = body.map_err(|rejection| Failure::BadBody {
            status: rejection.status(),
            details: rejection.body_text(),
        })?;
        value.validate().map_err(|errors| Failure::BadBody {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            details: errors.to_string(),
        })?;
        Ok(Self(value))
    }
}

/// Reads a decimal number without sign and leading zero.
pub fn number(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    if text.starts_with(['0', '+']) {
        return None;
    }
    text.parse().ok().filter(|number| range.contains(number))
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    number(&text, 1..=9999)
        .map(Some)
        .ok_or_else(|| D::Error::custom("bad count"))
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = matches!(text.len(), 1..=4) && text.bytes().all(|byte| byte.is_ascii_digit());
    let ms = text.parse().ok().filter(|_| digits || text == "10000");
    ms.ok_or_else(|| D::Error::custom("bad ms"))
}
