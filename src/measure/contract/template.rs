//! The kind `template`: the page that `/template?count=N` must give.

use std::fmt::Write;

use super::client::Client;
use super::count;

const HEAD: &str = "<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table>";
const FOOT: &str = "</table></body></html>";
const STATUS: [&str; 4] = ["open", "paid &amp; packed", "sent", "&lt;returned&gt;"];

/// The page with `count` rows.
pub(super) fn page(count: u32) -> String {
    let mut page = HEAD.to_string();
    for k in 1..=count {
        let cents = k * 1009 % 100_000 + 100;
        let _ = write!(
            page,
            "<tr><td>{k}</td><td>Fish &amp; chips &lt;{k}&gt; from w{}</td><td>{}.{:02}</td><td>{}</td></tr>",
            k * 7 % 9 + 1,
            cents / 100,
            cents % 100,
            STATUS[k as usize % 4]
        );
    }
    page.push_str(FOOT);
    page
}

/// Checks pages of each size, and bad counts.
pub(super) fn check(client: &mut Client<'_>) -> Result<(), String> {
    count::refused(client, "/template")?;
    count::bad_counts(client, "/template")?;
    for count in count::CHECKED {
        client.html(&format!("/template?count={count}"), &page(count))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_contract() {
        let page = page(12);
        for row in [
            "<tr><td>1</td><td>Fish &amp; chips &lt;1&gt; from w8</td><td>11.09</td><td>paid &amp; packed</td></tr>",
            "<tr><td>3</td><td>Fish &amp; chips &lt;3&gt; from w4</td><td>31.27</td><td>&lt;returned&gt;</td></tr>",
            "<tr><td>12</td><td>Fish &amp; chips &lt;12&gt; from w4</td><td>122.08</td><td>open</td></tr></table></body></html>",
        ] {
            assert_eq!(page.matches(row).count(), 1, "{row}");
        }
        assert!(page.starts_with(
            "<!doctype html><html><head><title>Orders</title></head><body><h1>Orders</h1><table><tr><td>1</td>"
        ));
        assert_eq!(page.matches("<tr>").count(), 12);
    }
}
