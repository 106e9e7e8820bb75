//! Command lines that make no sense: exit code 2 and the way out.

use insta::assert_snapshot;

use crate::common::Sandbox;

#[test]
fn unknown_verbs_and_flags_have_a_suggestion() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulat shop.toml"), @r"
    exit 2
    --- stderr
    error: unrecognized subcommand 'simulat'

      tip: a similar subcommand exists: 'simulate'

    Usage: coldcast [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --fromat csv"), @r"
    exit 2
    --- stderr
    error: unexpected argument '--fromat' found

      tip: a similar argument exists: '--format'

    Usage: coldcast simulate --format <FORMAT> <SCENARIO>

    For more information, try '--help'.
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --format cvs"), @r"
    exit 2
    --- stderr
    error: invalid value 'cvs' for '--format <FORMAT>'
      [possible values: table, markdown, json, csv]

    For more information, try '--help'.
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml shop.toml"), @r"
    exit 2
    --- stderr
    error: unexpected argument 'shop.toml' found

    Usage: coldcast simulate [OPTIONS] [SCENARIO]

    For more information, try '--help'.
    ");
    assert_eq!(sandbox.run("").code, Some(2));
}

#[test]
fn numbers_have_a_range() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --threads 0"), @r"
    exit 2
    --- stderr
    error: invalid value '0' for '--threads <N>': 0 is not in 1..=1024

    For more information, try '--help'.
    ");
    assert_eq!(sandbox.run("simulate shop.toml --threads many").code, Some(2));
    assert_eq!(sandbox.run("simulate shop.toml --threads 999999999").code, Some(2));
}

#[test]
fn record_needs_a_folder() {
    assert_snapshot!(Sandbox::new().run("simulate shop.toml --record requests"), @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --out <DIR>

    Usage: coldcast simulate --out <DIR> --record <WHAT> <SCENARIO>

    For more information, try '--help'.
    ");
}

#[test]
fn what_cannot_be_set_is_said() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --set seed"), @r"
    exit 2
    --- stderr
    error: --set seed: there is no `=`
    hint: write --set path.to.key=value, such as --set slo.latency=200ms
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform..memory=1Gi"), @r"
    exit 2
    --- stderr
    error: --set platform..memory=1Gi: the path has an empty part
    hint: write --set path.to.key=value, such as --set slo.latency=200ms
    ");
    assert_snapshot!(sandbox.run("simulate mall.toml --set service.chekout.framework=slow"), @r"
    exit 2
    --- stderr
    error: --set service.chekout.framework=slow: there is no service `chekout`, only checkout, search
    hint: write --set path.to.key=value, such as --set slo.latency=200ms
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --set service.checkout.framework=slow"), @r"
    exit 2
    --- stderr
    error: --set service.checkout.framework=slow: the scenario has no [[service]]
    hint: write --set path.to.key=value, such as --set slo.latency=200ms
    ");
    assert_snapshot!(sandbox.run("simulate mall.toml --set service.checkout=slow"), @r"
    exit 2
    --- stderr
    error: --set service.checkout=slow: it names a whole service; name one of its keys
    hint: write --set path.to.key=value, such as --set slo.latency=200ms
    ");
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform.lambda.memry=1Gi"), @r#"
    exit 2
    --- stderr
    error: shop.toml: TOML parse error at line 17, column 1
       |
    17 | memry = "1Gi"
       | ^^^^^
    unknown field `memry`, [...]
    hint: did you mean `memory`?
    "#);
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform.lambda.memory=1"), @r#"
    exit 2
    --- stderr
    error: shop.toml: TOML parse error at line 16, column 10
       |
    16 | memory = 1
       |          ^
    invalid type: integer `1`, expected a string with a unit, such as "512Mi"
    "#);
}
