//! The parameter `count` of the kinds of work in sizes.

use serde_json::json;

use super::client::Client;

/// The largest count.
pub const LARGEST: u32 = 9999;
/// The counts that are checked: the smallest, the usual one, and the largest among them.
pub(super) const CHECKED: [u32; 5] = [1, 2, 20, 999, LARGEST];

/// Texts that are no count, as they stand in a URL: too small, too large, no decimal number, another form of a number, a
/// digit of another script, a line break at the end.
const BAD: [&str; 15] = [
    "",
    "0",
    "00",
    "01",
    "-1",
    "%2B1",
    "1.5",
    "1e3",
    "0x10",
    "x",
    "5%20",
    "5%0A",
    "%D9%A3",
    "10000",
    "99999999999999999999",
];

/// Checks that `path` refuses each bad count.
pub(super) fn bad_counts(client: &mut Client<'_>, path: &str) -> Result<(), String> {
    for bad in BAD {
        refused(client, &format!("{path}?count={bad}"))?;
    }
    Ok(())
}

/// Checks that the app refuses the count in this path.
pub(super) fn refused(client: &mut Client<'_>, path: &str) -> Result<(), String> {
    client.get(path, 400, &json!({"error": "bad count"}))
}
