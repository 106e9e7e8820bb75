//! Faults of string literals that a reader of the output would see.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::autoscalers::{code, sources};

/// Blanks in a row between two words of a line that no text needs: columns of a table are closer.
const TOO_MANY: usize = 8;

/// The literals of a token stream, as the source writes them.
fn literals(stream: TokenStream, found: &mut Vec<String>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => found.push(literal.to_string()),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// True if a text literal has a run of blanks between two words of a line. That is what remains of a line break whose `\` is
/// lost. Raw texts are left out: they hold whole files.
fn has_a_run_of_blanks(literal: &str) -> bool {
    let Some(text) = literal.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return false;
    };
    let mut joined = String::new();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        match line.strip_suffix('\\') {
            Some(start) => {
                joined.push_str(start);
                if let Some(next) = lines.peek_mut() {
                    *next = next.trim_start();
                }
            }
            None => joined.push_str(line),
        }
    }
    joined
        .split("\\n")
        .any(|line| line.trim().contains(&" ".repeat(TOO_MANY)))
}

#[test]
fn no_message_has_a_run_of_blanks() {
    assert!(has_a_run_of_blanks(
        "\"it stays blank;                  `memory` says it\""
    ));
    assert!(has_a_run_of_blanks(
        "\"it stays blank;\n                 `memory` says it\""
    ));
    assert!(!has_a_run_of_blanks(
        "\"it stays blank; \\\n                 `memory` says it\""
    ));
    assert!(!has_a_run_of_blanks("\"Example:\\n    coldcast check\""));
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    assert!(paths.len() > 100);
    let mut wrong = Vec::new();
    for path in paths {
        if path.ends_with("tests.rs") || path.iter().any(|part| part == "tests") {
            continue;
        }
        let mut found = Vec::new();
        literals(code(&path).parse().unwrap(), &mut found);
        let found = found.into_iter().filter(|literal| has_a_run_of_blanks(literal));
        wrong.extend(found.map(|literal| format!("{}: {literal}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
