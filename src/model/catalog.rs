//! What is built in. A folder or a file under `models/` plus one line here is all that a new entry takes.

/// Price lists: file name without `.toml`, and text. A list named `<provider>-<region>-<date>` may be spread over
/// further files `<provider>-<region>-<date>.<part>.toml` with the same header.
pub const PRICE_LISTS: &[(&str, &str)] = &[(
    "aws-us-east-1-2026-11-01",
    include_str!("../../models/prices/aws-us-east-1-2026-11-01.toml"),
)];
