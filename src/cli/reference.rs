//! Keeps `docs/reference` true: renders its tables from the types themselves and compares them with the pages.
//!
//! A page is prose with blocks between `<!-- generated: NAME -->` and `<!-- end -->`. To rewrite the blocks:
//!
//! ```sh
//! COLDCAST_WRITE_REFERENCE=1 cargo test --lib reference
//! ```
//!
//! The block `files` is left as it is where a feature that writes one of the files is off.

mod commands;
mod files;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The variable that makes the tests write the pages in place of comparing them.
const WRITE: &str = "COLDCAST_WRITE_REFERENCE";

/// Blocks that cannot be rendered because a feature is off.
const LEFT: &[&str] = if cfg!(all(feature = "plot", feature = "parquet", feature = "xlsx")) {
    &[]
} else {
    &["files"]
};

/// Every generated block by name.
fn blocks() -> BTreeMap<String, String> {
    let mut blocks = schema::blocks();
    blocks.insert("commands".to_string(), commands::markdown());
    blocks.insert("files".to_string(), files::markdown());
    blocks.retain(|name, _| !LEFT.contains(&name.as_str()));
    blocks
}

/// A page with its blocks replaced, and the names of the blocks it has.
fn filled(page: &str, blocks: &BTreeMap<String, String>) -> (String, Vec<String>) {
    const OPEN: &str = "<!-- generated: ";
    const END: &str = "<!-- end -->";
    let mut text = String::new();
    let mut names = Vec::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after
            .split_once(" -->\n")
            .unwrap_or_else(|| panic!("a name after {OPEN}"));
        let (is, after) = after
            .split_once(END)
            .unwrap_or_else(|| panic!("{END} after {OPEN}{name}"));
        let block = match blocks.get(name) {
            Some(block) => format!("\n{block}\n"),
            None if LEFT.contains(&name) => is.to_string(),
            None => panic!("no block `{name}`; there are {:?}", blocks.keys()),
        };
        text.push_str(&format!("{before}{OPEN}{name} -->\n{block}{END}"));
        names.push(name.to_string());
        rest = after;
    }
    text.push_str(rest);
    (text, names)
}

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

#[test]
fn the_reference_says_what_the_types_say() {
    let blocks = blocks();
    let mut shown = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let (text, names) = filled(&page, &blocks);
        shown.extend(names);
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, text).unwrap();
        } else if let Some((line, (is, should))) = (1..)
            .zip(page.lines().zip(text.lines()))
            .find(|(_, (is, should))| is != should)
        {
            panic!(
                "{}:{line} says\n{is}\nand the types say\n{should}\nrun: {WRITE}=1 cargo test --lib reference",
                path.display()
            );
        } else {
            assert_eq!(
                page.len(),
                text.len(),
                "{}: run: {WRITE}=1 cargo test --lib reference",
                path.display()
            );
        }
    }
    shown.sort();
    let left = LEFT.iter().map(ToString::to_string);
    let mut expected: Vec<String> = blocks.into_keys().chain(left).collect();
    expected.sort();
    assert_eq!(shown, expected, "each block is on one page of docs/reference");
}

#[test]
fn every_key_has_a_meaning() {
    let silent = schema::without_meaning();
    assert!(silent.is_empty(), "keys without a doc comment: {silent:#?}");
}

#[test]
fn the_list_of_examples_names_every_scenario() {
    fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                scenarios(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                found.push(path);
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/scenarios");
    let mut found = Vec::new();
    scenarios(&folder, &mut found);
    let mut found: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
        .collect();
    found.sort();
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    let rows = list
        .lines()
        .filter_map(|line| line.strip_prefix("| [")?.split_once(']'));
    let mut named: Vec<String> = rows.map(|(name, _)| name.to_string()).collect();
    named.sort();
    assert_eq!(named, found, "models/scenarios/README.md");
}
