//! All keys of a scenario, from the JSON schema of the types that read it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::scenario::file::Scenario;

/// Blocks of `docs/reference` and the keys at the top of a scenario that each of them is about. What is not named here is in the
/// block `scenario`.
const BLOCKS: [(&str, &[&str]); 6] = [
    ("traffic", &["traffic"]),
    ("platforms", &["platform"]),
    ("autoscalers", &["autoscaler"]),
    ("cluster", &["cluster"]),
    ("prices", &["prices", "extras"]),
    ("scenario", &[]),
];

/// The tables of each block.
pub(super) fn blocks() -> BTreeMap<String, String> {
    let root = schemars::schema_for!(Scenario).to_value();
    let mut blocks = BTreeMap::new();
    for (block, keys) in BLOCKS {
        let mut page = Page::new(&root, block);
        if block == "scenario" {
            page.table("", &root);
        } else {
            for key in keys {
                page.value(key, &root["properties"][*key]);
            }
        }
        page.finish();
        blocks.insert(block.to_string(), page.text.trim_start().to_string());
    }
    blocks
}

/// The page and title of the block that a key at the top belongs to, where it is not the block `scenario`.
fn elsewhere(path: &str) -> Option<&'static str> {
    let (block, _) = BLOCKS.iter().find(|(_, keys)| keys.contains(&path))?;
    Some(block)
}

/// Paths of all keys that have no doc comment.
pub(super) fn without_meaning() -> Vec<String> {
    let root = schemars::schema_for!(Scenario).to_value();
    let mut silent = BTreeSet::new();
    let definitions = root["$defs"].as_object().into_iter().flatten();
    for (name, schema) in definitions
        .map(|(name, schema)| (name.as_str(), schema))
        .chain([("Scenario", &root)])
    {
        let nested = branches(schema).unwrap_or_default();
        for schema in std::iter::once(schema).chain(nested) {
            let tagged = schema.get("oneOf").is_some();
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                // A name in code quotes alone is no meaning.
                let about = property["description"].as_str().or(schema["description"].as_str());
                let names_only = |about: &str| {
                    about
                        .trim_end_matches('.')
                        .split('`')
                        .filter(|part| !part.is_empty())
                        .count()
                        < 2
                };
                if !tagged && about.is_none_or(|about| about.starts_with('`') && names_only(about)) {
                    silent.insert(format!("{name}.{key}"));
                }
            }
        }
    }
    silent.into_iter().collect()
}

/// One block being written.
struct Page<'a> {
    root: &'a Value,
    block: &'a str,
    text: String,
    /// Sections to come: path and schema.
    open: Vec<(String, &'a Value)>,
    /// The path of the section for each type that has one.
    places: BTreeMap<&'a str, String>,
}

impl<'a> Page<'a> {
    fn new(root: &'a Value, block: &'a str) -> Self {
        Self {
            root,
            block,
            text: String::new(),
            open: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Writes the sections that were announced, depth first.
    fn finish(&mut self) {
        while !self.open.is_empty() {
            let (path, schema) = self.open.remove(0);
            let later = std::mem::take(&mut self.open);
            self.value(&path, schema);
            self.open.extend(later);
        }
    }

    /// A section for a key whose value is a table, one of several tables, or a list of tables.
    fn value(&mut self, path: &str, schema: &'a Value) {
        let (schema, _) = self.resolved(schema);
        if let Some(kinds) = kinds(schema) {
            for (kind, about, inner) in kinds {
                let (table, _) = self.resolved(inner);
                let about = about.or(table["description"].as_str()).unwrap_or_default();
                self.section(&format!("{path}.{kind}"), about, table);
            }
            return;
        }
        let about = schema["description"].as_str().unwrap_or_default();
        self.section(path, about, schema);
    }

    fn section(&mut self, path: &str, about: &str, schema: &'a Value) {
        let level = if path.matches('.').count() > 1 { "###" } else { "##" };
        let name = path.replace("[]", "");
        let title = if path.ends_with("[]") {
            format!("[[{name}]]")
        } else {
            format!("[{name}]")
        };
        self.text.push_str(&format!("\n{level} `{title}`\n\n"));
        if !about.is_empty() && !about.starts_with("`[") {
            self.text.push_str(&format!("{}\n\n", prose(about)));
        }
        self.table(path, schema);
    }

    /// The keys of a table.
    fn table(&mut self, path: &str, schema: &'a Value) {
        let Some(properties) = schema["properties"]
            .as_object()
            .filter(|properties| !properties.is_empty())
        else {
            self.text.push_str("It has no keys of its own.\n");
            return;
        };
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.text
            .push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
        for (key, property) in properties {
            let below = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let kind = self.kind(&below, property);
            let default = self.default(property, required.contains(&key.as_str()));
            let (resolved, _) = self.resolved(property);
            let about = property["description"].as_str().or(resolved["description"].as_str());
            let about = prose(about.unwrap_or_default());
            let (about, default) = match without_value(&about) {
                Some((about, otherwise)) if default == "none" => (about, otherwise),
                Some((about, _)) => (about, default),
                None => (about, default),
            };
            self.text.push_str(&format!(
                "| `{key}` | {kind} | {default} | {} |\n",
                about.replace('|', "\\|")
            ));
        }
    }

    /// The type of a value, in words. Tables get a section of their own.
    fn kind(&mut self, path: &str, property: &'a Value) -> String {
        let (schema, name) = self.resolved(property);
        if let Some(kind) = schema["x-kind"].as_str() {
            return kind.to_string();
        }
        if let Some(choices) = choices(schema) {
            // A long list of words is explained on the page itself.
            let short = choices.len() > 4;
            let word = |choice: &String| {
                choice
                    .split_once(" (")
                    .map_or(choice.clone(), |(word, _)| word.to_string())
            };
            let shown: Vec<String> = choices
                .iter()
                .map(|choice| if short { word(choice) } else { choice.clone() })
                .collect();
            return format!("one of {}", shown.join(", "));
        }
        if let Some(block) = elsewhere(path).filter(|block| *block != self.block) {
            return format!("[table]({block}.md)");
        }
        if kinds(schema).is_some() || schema["properties"].is_object() {
            return self.link(path, property, name);
        }
        if let Some(forms) = forms(schema) {
            let forms: Vec<String> = forms.into_iter().map(|form| self.form(path, form)).collect();
            return forms.join(" or ");
        }
        match simple(schema) {
            Some("string") => "text".to_string(),
            Some("integer") => "whole number".to_string(),
            Some("number") => "number".to_string(),
            Some("boolean") => "true or false".to_string(),
            Some("array") => {
                let of = self.kind(&format!("{path}[]"), &schema["items"]);
                format!("list of {of}")
            }
            Some("object") => match schema.get("additionalProperties").filter(|of| of.is_object()) {
                Some(of) => {
                    let of = self.kind(&format!("{path}.<name>"), of);
                    format!("table of names, each with {of}")
                }
                None => "table".to_string(),
            },
            _ => "value".to_string(),
        }
    }

    /// One of several forms of a value: a word, a table with one key, or anything else.
    fn form(&mut self, path: &str, form: &'a Value) -> String {
        if let Some(word) = form["const"].as_str() {
            return format!("`\"{word}\"`");
        }
        match form["properties"]
            .as_object()
            .and_then(|properties| properties.iter().next().filter(|_| properties.len() == 1))
        {
            Some((key, inner)) => format!("`{{ {key} = ... }}`, a {}", self.kind(&format!("{path}.{key}"), inner)),
            None => self.kind(path, form),
        }
    }

    /// Announces a section, unless the type has one; says where it is.
    fn link(&mut self, path: &str, property: &'a Value, name: Option<&'a str>) -> String {
        // The keys of a service that the scenario has as well are explained with the scenario's.
        let top = path
            .strip_prefix("service[].")
            .filter(|key| !self.root["properties"][*key].is_null());
        let known = name.and_then(|name| self.places.get(name).cloned());
        let place = match (top, known) {
            (Some(key), _) => match elsewhere(key) {
                Some(block) => return format!("[table]({block}.md)"),
                None => key.to_string(),
            },
            (None, Some(place)) => place,
            (None, None) => {
                if let Some(name) = name {
                    self.places.insert(name, path.to_string());
                }
                self.open.push((path.to_string(), property));
                path.to_string()
            }
        };
        let anchor: String = place
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        format!("[table](#{anchor})")
    }

    fn default(&self, property: &Value, required: bool) -> String {
        if required {
            return "required".to_string();
        }
        match property.get("default") {
            None | Some(Value::Null) => "none".to_string(),
            Some(Value::Object(table)) if table.is_empty() => "none".to_string(),
            Some(Value::Object(_)) => "see there".to_string(),
            Some(Value::Array(list)) if list.is_empty() => "none".to_string(),
            Some(value) => format!("`{}`", toml_text(value)),
        }
    }

    /// The schema behind references and `null`, and the name of its type.
    fn resolved(&self, mut schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        let mut name = None;
        loop {
            if let Some(target) = schema["$ref"].as_str() {
                let last = target.rsplit('/').next().unwrap_or_default();
                name = Some(last);
                schema = &self.root["$defs"][last];
            } else if let Some([one]) = forms(schema).as_deref() {
                schema = one;
            } else {
                return (schema, name);
            }
        }
    }
}

/// The alternatives of a schema, without `null`.
fn forms(schema: &Value) -> Option<Vec<&Value>> {
    let all = branches(schema)?;
    Some(all.into_iter().filter(|form| form["type"] != "null").collect())
}

fn branches(schema: &Value) -> Option<Vec<&Value>> {
    let all = schema.get("anyOf").or(schema.get("oneOf"))?;
    Some(all.as_array()?.iter().collect())
}

/// The kinds of a registry: name, doc comment and table of each.
fn kinds(schema: &Value) -> Option<Vec<(&str, Option<&str>, &Value)>> {
    let kinds: Option<Vec<_>> = schema
        .get("oneOf")?
        .as_array()?
        .iter()
        .map(|form| {
            let properties: &Map<String, Value> = form["properties"].as_object()?;
            let (name, inner) = properties.iter().next().filter(|_| properties.len() == 1)?;
            Some((name.as_str(), form["description"].as_str(), inner))
        })
        .collect();
    kinds.filter(|kinds| !kinds.is_empty())
}

/// The words of an enum without values.
fn choices(schema: &Value) -> Option<Vec<String>> {
    let quoted = |word: &Value| Some(format!("`{}`", word.as_str()?));
    if let Some(words) = schema.get("enum") {
        return words
            .as_array()?
            .iter()
            .filter(|word| !word.is_null())
            .map(quoted)
            .collect();
    }
    let mut words = Vec::new();
    for form in schema.get("oneOf")?.as_array()? {
        match (form.get("const"), form.get("enum")) {
            (Some(word), _) => {
                let about = form["description"]
                    .as_str()
                    .map(|about| format!(" ({})", phrase(about)));
                words.push(format!("{}{}", quoted(word)?, about.unwrap_or_default()));
            }
            (None, Some(list)) => words.extend(list.as_array()?.iter().filter_map(quoted)),
            _ => return None,
        }
    }
    Some(words)
}

/// The JSON type, without `null`.
fn simple(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(one) => Some(one),
        Value::Array(several) => several.iter().filter_map(Value::as_str).find(|one| *one != "null"),
        _ => None,
    }
}

/// A doc comment as one line, without links to code.
fn prose(text: &str) -> String {
    let text = text.replace("\n\n", " ").replace('\n', " ");
    text.replace("[`", "`").replace("`]", "`")
}

/// A meaning that ends with what holds without a value (`None: ...` or `default: ...`), in these two parts.
fn without_value(about: &str) -> Option<(String, String)> {
    let mark = ["; `None`: ", "; default: "]
        .into_iter()
        .find(|mark| about.contains(mark))?;
    let (meaning, otherwise) = about.split_once(mark)?;
    Some((format!("{meaning}."), otherwise.trim_end_matches('.').to_string()))
}

/// A doc comment within brackets.
fn phrase(text: &str) -> String {
    let text = prose(text);
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_string(),
    }
}

/// A default as TOML writes it.
fn toml_text(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Array(list) => format!("[{}]", list.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_text(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}
