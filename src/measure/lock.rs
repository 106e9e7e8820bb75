//! Counts packages in lock files: direct and transitive ones that end up in the image, not those of development.

use std::path::Path;

/// The packages named by the first lock file of `folder` that can be counted; `None` if there is none.
pub fn packages(folder: &Path, lock_files: &[String]) -> Option<u32> {
    lock_files.iter().find_map(|name| {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        let file = Path::new(name).file_name()?.to_str()?;
        count(file, &text)
    })
}

/// The number of packages in a lock file of that name.
fn count(name: &str, text: &str) -> Option<u32> {
    let lines = || text.lines().map(str::trim);
    let number = match name {
        "package-lock.json" => {
            let lock: serde_json::Value = serde_json::from_str(text).ok()?;
            lock.get("packages")?
                .as_object()?
                .iter()
                .filter(|(path, package)| !path.is_empty() && package.get("dev") != Some(&true.into()))
                .count()
        }
        "requirements.txt" => lines()
            .filter(|line| !line.starts_with(['#', '-']) && line.contains("=="))
            .count(),
        "go.mod" => requirements_of_go(text),
        "gradle.lockfile" => lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("empty=") && line.contains('='))
            .filter(|line| {
                line.split_once('=')
                    .is_some_and(|(_, used_by)| used_by.contains("runtimeClasspath"))
            })
            .count(),
        _ => return None,
    };
    u32::try_from(number).ok()
}

/// Since Go 1.17 the module file lists every module that the build needs.
fn requirements_of_go(text: &str) -> usize {
    let mut inside = false;
    let mut number = 0;
    for line in text.lines().map(str::trim) {
        match line {
            "require (" => inside = true,
            ")" => inside = false,
            _ if inside => number += usize::from(!line.is_empty() && !line.starts_with("//")),
            _ => number += usize::from(line.starts_with("require ")),
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_counted() {
        let npm = r#"{"packages": {"": {}, "node_modules/a": {}, "node_modules/a/node_modules/b": {},
                      "node_modules/c": {"dev": true}}}"#;
        let pip = "# by hand\na==1.0 \\\n    --hash=sha256:00\n    # via b\nb==2.0\n-r other.txt\n";
        let go = "module x\n\ngo 1.27\n\nrequire example.org/a v1.0.0\n\nrequire (\n\texample.org/b v1.2.0 // indirect\n\n\t// c\n\texample.org/c v1.0.0\n)\n";
        let gradle = "# x\na:b:1=compileClasspath,runtimeClasspath\nc:d:2=testRuntimeClasspath\nempty=\n";
        for (name, text, packages) in [
            ("package-lock.json", npm, Some(2)),
            ("requirements.txt", pip, Some(2)),
            ("go.mod", go, Some(3)),
            ("go.sum", "a v1 h1:x\n", None),
            ("gradle.lockfile", gradle, Some(1)),
            ("pom.xml", "<project/>", None),
        ] {
            assert_eq!(count(name, text), packages, "{name}");
        }
    }
}
