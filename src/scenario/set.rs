//! `--set dotted.path=value`: one mechanism for overrides, sweeps and what-ifs. It changes the TOML document before the
//! strict parser sees it, so a set value obeys the same rules as a written one.

use toml_edit::{DocumentMut, Item, Table, Value};

use super::error::ScenarioError;

/// Tables of which only one entry is allowed: setting another replaces what was there.
const ONE_OF: [&str; 3] = ["platform", "traffic", "autoscaler"];

/// Applies one `path=value`.
///
/// # Errors
/// [`ScenarioError::Set`] if there is no `=`, the path is empty, or it names a service that does not exist.
pub fn apply(document: &mut DocumentMut, given: &str) -> Result<(), ScenarioError> {
    let error = |problem: String| ScenarioError::Set {
        given: given.to_string(),
        problem,
    };
    let (path, text) = given.split_once('=').ok_or_else(|| error("there is no `=`".into()))?;
    let keys: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(error("the path has an empty part".into()));
    }
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    let mut keys = keys.as_slice();
    if let ["service", name, rest @ ..] = keys {
        table = service(document, name).map_err(error)?;
        keys = rest;
    }
    let Some((last, parents)) = keys.split_last() else {
        return Err(error("it names a whole service; name one of its keys".into()));
    };
    let mut parent = "";
    for key in parents {
        only_one(table, parent, key);
        let item = table.entry(key).or_insert(Item::Table(Table::new()));
        if !item.is_table_like() {
            *item = Item::Table(Table::new());
        }
        table = item
            .as_table_like_mut()
            .ok_or_else(|| error(format!("`{key}` is no table")))?;
        parent = key;
    }
    only_one(table, parent, last);
    table.insert(last, Item::Value(value(text.trim())));
    Ok(())
}

fn service<'a>(document: &'a mut DocumentMut, name: &str) -> Result<&'a mut dyn toml_edit::TableLike, String> {
    let services = document.get_mut("service").and_then(Item::as_array_of_tables_mut);
    let services = services.ok_or("the scenario has no [[service]]")?;
    let names: Vec<String> = services
        .iter()
        .filter_map(|s| s.get("name").and_then(Item::as_str).map(str::to_string))
        .collect();
    let found = services
        .iter_mut()
        .find(|s| s.get("name").and_then(Item::as_str) == Some(name));
    match found {
        Some(table) => Ok(table),
        None => Err(format!("there is no service `{name}`, only {}", names.join(", "))),
    }
}

fn only_one(table: &mut dyn toml_edit::TableLike, parent: &str, key: &str) {
    if ONE_OF.contains(&parent) && !table.contains_key(key) {
        let others: Vec<String> = table.iter().map(|(other, _)| other.to_string()).collect();
        for other in others {
            table.remove(&other);
        }
    }
}

/// A number, boolean, quoted string, array or inline table as TOML has it; anything else is a string.
fn value(text: &str) -> Value {
    match text.parse::<Value>() {
        Ok(Value::Datetime(_)) | Err(_) => Value::from(text),
        Ok(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, given: &str) -> Result<String, String> {
        let mut document: DocumentMut = text.parse().unwrap();
        apply(&mut document, given).map_err(|e| e.to_string())?;
        Ok(document.to_string())
    }

    #[test]
    fn values_keep_their_type() {
        assert_eq!(set("seed = 1\n", "seed=9").unwrap(), "seed = 9\n");
        assert_eq!(set("", "a.b=1Gi").unwrap(), "[a]\nb = \"1Gi\"\n");
        assert_eq!(set("", "a=[\"x\", \"y\"]").unwrap(), "a = [\"x\", \"y\"]\n");
        assert_eq!(set("", "a=2026-02-01").unwrap(), "a = \"2026-02-01\"\n");
        assert_eq!(
            set("io = \"20ms\"\n", "io.exponential.mean=5ms")
                .unwrap()
                .matches("5ms")
                .count(),
            1
        );
    }

    #[test]
    fn the_other_platform_replaces_the_one_that_was_there() {
        let after = set("[platform.lambda]\nmemory = \"1Gi\"\n", "platform.fixed.replicas=3").unwrap();
        assert!(after.contains("replicas = 3") && !after.contains("lambda"), "{after}");
        let kept = set("[platform.lambda]\nmemory = \"1Gi\"\n", "platform.lambda.timeout=9s").unwrap();
        assert!(kept.contains("1Gi") && kept.contains("9s"));
        let after = set("[autoscaler.hpa]\ncpu = 60\n", "autoscaler.keda.rate=5/s").unwrap();
        assert!(after.contains("5/s") && !after.contains("hpa"), "{after}");
    }

    #[test]
    fn services_are_addressed_by_name() {
        let text = "[[service]]\nname = \"a\"\n\n[[service]]\nname = \"b\"\n";
        assert!(
            set(text, "service.b.framework=gin")
                .unwrap()
                .ends_with("name = \"b\"\nframework = \"gin\"\n")
        );
        assert!(set(text, "service.c.framework=gin").unwrap_err().contains("only a, b"));
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        assert!(set("", "seed").unwrap_err().contains('='));
        assert!(set("", "a..b=1").unwrap_err().contains("empty"));
    }
}
