//! The numbers of packages in lock files: direct and transitive packages that end up in the image, without those of
//! development. Direct packages are those in the app's own manifest beside the lock file.

use std::path::Path;

mod manifest;

/// Counts the packages in the first lock file of `folder` that can be counted; `None` if there is none.
pub fn packages(folder: &Path, lock_files: &[String]) -> Option<u32> {
    first(folder, lock_files, |name, path| {
        count(name, &std::fs::read_to_string(path).ok()?)
    })
}

/// Counts the direct packages, by the manifest of the first lock file that has a known one.
pub fn direct_packages(folder: &Path, lock_files: &[String]) -> Option<u32> {
    first(folder, lock_files, |name, path| {
        let manifest = manifest::of_lock_file(name)?;
        manifest::count(manifest, &std::fs::read_to_string(path.with_file_name(manifest)).ok()?)
    })
}

fn first(folder: &Path, lock_files: &[String], counted: impl Fn(&str, &Path) -> Option<usize>) -> Option<u32> {
    let number = lock_files.iter().find_map(|name| {
        let path = folder.join(name);
        counted(path.file_name()?.to_str()?, &path)
    })?;
    u32::try_from(number).ok()
}

/// Counts the packages in a lock file of this name.
fn count(name: &str, text: &str) -> Option<usize> {
    let lines = || text.lines().map(str::trim);
    Some(match name {
        "package-lock.json" => {
            let lock: serde_json::Value = serde_json::from_str(text).ok()?;
            lock.get("packages")?
                .as_object()?
                .iter()
                .filter(|(path, package)| !path.is_empty() && package.get("dev") != Some(&true.into()))
                .count()
        }
        "composer.lock" => {
            let lock: serde_json::Value = serde_json::from_str(text).ok()?;
            lock.get("packages")?.as_array()?.len()
        }
        "requirements.txt" => lines()
            .filter(|line| !line.starts_with(['#', '-']) && line.contains("=="))
            .count(),
        "go.mod" => manifest::modules_of_go(text).count(),
        "gradle.lockfile" => lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("empty=") && line.contains('='))
            .filter(|line| {
                line.split_once('=')
                    .is_some_and(|(_, used_by)| used_by.contains("runtimeClasspath"))
            })
            .count(),
        _ => return None,
    })
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
        let composer = r#"{"packages": [{"name": "a/b"}, {"name": "c/d"}], "packages-dev": [{"name": "e/f"}]}"#;
        for (name, text, packages) in [
            ("package-lock.json", npm, Some(2)),
            ("composer.lock", composer, Some(2)),
            ("requirements.txt", pip, Some(2)),
            ("go.mod", go, Some(3)),
            ("go.sum", "a v1 h1:x\n", None),
            ("gradle.lockfile", gradle, Some(1)),
            // It also holds packages for other systems and for development.
            ("Cargo.lock", "[[package]]\nname = \"a\"\n", None),
            ("pom.xml", "<project/>", None),
        ] {
            assert_eq!(count(name, text), packages, "{name}");
        }
    }

    #[test]
    fn direct_packages_come_from_the_manifest_beside_the_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let direct = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
            direct_packages(folder.path(), &names)
        };
        assert_eq!(direct(&["package-lock.json"]), None);
        put("package.json", r#"{"dependencies": {"express": "5", "zod": "4"}}"#);
        put("requirements.in", "fastapi\n");
        assert_eq!(direct(&["package-lock.json"]), Some(2));
        assert_eq!(direct(&["uv.lock", "requirements.txt"]), Some(1));
        assert_eq!(direct(&["uv.lock"]), None);
    }
}
