use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Every error is an object with the key error.
pub enum Failure {
    NotFound,
    BadCount,
    BadMillis,
    BadBody { status: StatusCode, details: String },
    Internal,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, json!({"error": "not found"})),
            Self::BadCount => (StatusCode::BAD_REQUEST, json!({"error": "bad count"})),
            Self::BadMillis => (StatusCode::BAD_REQUEST, json!({"error": "bad ms"})),
            Self::BadBody { status, details } => (status, json!({"error": "invalid body", "details": details})),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "internal error"})),
        };
        (status, Json(body)).into_response()
    }
}
