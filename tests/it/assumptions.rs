//! An assumption that states a number of its own says where the number comes from. This reads the source of the crate: every
//! `Topic::X.weight(text)` whose text has a number that is neither the scenario's nor the profile's is followed by
//! `.source(document, date)`, or says in its text that the number is a choice.
//!
//! A number is a digit or a number word in a literal of the text, the name of a constant in it, or either of them in the
//! `let` of the same function that a name in the text refers to. All other names in a text are fields and parameters: what the
//! scenario, the profile or the price list says.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::layers::source::files;

/// Words that hold a digit and are no number: names, status codes, and the quantile that a column has in its name.
const NAMES: [&str; 6] = ["EC2", "503", "p99", "x86", "Azure 2019", "95%"];

/// Words that are numbers.
const WORDS: [&str; 20] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen", "twenty", "thirty",
    "sixty", "hundred", "thousand", "half", "tenth", "tenths", "twice",
];

/// An assumption in the source.
#[derive(Debug, Default)]
struct Found {
    /// The literals of its text.
    texts: Vec<String>,
    /// The numbers in its text that neither the scenario nor the profile gives.
    numbers: Vec<String>,
    /// The literals behind `.source`.
    source: Option<Vec<String>>,
}

impl Found {
    fn is_founded(&self) -> bool {
        let is_choice = self
            .texts
            .iter()
            .any(|text| text.contains("a choice") || text.contains("choices"));
        self.numbers.is_empty() || is_choice || self.source.is_some()
    }
}

/// The assumptions in a file, in order.
fn assumptions(code: &str) -> Vec<Found> {
    let stream: TokenStream = code.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut found = Vec::new();
    walk(&mut vec![stream.into_iter().collect()], &mut found);
    found
}

/// Looks through the last of the nested groups.
fn walk(around: &mut Vec<Vec<TokenTree>>, found: &mut Vec<Found>) {
    let here = around.last().cloned().unwrap_or_default();
    for (at, tree) in here.iter().enumerate() {
        if let Some(text) = text_of_assumption(&here, at) {
            found.push(assumption(text, here.get(at + 7..).unwrap_or_default(), around));
        }
        if let TokenTree::Group(group) = tree {
            around.push(group.stream().into_iter().collect());
            walk(around, found);
            around.pop();
        }
    }
}

/// The arguments in `Topic::X.weight(...)` that begins at this token.
fn text_of_assumption(trees: &[TokenTree], at: usize) -> Option<TokenStream> {
    let word = |k: usize| trees.get(at + k).map(ToString::to_string).unwrap_or_default();
    let is_call = word(0) == "Topic"
        && (word(1), word(2), word(4)) == (":".into(), ":".into(), ".".into())
        && ["factor", "large", "small", "note", "assumption"].contains(&word(5).as_str());
    match trees.get(at + 6) {
        Some(TokenTree::Group(group)) if is_call && group.delimiter() == Delimiter::Parenthesis => Some(group.stream()),
        _ => None,
    }
}

/// The assumption with this text, what follows it, and the groups around it.
fn assumption(text: TokenStream, after: &[TokenTree], around: &[Vec<TokenTree>]) -> Found {
    let mut found = Found::default();
    let mut names = Vec::new();
    read(text, &mut found, &mut names);
    // A name may stand for a text that the same function makes.
    let mut at = 0;
    while at < names.len() {
        let name = names[at].clone();
        at += 1;
        for value in around.iter().filter_map(|trees| value_of(trees, &name)) {
            let mut further = Vec::new();
            read_texts(value, &mut found, &mut further);
            further.retain(|name| !names.contains(name));
            names.extend(further);
        }
    }
    let behind: Vec<String> = after.iter().take(2).map(ToString::to_string).collect();
    if behind == [".", "source"]
        && let Some(TokenTree::Group(group)) = after.get(2)
    {
        found.source = Some(literals(group.stream()));
    }
    found
}

/// The value in `let name = value;`, where one of these tokens begins it.
fn value_of(trees: &[TokenTree], name: &str) -> Option<TokenStream> {
    let word = |at: usize| trees.get(at).map(ToString::to_string).unwrap_or_default();
    let start = (0..trees.len()).find(|&at| word(at) == "let" && word(at + 1) == name)?;
    let value = trees[start..].iter().take_while(|tree| tree.to_string() != ";");
    Some(value.skip(2).cloned().collect())
}

/// Reads the literals, constants and numbers of a text, and the names in it.
fn read(stream: TokenStream, found: &mut Found, names: &mut Vec<String>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => read(group.stream(), found, names),
            TokenTree::Ident(name) => read_name(&name.to_string(), found, names),
            TokenTree::Literal(literal) => match text(&literal.to_string()) {
                Some(text) => read_text(&text, found, names),
                // A number that is an argument, not a part of a conversion.
                None if alone(&trees, at) => found.numbers.push(literal.to_string()),
                None => {}
            },
            TokenTree::Punct(_) => {}
        }
    }
}

/// Reads the texts alone, for values that are also computed.
fn read_texts(stream: TokenStream, found: &mut Found, names: &mut Vec<String>) {
    for literal in literals(stream) {
        read_text(&literal, found, names);
    }
}

/// True if nothing but commas is around a token.
fn alone(trees: &[TokenTree], at: usize) -> bool {
    let is_comma = |at: Option<usize>| {
        at.and_then(|at| trees.get(at))
            .is_none_or(|tree| tree.to_string() == ",")
    };
    is_comma(at.checked_sub(1)) && is_comma(Some(at + 1))
}

fn read_name(name: &str, found: &mut Found, names: &mut Vec<String>) {
    let is_constant = name.len() > 1
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if is_constant {
        found.numbers.push(name.to_string());
    } else {
        names.push(name.to_string());
    }
}

/// Reads a literal: its numbers, and the names in its braces.
fn read_text(text: &str, found: &mut Found, names: &mut Vec<String>) {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}').unwrap_or((after, ""));
        plain.push_str(before);
        plain.push(' ');
        let name = hole.split(':').next().unwrap_or_default();
        if !name.is_empty() {
            read_name(name, found, names);
        }
        rest = after;
    }
    plain.push_str(rest);
    let plain = NAMES.iter().fold(plain, |plain, name| plain.replace(name, " "));
    let words = plain.split(|c: char| !c.is_alphanumeric());
    let is_number =
        |word: &&str| word.chars().any(|c| c.is_ascii_digit()) || WORDS.contains(&word.to_lowercase().as_str());
    found.numbers.extend(words.filter(is_number).map(str::to_string));
    found.texts.push(text.to_string());
}

/// The text of a literal; `None` for a number.
fn text(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    // A line break in the source that begins with a backslash.
    let lines: Vec<&str> = inner.split("\\\n").map(str::trim_start).collect();
    Some(lines.concat())
}

/// All text literals.
fn literals(stream: TokenStream) -> Vec<String> {
    let of = |tree: TokenTree| match tree {
        TokenTree::Group(group) => literals(group.stream()),
        TokenTree::Literal(literal) => text(&literal.to_string()).into_iter().collect(),
        TokenTree::Ident(_) | TokenTree::Punct(_) => Vec::new(),
    };
    stream.into_iter().flat_map(of).collect()
}

/// True for a day, a month or a year of this project or before.
fn is_date(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.iter().all(|part| part.chars().all(|c| c.is_ascii_digit()));
    digits && [&[4][..], &[4, 2], &[4, 2, 2]].contains(&lengths.as_slice()) && parts[0].starts_with("20")
}

#[test]
fn a_number_in_an_assumption_has_a_source() {
    let (mut wrong, mut count, mut sourced) = (Vec::new(), 0, 0);
    for file in files() {
        if file.path == "assumption.rs" {
            continue;
        }
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&file.path)).unwrap();
        for found in assumptions(&text) {
            count += 1;
            if !found.is_founded() {
                wrong.push(format!("{}: {:?} in {:?}", file.path, found.numbers, found.texts));
            }
            if let Some(source) = &found.source {
                sourced += 1;
                let is_named = source.len() == 2 && source[0].len() > 10 && is_date(&source[1]);
                assert!(is_named, "{}: a document and a date, not {source:?}", file.path);
            }
        }
    }
    assert!(wrong.is_empty(), "add .source(document, date):\n{}", wrong.join("\n"));
    assert!(
        count > 90 && sourced > 10,
        "{count} assumptions, {sourced} with a source"
    );
}

/// The ways around the rule.
#[test]
fn a_number_is_found_wherever_it_hides() {
    let founded = |code: &str| {
        let found = assumptions(&format!("fn f() {{ {code} }}"));
        assert!(!found.is_empty(), "{code}");
        found.iter().all(Found::is_founded)
    };
    for hidden in [
        r#"Topic::A.small("it ends after 15 minutes")"#,
        r#"Topic::A.small("it ends after fifteen minutes")"#,
        r#"Topic::A.small(format!("it ends after {LIMIT}"))"#,
        r#"Topic::A.small(format!("it ends after {}", LIMIT))"#,
        r#"Topic::A.small(format!("it ends after {}", 15))"#,
        r#"Topic::A.small(format!("it ends after {:.0}", 15))"#,
        r#"let limit = "15 minutes"; Topic::A.small(format!("it ends after {limit}"))"#,
        r#"let limit = if a { "15 minutes" } else { "" }; vec![Topic::A.small(format!("it ends after {limit}"))]"#,
        r#"let inner = "15 s"; let limit = format!("{inner} long"); Topic::A.small(limit)"#,
        r#"Topic::A.assumption(Weight::Note, "15 s")"#,
        r#"if a { Topic::A.small(match b { true => "15 s", false => "none" }) }"#,
        r#"Topic::A.small("15 s").figure(15.0, 1.0, 20.0)"#,
    ] {
        assert!(!founded(hidden), "{hidden}");
    }
    for fine in [
        r#"Topic::A.small("it ends after 15 minutes").source("A guide of the vendor", "2026-11-23")"#,
        r#"Topic::A.small("it ends after 15 minutes (a choice)")"#,
        r#"Topic::A.small(format!("it ends after {}", self.limit))"#,
        r#"Topic::A.small(format!("it ends after {limit:.1} h", limit = self.limit / 3600.0))"#,
        r#"let limit = self.limit.0 * 2; Topic::A.small(format!("it ends after {limit}"))"#,
        r#"Topic::A.small("it is answered with 503 by EC2")"#,
    ] {
        assert!(founded(fine), "{fine}");
    }
    assert!(is_date("2026") && is_date("2026-08") && is_date("2026-11-23"));
    assert!(!is_date("") && !is_date("26-11-23") && !is_date("2026-11-23T") && !is_date("soon"));
}
