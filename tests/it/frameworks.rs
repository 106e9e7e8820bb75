//! The row "a framework" of the extension table: a folder with `framework.toml`, and one line in `model/catalog.rs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use coldcast::model::catalog::FRAMEWORKS;
use coldcast::model::framework;

use crate::common::odd::{assert_says, coldcast, framework_toml};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders with a `framework.toml`, in order of their names.
fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("models/frameworks")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.join("framework.toml").is_file()).collect();
    folders.sort();
    folders
}

#[test]
fn each_folder_has_one_line_in_the_catalog_and_one_in_the_readme() {
    let folders = folders();
    let name = |folder: &PathBuf| folder.file_name().unwrap().to_str().unwrap().to_string();
    let names: Vec<String> = folders.iter().map(name).collect();
    let listed: Vec<&str> = FRAMEWORKS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, listed, "folders, and the lines of FRAMEWORKS in the same order");
    let readme = std::fs::read_to_string(root().join("models/frameworks/README.md")).unwrap();
    for (folder, (name, text, profile)) in folders.iter().zip(FRAMEWORKS) {
        assert_eq!(
            *text,
            std::fs::read_to_string(folder.join("framework.toml")).unwrap(),
            "{name}"
        );
        assert_eq!(framework::parse(text).unwrap().name, *name);
        let file = std::fs::read_to_string(folder.join("profile.json")).ok();
        assert_eq!(
            profile.map(str::len),
            file.map(|file| file.len()),
            "{name}: `measured` tells of profile.json"
        );
        let row = format!("\n| [{name}]({name}) | ");
        assert_eq!(
            readme.matches(&row).count(),
            1,
            "{name} in the table of models/frameworks/README.md"
        );
    }
}

/// No other file of the program knows a framework, so that its line is all that the program needs.
#[test]
fn the_program_names_no_framework_outside_the_catalog() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let (mut named, mut read) = (BTreeSet::new(), 0);
    for file in files {
        let path = file.strip_prefix(&src).unwrap().display().to_string();
        // Unit tests may name frameworks. `echo` is a route of the HTTP contract as well.
        if path == "model/catalog.rs" || path == "measure/warm/routes.rs" || path.contains("tests") {
            continue;
        }
        read += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let known = FRAMEWORKS
                .iter()
                .filter(|(name, ..)| line.contains(&format!("\"{name}\"")));
            named.extend(known.map(|(name, ..)| format!("{path} names {name}")));
        }
    }
    assert!(read > 200, "{read} files");
    assert_eq!(named, BTreeSet::new());
}

#[test]
fn a_new_folder_can_be_measured_without_a_line() {
    let models = tempfile::tempdir().unwrap();
    let folder = models.path().join("odd-new");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("framework.toml"), framework_toml("new", "", "")).unwrap();
    let plan = |name: &str| {
        let mut command = coldcast();
        command.args(["measure", "plan", name, "--models"]).arg(models.path());
        command.output().unwrap()
    };
    let output = plan("odd-new");
    assert_says(&output, 0, &[]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("odd-new") && table.contains("assumption"), "{table}");
    assert_says(
        &plan("odd-now"),
        2,
        &["no framework `odd-now`", "did you mean `odd-new`?"],
    );
}
