//! Help shows examples, and they work as typed.

use coldcast::model::catalog;

use crate::common::{Sandbox, words};

/// Every command that takes arguments, found through the help itself.
fn commands(sandbox: &Sandbox, of: &str) -> Vec<String> {
    let help = sandbox.run(&format!("{of} --help")).ok().stdout;
    let mut found = vec![of.to_string()];
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in listed.lines().take_while(|line| line.starts_with("  ")) {
        let indented = line.starts_with("   ");
        if let Some(name) = line
            .split_whitespace()
            .next()
            .filter(|name| !indented && *name != "help")
        {
            found.extend(commands(sandbox, format!("{of} {name}").trim()));
        }
    }
    found
}

#[test]
fn every_help_has_an_example_that_works_as_typed() {
    let sandbox = Sandbox::new();
    let commands = commands(&sandbox, "");
    assert!(commands.len() >= 11, "{commands:?}");
    // Examples run the built-in scenario, which needs the measured frameworks.
    let measured = catalog::profile_names().next().is_some();
    for command in commands {
        let help = sandbox.run(&format!("{command} --help")).ok().stdout;
        let examples: Vec<&str> = help
            .split("Example:\n")
            .skip(1)
            .filter_map(|after| after.lines().next()?.trim().strip_prefix("coldcast "))
            .collect();
        assert_eq!(
            examples.len(),
            1,
            "coldcast {command} --help has not one example:\n{help}"
        );
        let example = examples[0];
        let built_in = ["simulate", "compare", "check"].contains(&words(example)[0].as_str());
        if example.starts_with("measure") || (built_in && !measured) {
            continue;
        }
        let ran = sandbox.run(example);
        assert_eq!(ran.code, Some(0), "coldcast {example}: {ran}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let sandbox = Sandbox::new();
    for line in ["--help", "help", "help simulate", "--version"] {
        let ran = sandbox.run(line).ok();
        assert!(ran.stderr.is_empty() && !ran.stdout.is_empty(), "{line}: {ran}");
    }
}
