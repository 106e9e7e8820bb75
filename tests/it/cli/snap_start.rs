//! The cost of a snapshot: nothing for Java, caching and restoring for other runtimes.

use crate::common::{Sandbox, table};

/// One environment of half a GB is restored in ten minutes of a request each second. By hand for a month of 730 h: 2,628,000 s of
/// half a GB kept, and 4,380 times as many restores of half a GB.
#[test]
fn snapshots_of_python_are_kept_and_restored_for_money() {
    let sandbox = Sandbox::new();
    let bill = |runtime: &str| {
        let snap_start = format!(
            "memory = \"512Mi\"\n\n[platform.lambda.snap-start]\nruntime = \"{runtime}\"\nfetch = \"200ms\"\nresume = \"100ms\"\n"
        );
        let shop = sandbox.read("shop.toml");
        sandbox.write("snap.toml", &shop.replace("memory = \"512Mi\"\n", &snap_start));
        let ran = sandbox.run("simulate snap.toml --assumptions --out r").ok();
        let rows = table(&sandbox.read("r/costs.csv"));
        let quantity = move |meter: &str| {
            let row = rows.iter().find(|row| row["meter"] == meter);
            row.map(|row| row["quantity"].clone())
        };
        (ran.to_string(), quantity)
    };
    let (said, quantity) = bill("python");
    assert_eq!(quantity("lambda.snapstart.cache").as_deref(), Some("1314000"), "{said}");
    assert_eq!(quantity("lambda.snapstart.restore").as_deref(), Some("2190"));
    assert!(said.contains("each restore by its memory"), "{said}");
    let (said, quantity) = bill("java");
    assert_eq!(quantity("lambda.snapstart.cache"), None);
    assert!(said.contains("snapshots of Java cost nothing"), "{said}");
    let without = sandbox.read("snap.toml").replace("runtime = \"java\"\n", "");
    sandbox.write("without.toml", &without);
    let ran = sandbox.run("check without.toml");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("missing field `runtime`"), "{ran}");
}
