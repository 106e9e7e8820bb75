//! The place of the first difference in an answer that is too long to print.

use serde_json::Value;

/// The length in bytes up to which an answer is printed whole, so that its differences need no place.
const SHORT: usize = 200;
/// The number of bytes that are shown around a difference of two texts.
const AROUND: usize = 40;

/// The place of the first difference of two JSON values, such as `items[3].price: expected "1.00", got "1.0"`. `None` if they
/// are equal, or if both are short.
pub(super) fn place(expected: &Value, got: &Value) -> Option<String> {
    let is_short = |value: &Value| value.to_string().len() <= SHORT;
    if expected == got || (is_short(expected) && is_short(got)) {
        return None;
    }
    let (mut expected, mut got, mut path) = (expected, got, String::new());
    loop {
        let (key, left, right) = match (expected, got) {
            (Value::Object(left), Value::Object(right)) => {
                let key = left
                    .keys()
                    .chain(right.keys())
                    .find(|key| left.get(*key) != right.get(*key))?;
                let dot = if path.is_empty() { "" } else { "." };
                (format!("{dot}{key}"), left.get(key), right.get(key))
            }
            (Value::Array(left), Value::Array(right)) => {
                let at = (0..left.len().max(right.len())).find(|at| left.get(*at) != right.get(*at))?;
                (format!("[{at}]"), left.get(at), right.get(at))
            }
            _ => return Some(format!("{path}: expected {expected}, got {got}")),
        };
        path.push_str(&key);
        match (left, right) {
            (Some(left), Some(right)) => (expected, got) = (left, right),
            (Some(_), None) => return Some(format!("{path} is missing")),
            (None, _) => return Some(format!("{path} is too much")),
        }
    }
}

/// The place of the first difference of two texts, with the bytes around it. `None` if they are equal.
pub(super) fn bytes(expected: &[u8], got: &[u8]) -> Option<String> {
    if expected == got {
        return None;
    }
    let same = expected
        .iter()
        .zip(got)
        .take_while(|(left, right)| left == right)
        .count();
    let around = |bytes: &[u8]| {
        let end = bytes.len().min(same + AROUND);
        String::from_utf8_lossy(&bytes[same.saturating_sub(AROUND)..end]).into_owned()
    };
    Some(format!(
        "the body differs at byte {same}: expected `{}`, got `{}`",
        around(expected),
        around(got)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_of_long_answers_has_a_place() {
        let list = |n: u64| (0..n).map(|k| json!({"id": k, "tags": ["a", "b"]})).collect::<Vec<_>>();
        let whole = json!({"items": list(50)});
        let changed = |key: &str, value: Value| {
            let mut changed = whole.clone();
            *changed.pointer_mut(key).unwrap() = value;
            place(&whole, &changed).unwrap()
        };
        assert_eq!(
            changed("/items/31/id", json!("31")),
            r#"items[31].id: expected 31, got "31""#
        );
        assert_eq!(
            changed("/items/7/tags/1", json!("c")),
            r#"items[7].tags[1]: expected "b", got "c""#
        );
        assert_eq!(changed("/items/7/tags", json!(["a"])), "items[7].tags[1] is missing");
        assert_eq!(changed("/items/7", json!({"id": 7})), "items[7].tags is missing");
        assert_eq!(changed("/items", json!(list(51))), "items[50] is too much");
        assert_eq!(place(&whole, &whole), None);
        assert_eq!(place(&json!({"count": 1}), &json!({"count": 2})), None);
    }

    #[test]
    fn the_first_difference_of_two_texts_has_a_place() {
        assert_eq!(bytes(b"abc", b"abc"), None);
        assert_eq!(
            bytes(b"abc", b"abd").unwrap(),
            "the body differs at byte 2: expected `abc`, got `abd`"
        );
        assert_eq!(
            bytes(b"abc", b"abc\n").unwrap(),
            "the body differs at byte 3: expected `abc`, got `abc\n`"
        );
    }
}
