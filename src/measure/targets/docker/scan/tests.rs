use std::os::unix::fs::PermissionsExt;

use super::*;

const TRIVY: &str = r#"{"SchemaVersion":2,"ArtifactName":"coldcast/gin:1","Results":[
 {"Target":"img (debian 13)","Class":"os-pkgs","Type":"debian","Packages":[{"Name":"a"},{"Name":"b"}],
  "Vulnerabilities":[{"VulnerabilityID":"CVE-2026-1","PkgName":"a","Severity":"HIGH"},
                     {"VulnerabilityID":"CVE-2026-2","PkgName":"a","Severity":"LOW"}]},
 {"Target":"server","Class":"lang-pkgs","Type":"gobinary","Packages":[{"Name":"c"}],
  "Vulnerabilities":[{"VulnerabilityID":"CVE-2026-3","PkgName":"c","Severity":"HIGH"}]},
 {"Target":"other","Class":"lang-pkgs"}]}"#;
const TRIVY_VERSION: &str = r#"{"Version":"0.74.0","VulnerabilityDB":{"Version":2,"NextUpdate":"2026-09-30T00:00:00Z","UpdatedAt":"2026-09-29T01:13:17Z"}}"#;
const GRYPE: &str = r#"{"matches":[{"vulnerability":{"id":"CVE-2026-1","severity":"Critical"},"artifact":{"name":"a"}},
 {"vulnerability":{"id":"CVE-2026-9","severity":"Negligible"}}],
 "descriptor":{"name":"grype","version":"0.100.0","db":{"status":{"schemaVersion":"v6.1.0","built":"2026-09-28T06:00:00Z","valid":true}}}}"#;
const SYFT: &str = r#"{"artifacts":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}],"artifactRelationships":[],
 "source":{},"distro":{},"descriptor":{"name":"syft","version":"1.36.0"},"schema":{"version":"16.0.0"}}"#;

/// A folder of programs that write what a scanner would, if called the right way.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(self, name: &str, script: &str) -> Self {
        let file = self.0.path().join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn scan(&self) -> (Option<Scan>, Vec<String>) {
        scan("coldcast/gin:1", self.0.path().as_os_str())
    }
}

fn trivy_script() -> String {
    format!(
        "case \"$1 $*\" in\n\
         image*--skip-db-update*--offline-scan*coldcast/gin:1) cat <<'E'\n{TRIVY}\nE\n;;\n\
         version*) echo '{TRIVY_VERSION}' ;;\n\
         *) exit 9 ;;\nesac\n"
    )
}

fn grype_script() -> String {
    format!("[ \"$1 $GRYPE_DB_AUTO_UPDATE\" = 'docker:coldcast/gin:1 false' ] || exit 9\ncat <<'E'\n{GRYPE}\nE\n")
}

fn syft_script() -> String {
    format!("[ \"$1\" = docker:coldcast/gin:1 ] || exit 9\ncat <<'E'\n{SYFT}\nE\n")
}

fn counts(pairs: &[(&str, u32)]) -> Option<BTreeMap<String, u32>> {
    Some(pairs.iter().map(|&(name, n)| (name.to_string(), n)).collect())
}

#[test]
fn no_scanner_is_no_scan() {
    let (scan, notes) = Programs::new().scan();
    assert_eq!(scan, None);
    assert!(notes[0].contains("no scanner on PATH"));
    // A file that cannot be run is no scanner.
    let path = Programs::new();
    std::fs::write(path.0.path().join("trivy"), "").unwrap();
    assert_eq!(path.scan().0, None);
}

#[test]
fn trivy_lists_packages_and_vulnerabilities() {
    let (scan, notes) = Programs::new().put("trivy", &trivy_script()).scan();
    let expected = Scan {
        scanner: "trivy 0.74.0".into(),
        database_date: Some("2026-09-29T01:13:17Z".into()),
        packages: Some(3),
        vulnerabilities: counts(&[("high", 2), ("low", 1)]),
    };
    assert_eq!((scan, notes), (Some(expected), vec![]));
}

#[test]
fn packages_of_syft_and_vulnerabilities_of_grype_are_put_together() {
    let (scan, notes) = Programs::new()
        .put("grype", &grype_script())
        .put("syft", &syft_script())
        .scan();
    let expected = Scan {
        scanner: "grype 0.100.0, syft 1.36.0".into(),
        database_date: Some("2026-09-28T06:00:00Z".into()),
        packages: Some(4),
        vulnerabilities: counts(&[("critical", 1), ("negligible", 1)]),
    };
    assert_eq!((scan, notes), (Some(expected), vec![]));
}

#[test]
fn a_scanner_without_a_database_leaves_a_remark_and_the_next_one_its_findings() {
    let fatal = "echo 'FATAL  --skip-db-update cannot be specified on the first run' >&2\nexit 1\n";
    let (scan, notes) = Programs::new().put("trivy", fatal).put("syft", &syft_script()).scan();
    let scan = scan.unwrap();
    assert_eq!(
        (scan.scanner.as_str(), scan.packages, scan.vulnerabilities),
        ("syft 1.36.0", Some(4), None)
    );
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("first run") && notes[0].contains("trivy"),
        "{notes:?}"
    );

    let (scan, notes) = Programs::new().put("grype", "echo not json\n").scan();
    assert_eq!(scan, None);
    assert!(notes[0].contains("not JSON"), "{notes:?}");
}

#[test]
fn older_databases_are_dated_as_well() {
    let report = serde_json::json!({"matches": [], "descriptor": {"version": "0.80.0", "db": {"built": "2026-01-02T00:00:00Z"}}});
    let findings = grype(&report).unwrap();
    assert_eq!(findings.database_date.as_deref(), Some("2026-01-02T00:00:00Z"));
    assert_eq!(findings.vulnerabilities, counts(&[]));
    assert_eq!(trivy(&serde_json::json!({"error": "x"})), None);
}
