//! The packages that an app itself asks for, by the manifest of its ecosystem.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The manifest that belongs to a lock file.
pub fn of_lock_file(name: &str) -> Option<&'static str> {
    Some(match name {
        "package-lock.json" => "package.json",
        "composer.lock" => "composer.json",
        "requirements.txt" => "requirements.in",
        "go.mod" | "go.sum" => "go.mod",
        "Cargo.lock" => "Cargo.toml",
        "pom.xml" => "pom.xml",
        _ => return None,
    })
}

/// Counts the packages that a manifest of this name asks for at run time.
pub fn count(name: &str, text: &str) -> Option<usize> {
    match name {
        "package.json" => keys(text, "dependencies", |_| true),
        // `php` and `ext-json` are not packages.
        "composer.json" => keys(text, "require", |name| name.contains('/')),
        "requirements.in" => Some(
            text.lines()
                .map(str::trim)
                .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
                .count(),
        ),
        "go.mod" => Some(
            modules_of_go(text)
                .filter(|line| !line.ends_with("// indirect"))
                .count(),
        ),
        "Cargo.toml" => dependencies_of_cargo(text),
        "pom.xml" => dependencies_of_maven(text),
        _ => None,
    }
}

/// Counts the keys of an object in a JSON file; none without the object.
fn keys(text: &str, object: &str, counts: impl Fn(&str) -> bool) -> Option<usize> {
    let file: serde_json::Value = serde_json::from_str(text).ok()?;
    match file.get(object) {
        None => Some(0),
        Some(object) => Some(object.as_object()?.keys().filter(|name| counts(name)).count()),
    }
}

/// The modules that a module file requires. Since Go 1.17 it lists all modules that the build needs.
pub fn modules_of_go(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().map(str::trim).filter(move |line| match *line {
        "require (" => {
            inside = true;
            false
        }
        ")" => {
            inside = false;
            false
        }
        line if inside => !line.is_empty() && !line.starts_with("//"),
        line => line.starts_with("require "),
    })
}

/// Counts the keys of `[dependencies]`, without those for building or testing.
fn dependencies_of_cargo(text: &str) -> Option<usize> {
    let manifest: toml::Table = text.parse().ok()?;
    match manifest.get("dependencies") {
        None => Some(0),
        Some(dependencies) => Some(dependencies.as_table()?.len()),
    }
}

/// Counts `project/dependencies/dependency` of a Maven file, without dependencies that are absent at run time. The dependencies of
/// a parent do not count.
fn dependencies_of_maven(text: &str) -> Option<usize> {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<Vec<u8>> = Vec::new();
    let (mut number, mut at_run_time, mut seen_project) = (0, true, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                path.push(tag.local_name().as_ref().to_vec());
                seen_project |= is(&path, &["project"]);
                if is(&path, &["project", "dependencies", "dependency"]) {
                    at_run_time = true;
                }
            }
            Event::Text(text) if is(&path, &["project", "dependencies", "dependency", "scope"]) => {
                at_run_time = !matches!(text.trim_ascii(), b"test" | b"provided");
            }
            Event::End(_) => {
                if is(&path, &["project", "dependencies", "dependency"]) {
                    number += usize::from(at_run_time);
                }
                path.pop();
            }
            Event::Eof => return (seen_project && path.is_empty()).then_some(number),
            _ => {}
        }
    }
}

fn is(path: &[Vec<u8>], names: &[&str]) -> bool {
    path.iter()
        .map(Vec::as_slice)
        .eq(names.iter().map(|name| name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POM: &str = r#"<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><artifactId>starter-parent</artifactId></parent>
  <!-- <dependency>no</dependency> -->
  <dependencyManagement><dependencies><dependency><artifactId>bom</artifactId></dependency></dependencies></dependencyManagement>
  <dependencies>
    <dependency><artifactId>web</artifactId></dependency>
    <dependency><artifactId>log</artifactId><scope> runtime </scope></dependency>
    <dependency><artifactId>junit</artifactId><scope>test</scope></dependency>
    <dependency><artifactId>servlet</artifactId><scope>
      provided</scope></dependency>
  </dependencies>
  <build><plugins><plugin><dependencies><dependency/></dependencies></plugin></plugins></build>
</project>"#;

    const CARGO: &str = "[dependencies]\naxum = \"0.8\"\ntokio = { version = \"1\" }\n[dev-dependencies]\na = \"1\"\n\
                         [build-dependencies]\nb = \"1\"\n";

    #[test]
    fn only_what_the_app_asks_for_at_run_time_counts() {
        let pip = "# web\nfastapi\nuvicorn[standard]>=0.54 ; sys_platform != 'win32'\n\n-r more.in\n--no-binary x\n";
        let go = "module x\nrequire example.org/a v1.0.0\nrequire (\n\texample.org/b v1.2.0 // indirect\n\texample.org/c v1.0.0\n)\n";
        for (name, text, packages) in [
            (
                "package.json",
                r#"{"dependencies": {"a": "1"}, "devDependencies": {"b": "1"}}"#,
                Some(1),
            ),
            ("package.json", r#"{"name": "x"}"#, Some(0)),
            ("package.json", "{", None),
            (
                "composer.json",
                r#"{"require": {"php": "^8.4", "ext-json": "*", "laravel/framework": "^13"}}"#,
                Some(1),
            ),
            ("requirements.in", pip, Some(2)),
            ("go.mod", go, Some(2)),
            ("Cargo.toml", CARGO, Some(2)),
            ("Cargo.toml", "[package]\nname = \"x\"\n", Some(0)),
            ("Cargo.toml", "[", None),
            ("pom.xml", POM, Some(2)),
            ("pom.xml", "<project><dependencies>", None),
            ("pom.xml", "", None),
        ] {
            assert_eq!(count(name, text), packages, "{name}: {text}");
        }
    }
}
