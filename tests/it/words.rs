//! The wording of the source: doc comments say what a thing is or what a function does, in the terms of the field.

use std::path::{Path, PathBuf};

/// Beginnings of doc comments that are no sentence and no noun phrase.
const OPENINGS: [&str; 5] = ["What ", "Whether ", "It, ", "As ", "That which "];

/// Words that are no terms of the field, each with the term.
const WORDS: [(&str, &str); 8] = [
    ("luck", "random stream, or common random numbers"),
    ("by lot", "at random"),
    ("short way", "fast path"),
    ("patience", "timeout"),
    ("vice", "fault"),
    ("purse", "retry budget"),
    ("fates", "failure model"),
    ("at work.", "a sentence that says what the type does"),
];

/// The Rust files of the folders with their texts, except this file, which lists the words.
fn files(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("words.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_path_buf(), text));
            }
        }
    }
    found.sort();
    found
}

/// Returns the first lines of all doc comments, each with its line number.
fn openings(text: &str) -> Vec<(usize, &str)> {
    let doc = |line: &'_ str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("//!")
    };
    let mut before = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_doc = doc(line);
        if is_doc && !before {
            found.push((
                number + 1,
                line.trim_start().trim_start_matches(['/', '!']).trim_start(),
            ));
        }
        before = is_doc;
    }
    found
}

/// Returns true if `text` contains `word` with no letter or digit beside it. Case does not matter.
fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let is_letter = |c: char| c.is_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let ends_in_letter = word.ends_with(is_letter);
        !(before.is_some_and(is_letter) || ends_in_letter && after.is_some_and(is_letter))
    })
}

#[test]
fn doc_comments_open_with_a_noun_phrase_or_a_verb() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["src", "tests", "benches"]) {
        for (number, opening) in openings(&text) {
            if OPENINGS.iter().any(|start| opening.starts_with(start)) {
                wrong.push(format!("{}:{number}: {opening}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn words_are_those_of_the_field() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["src", "tests", "benches"]) {
        for (number, line) in text.lines().enumerate() {
            if let Some((word, term)) = WORDS.iter().find(|(word, _)| has_word(line, word)) {
                wrong.push(format!("{}:{}: `{word}`: write {term}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_test_reads_comments_and_words() {
    let text = "//! What it is\n//! goes on\n\n/// Whether\nfn f() {}\n    /// The sum\n";
    assert_eq!(openings(text), [(1, "What it is"), (4, "Whether"), (6, "The sum")]);
    assert!(has_word("Same Luck for all", "luck") && has_word("launch_luck: Stream", "luck"));
    assert!(!has_word("the device and its service", "vice") && !has_word("pluck", "luck"));
    assert!(has_word("/// It, at work.", "at work.") && !has_word("at workers", "at work."));
    assert!(files(&["src"]).len() > 100);
}
