//! Command lines that make no sense: exit code 2 and the way out.

use insta::assert_snapshot;

use crate::common::Sandbox;

#[test]
fn unknown_verbs_and_flags_have_a_suggestion() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulat shop.toml"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --fromat csv"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --format cvs"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml shop.toml"), @"");
    assert_eq!(sandbox.run("").code, Some(2));
}

#[test]
fn numbers_have_a_range() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --threads 0"), @"");
    assert_eq!(sandbox.run("simulate shop.toml --threads many").code, Some(2));
    assert_eq!(sandbox.run("simulate shop.toml --threads 999999999").code, Some(2));
}

#[test]
fn record_needs_a_folder() {
    assert_snapshot!(Sandbox::new().run("simulate shop.toml --record requests"), @"");
}

#[test]
fn what_cannot_be_set_is_said() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("simulate shop.toml --set seed"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform..memory=1Gi"), @"");
    assert_snapshot!(sandbox.run("simulate mall.toml --set service.chekout.framework=slow"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --set service.checkout.framework=slow"), @"");
    assert_snapshot!(sandbox.run("simulate mall.toml --set service.checkout=slow"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform.lambda.memry=1Gi"), @"");
    assert_snapshot!(sandbox.run("simulate shop.toml --set platform.lambda.memory=1"), @"");
}
