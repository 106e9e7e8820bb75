//! The crate's own source as tokens: no comments, no tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Words with which an item begins, after its attributes. All else that can carry an attribute ends at a comma as well.
const ITEMS: [&str; 15] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "let",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "use",
];

/// A source file.
pub struct File {
    /// The path below `src`.
    pub path: String,
    /// The first part of the path, without `.rs`.
    pub module: String,
    pub code: Code,
}

/// The tokens of a file in order, without comments, doc comments and what is compiled for tests only. Groups are flattened to
/// their brackets and what is between them.
#[derive(Default)]
pub struct Code {
    tokens: Vec<String>,
    /// Modules that are compiled for tests only and have files of their own.
    test_modules: Vec<String>,
}

impl Code {
    /// Reads Rust source.
    ///
    /// # Panics
    ///
    /// If the text is not Rust.
    pub fn read(text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let mut code = Self::default();
        code.add(stream);
        code
    }

    fn add(&mut self, stream: TokenStream) {
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            if !is_punct(&tree, '#') {
                self.push(tree);
                continue;
            }
            trees.next_if(|tree| is_punct(tree, '!'));
            let Some(TokenTree::Group(attribute)) = trees.next() else {
                continue;
            };
            let text = attribute.stream().to_string().replace(' ', "");
            if text == "cfg(test)" || text.starts_with("cfg(all(test,") {
                self.skip_item(&mut trees);
            } else if !text.starts_with("doc=") {
                self.push(TokenTree::Group(attribute));
            }
        }
    }

    fn push(&mut self, tree: TokenTree) {
        let TokenTree::Group(group) = tree else {
            self.tokens.push(tree.to_string());
            return;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.tokens.push(open.to_string());
        self.add(group.stream());
        self.tokens.push(close.to_string());
    }

    /// Drops what an attribute stands on: further attributes, then tokens up to the end of the item.
    fn skip_item(&mut self, trees: &mut impl Iterator<Item = TokenTree>) {
        let mut words: Vec<String> = Vec::new();
        for tree in trees {
            match &tree {
                _ if is_punct(&tree, '#') => continue,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && words.is_empty() => continue,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                _ if is_punct(&tree, ';') => {
                    let name = words.iter().skip_while(|word| *word != "mod").nth(1);
                    self.test_modules.extend(name.cloned());
                    return;
                }
                _ if is_punct(&tree, ',') && !words.first().is_some_and(|word| ITEMS.contains(&word.as_str())) => {
                    return;
                }
                _ => words.push(tree.to_string()),
            }
        }
    }

    /// Returns true if the tokens of `words` follow each other somewhere, such as `std::fs` or `println!`.
    pub fn has(&self, words: &str) -> bool {
        let stream: TokenStream = words.parse().unwrap();
        let words: Vec<String> = stream.into_iter().map(|tree| tree.to_string()).collect();
        self.tokens.windows(words.len()).any(|window| window == words)
    }

    /// Returns true if a name or a literal contains `text`.
    pub fn mentions(&self, text: &str) -> bool {
        self.tokens.iter().any(|token| token.contains(text))
    }

    /// The modules of the crate that are named, by `crate::` or by as many `super::` as lead to the root from a module at this
    /// depth (1 for a module of the root).
    pub fn imports(&self, depth: usize) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let colons = |at: usize| self.tokens.get(at..at + 2).is_some_and(|two| two == [":", ":"]);
            let mut next = at;
            match token.as_str() {
                "crate" if colons(at + 1) => next += 3,
                "super" if at < 2 || self.tokens[at - 1] != ":" => {
                    let mut up = 0;
                    while self.tokens.get(next).is_some_and(|token| token == "super") && colons(next + 1) {
                        up += 1;
                        next += 3;
                    }
                    if up < depth {
                        continue;
                    }
                }
                _ => continue,
            }
            found.extend(self.tokens.get(next).map(String::as_str));
        }
        found
    }
}

fn is_punct(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

impl File {
    /// The depth of the file's module in the crate: 1 for `sim.rs`, 2 for `sim/world.rs`.
    fn depth(&self) -> usize {
        self.path.trim_end_matches("/mod.rs").split('/').count()
    }

    /// The modules of the crate that the file names.
    pub fn imports(&self) -> BTreeSet<&str> {
        self.code.imports(self.depth())
    }
}

/// All source files of the crate but those of tests.
pub fn files() -> Vec<File> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    let files = paths.iter().map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(&src).unwrap().display().to_string();
        File {
            module: path.split('/').next().unwrap().trim_end_matches(".rs").to_string(),
            code: Code::read(&text),
            path,
        }
    });
    let mut files: Vec<File> = files.collect();
    let tests: Vec<String> = files.iter().flat_map(test_folders).collect();
    files.retain(|file| {
        !tests
            .iter()
            .any(|tests| file.path == format!("{tests}.rs") || file.path.starts_with(&format!("{tests}/")))
    });
    files
}

/// The paths, without `.rs`, of the modules of a file that are compiled for tests only.
fn test_folders(file: &File) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let folder = if ["lib", "main"].contains(&stem) {
        String::new()
    } else {
        format!("{stem}/")
    };
    file.code
        .test_modules
        .iter()
        .map(|module| format!("{folder}{module}"))
        .collect()
}

#[test]
fn tests_and_comments_are_left_out_and_what_follows_them_is_read() {
    let code = Code::read(
        r#"
        //! tokio in a comment
        #[cfg(test)]
        mod tests;
        use crate::sim::fact;
        #[cfg(test)]
        use crate::report::{a, b};
        /// parquet in a doc comment
        #[cfg(test)]
        #[derive(Debug)]
        fn helper<A, B>(a: [u8; 2]) -> crate::cli::Cli { crate::study::run() }
        struct Both { #[cfg(test)] seen: crate::measure::Seen, kept: crate::model::Kept }
        #[cfg(unix)]
        fn f(x: crate::trace::Open) { println!("{}", std::fs::read(x)); super::super::stats::mean(); super::near() }
        #[cfg(all(test, unix))]
        mod unix { use crate::scenario; }
        fn last() -> f64 { crate::units::last() }
        "#,
    );
    assert_eq!(
        code.imports(2),
        BTreeSet::from(["model", "sim", "stats", "trace", "units"])
    );
    assert!(!code.imports(3).contains("stats"));
    assert_eq!(code.test_modules, ["tests"]);
    assert!(code.has("std::fs") && code.has("println!") && code.mentions("f64"));
    for absent in ["tokio", "parquet", "Debug", "helper", "seen"] {
        assert!(!code.mentions(absent), "{absent}");
    }
}

#[test]
fn files_of_tests_are_left_out() {
    let files = files();
    assert!(files.len() > 50);
    for file in &files {
        assert!(
            !file.path.ends_with("tests.rs"),
            "{} is declared without #[cfg(test)]",
            file.path
        );
    }
    let of = |path: &str| files.iter().find(|file| file.path == path).unwrap();
    // The file declares `mod tests;` above its imports.
    assert!(of("sim/world.rs").imports().contains("units"));
}
