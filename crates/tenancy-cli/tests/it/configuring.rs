//! `tenancy.toml`, the environment and flags.

use std::fs;

use crate::stage::Stage;

/// Where the base is made: what counted.
fn made_at(stage: &Stage, arguments: &[&str], file: &str) {
    stage.ok(&[&["tenant", "list", "--create-base"], arguments].concat());
    assert!(stage.path(file).exists(), "{file}");
    fs::remove_file(stage.path(file)).unwrap();
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let mut stage = Stage::sqlite();
    stage.write("tenancy.toml", "[base]\nurl = \"sqlite://file.db\"\n");
    made_at(&stage, &[], "file.db");
    stage.set("TENANCY_BASE_URL", "");
    made_at(&stage, &[], "file.db");
    stage.set("TENANCY_BASE_URL", "sqlite://env.db");
    made_at(&stage, &[], "env.db");
    made_at(&stage, &["--base-url", "sqlite://flag.db"], "flag.db");
    made_at(&stage, &["--set", "base.url=sqlite://set.db"], "set.db");
    let twice = [
        "--set",
        "base.url=sqlite://one.db",
        "--set",
        "base.url=sqlite://two.db",
    ];
    made_at(&stage, &twice, "two.db");
}

#[test]
fn the_file_is_found_upward_and_paths_start_from_it() {
    let mut stage = Stage::sqlite();
    stage.write("tenancy.toml", "[base]\nurl = \"sqlite://data/base.db\"\n");
    stage.write("data/.keep", "");
    stage.write("deep/er/.keep", "");
    let mut command = stage.command(&["tenant", "list", "--create-base"]);
    command.current_dir(stage.path("deep/er"));
    assert_eq!(stage.finish(command.output().unwrap()).code, 0);
    assert!(stage.path("data/base.db").exists());
    // A folder with signs that mean something in a URL.
    stage.write(
        "50% off?#/tenancy.toml",
        "[base]\nurl = \"sqlite://x.db?mode=rwc\"\n",
    );
    let other = stage.path("50% off?#/tenancy.toml");
    let named = other.to_str().unwrap().to_owned();
    stage.ok(&["--config", &named, "tenant", "list", "--create-base"]);
    assert!(stage.path("50% off?#/x.db").exists());
    stage.set("TENANCY_CONFIG", &named);
    assert!(stage.ok(&["check"]).contains("50% off?#"));
    let missing = stage.refused(&["--config", "nowhere.toml", "check"]);
    assert_eq!(missing, ("config.read".into(), 2));
}

#[test]
fn variables_are_put_in_and_missing_ones_named() {
    let mut stage = Stage::sqlite();
    stage.set("FILE", "we$ird");
    stage.hidden.push("hunter2".into());
    stage.write("tenancy.toml", "[base]\nurl = \"sqlite://${FILE}$$.db\"\n");
    made_at(&stage, &[], "we$ird$.db");
    stage.write(
        "tenancy.toml",
        "[base]\nurl = \"postgres://ada:hunter2@${NO_SUCH}/base\"\n",
    );
    assert_eq!(
        stage.refused(&["tenant", "list"]),
        ("config.expand".into(), 2)
    );
    let complaint = stage.complaint(&["tenant", "list"]);
    assert!(
        complaint.contains("NO_SUCH") && complaint.contains("tenancy.toml:2"),
        "{complaint}"
    );
    stage.write(
        "tenancy.toml",
        "[base]\nurl = \"postgres://ada:hunter2$x@h/base\"\n",
    );
    assert_eq!(
        stage.refused(&["tenant", "list"]),
        ("config.expand".into(), 2)
    );
    assert!(stage.complaint(&["tenant", "list"]).contains("$$"));
}

#[test]
fn what_is_no_setting_is_refused_with_a_hint() {
    let mut stage = Stage::sqlite();
    stage.hidden.push("hunter2".into());
    for (text, code, hint) in [
        (
            "[base]\nulr = \"postgres://a:hunter2@h/d\"",
            "config.unknown",
            "did you mean `base.url`",
        ),
        (
            "[tenent]\nstrategy = \"row\"",
            "config.unknown",
            "did you mean `[tenants]`",
        ),
        (
            "url = \"postgres://a:hunter2@h/d\"",
            "config.unknown",
            "[base]",
        ),
        ("[secrets]\nkey = \"hunter2\"", "config.unknown", "key_env"),
        ("[secrets.key]\nx = 1", "config.unknown", "key_env"),
        ("[base]\nurl = [\"hunter2\"]", "config.type", "base.url"),
        ("[base]\nurl = true", "config.type", "base.url"),
        (
            "[tenants]\npending = 0x10",
            "config.type",
            "tenants.pending",
        ),
        (
            "[base]\nurl = \"postgres://a:hunter2@h/d",
            "config.syntax",
            "tenancy.toml:2",
        ),
        ("[base]\nurl = hunter2", "config.syntax", "tenancy.toml:2"),
        (
            "[base]\nurl = \"a\"\nurl = \"postgres://a:hunter2@h/d\"",
            "config.syntax",
            "tenancy.toml:3",
        ),
    ] {
        stage.write("tenancy.toml", text);
        assert_eq!(stage.refused(&["check"]), (code.into(), 2), "{text}");
        let complaint = stage.complaint(&["check"]);
        assert!(complaint.contains(hint), "{text}: {complaint}");
    }
    stage.write("tenancy.toml", "");
    for (assignment, code) in [
        ("tenants.pendign=3", "config.unknown"),
        ("tenants.pending", "config.set"),
        ("pending=3", "config.set"),
    ] {
        let refused = stage.refused(&["check", "--set", assignment]);
        assert_eq!(refused, (code.into(), 2), "{assignment}");
    }
}

#[test]
fn a_value_that_can_not_be_is_said_by_its_name() {
    let mut stage = Stage::sqlite();
    stage.hidden.push("hunter2".into());
    stage.set("TENANCY_TENANTS_STRATEGY", "");
    for (text, code, name) in [
        ("", "config.missing", "base.url"),
        ("[base]\nurl = \"hunter2\"", "config.invalid", "base.url"),
        (
            "[base]\nurl = \"http://a:hunter2@h/d\"",
            "config.invalid",
            "base.url",
        ),
        (
            "[base]\nurl = \"postgres://a:hunter2@[::1/d\"",
            "base.url",
            "PostgreSQL URL",
        ),
        (
            "[base]\nurl = \"mysql://a:hunter2@h\"",
            "base.url",
            "names no database",
        ),
        ("[base]\nurl = \"sqlite::memory:\"", "base.url", "memory"),
    ] {
        stage.write("tenancy.toml", text);
        assert_eq!(
            stage.refused(&["tenant", "list"]),
            (code.into(), 2),
            "{text}"
        );
        let complaint = stage.complaint(&["tenant", "list"]);
        assert!(complaint.contains(name), "{text}: {complaint}");
    }
    stage.write(
        "tenancy.toml",
        "[base]\nurl = \"sqlite://b.db\"\n[tenants]\nstrategy = \"rows\"\n",
    );
    let refused = stage.refused(&["tenant", "create", "acme"]);
    assert_eq!(refused, ("config.invalid".into(), 2));
    stage.ok(&["tenant", "list", "--create-base"]);
    for prefix in ["registry.prefix=a'; --", "registry.schema=a\"b"] {
        let refused = stage.refused(&["tenant", "list", "--set", prefix]);
        assert_eq!(refused, ("registry.invalid".into(), 2), "{prefix}");
    }
}
