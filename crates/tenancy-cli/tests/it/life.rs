//! The whole life of a tenant, from an empty server to its end.

use serde_json::json;
use tenancy_testkit::postgres::majors;

use crate::stage::Stage;

#[test]
fn on_sqlite() {
    let stage = Stage::sqlite();
    played(&stage);
    assert!(!stage.path("tenants/acme.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_database_on_postgres() {
    for major in majors() {
        played(&Stage::postgres(major, "database").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_schema_on_postgres() {
    for major in majors() {
        let stage = Stage::postgres(major, "schema").await;
        stage.ok(&["tenant", "list", "--create-base"]);
        let refused = stage.refused(&["tenant", "onboard", "early"]);
        assert_eq!(refused, ("site.not_prepared".into(), 2));
        let dry = stage.json(&["prepare", "--keep", "postgres", "--dry-run"]);
        assert_eq!(dry, json!({"keep": ["postgres"], "dry_run": true}));
        stage.ok(&["prepare", "--keep", "postgres"]);
        played(&stage);
        stage.ok(&["tenant", "deprovision", "early", "--yes-drop", "early"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_database_on_mariadb() {
    if let Some(stage) = Stage::mariadb().await {
        played(&stage);
    }
}

/// Places that wait, on servers: a sign-up takes one of them.
fn ahead_of_need(stage: &Stage) {
    let fill = ["tenant", "fill-pending"];
    assert_eq!(stage.refused(&fill), ("config.missing".into(), 2));
    let dry = stage.json(&[&fill[..], &["--count", "2", "--dry-run"]].concat());
    assert_eq!(dry, json!({"ready": 0, "made": 2, "dry_run": true}));
    let set = [&fill[..], &["--set", "tenants.pending=2"]].concat();
    assert_eq!(
        stage.json(&set),
        json!({"ready": 2, "made": 2, "dry_run": false})
    );
    assert_eq!(stage.ok(&set), "2 places wait, 0 of them made now\n");
    for id in ["quick", "quicker"] {
        let made = stage.json(&["tenant", "onboard", id]);
        assert_eq!(made["tenant"]["status"], "active");
        let place = made["tenant"]["placement"].to_string();
        assert!(!place.contains(id), "{place}");
        stage.ok(&["tenant", "suspend", id]);
        stage.ok(&["tenant", "deprovision", id, "--yes-drop", id]);
    }
    assert_eq!(
        stage.json(&[&fill[..], &["--count", "0"]].concat())["ready"],
        0
    );
}

fn played(stage: &Stage) {
    let made = stage.json(&[
        "tenant",
        "onboard",
        "acme",
        "--create-base",
        "--domain",
        "acme.example",
        "--metadata",
        "[1]",
    ]);
    let tenant = &made["tenant"];
    assert_eq!(
        (&tenant["status"], &tenant["provisioning"]),
        (&json!("active"), &json!("ready"))
    );
    assert_eq!(tenant["domains"], json!(["acme.example"]));
    let again = stage.refused(&["tenant", "onboard", "acme"]);
    assert_eq!(again, ("tenant.id_taken".into(), 1));

    // In two steps.
    stage.ok(&["tenant", "create", "beta"]);
    let dry = stage.ok(&["tenant", "provision", "beta", "--dry-run"]);
    assert!(dry.starts_with("beta would be provisioned\n"), "{dry}");
    let dry = stage.json(&["tenant", "show", "beta"]);
    assert_eq!(dry["tenant"]["provisioning"], "pending");
    let text = stage.ok(&["tenant", "provision", "beta"]);
    assert!(text.starts_with("beta is provisioned\n"), "{text}");
    let text = stage.ok(&["tenant", "provision", "beta"]);
    assert!(text.starts_with("beta has its place already\n"), "{text}");
    assert_eq!(
        stage.json(&["tenant", "show", "beta"])["tenant"]["status"],
        "active"
    );

    if stage.is_sqlite() {
        let refused = stage.refused(&["tenant", "fill-pending", "--count", "1"]);
        assert_eq!(refused, ("site.strategy".into(), 1));
        let none = stage.refused(&["tenant", "rotate-password", "acme"]);
        assert_eq!(none, ("tenant.no_credential".into(), 1));
    } else {
        let dry = stage.json(&["tenant", "rotate-password", "acme", "--dry-run"]);
        let before = &dry["tenant"]["revision"];
        let after = stage.json(&["tenant", "rotate-password", "acme"]);
        assert!(after["tenant"]["revision"].as_i64() > before.as_i64());
        assert_eq!(after["tenant"]["sealed_with"], "k1");
        ahead_of_need(stage);
    }

    // An end that takes a suspended tenant, and its id once more.
    let drop = ["tenant", "deprovision", "acme"];
    let yes = ["tenant", "deprovision", "acme", "--yes-drop", "acme"];
    assert_eq!(stage.refused(&yes), ("tenant.active".into(), 1));
    let dry = stage.refused(&["tenant", "deprovision", "acme", "--dry-run"]);
    assert_eq!(dry, ("tenant.active".into(), 1));
    stage.ok(&["tenant", "suspend", "acme"]);
    assert_eq!(stage.json(&["check"])["ok"], true);
    for typed in ["beta", "", "ACME", "acme ", "yes", "acme\n"] {
        let said = stage.run(&[&drop[..], &["--yes-drop", typed]].concat());
        assert_eq!(said.code, 2, "{typed:?}: {said:?}");
    }
    // Nobody sits at a pipe.
    let said = stage.run(&drop);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--yes-drop"), "{said:?}");
    let dry = stage.ok(&["tenant", "deprovision", "acme", "--dry-run"]);
    assert!(dry.contains("for ever, with all its data"), "{dry}");
    assert_eq!(
        stage.json(&["tenant", "show", "acme"])["tenant"]["provisioning"],
        "ready"
    );

    let said = stage.run(&yes);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "acme is removed, and archived\n")
    );
    assert!(said.err.contains("for ever, with all its data"), "{said:?}");
    let gone = stage.json(&["tenant", "show", "acme"]);
    assert_eq!(gone["tenant"]["status"], "archived");
    assert_eq!(gone["tenant"]["sealed_with"], json!(null));
    stage.ok(&yes);
    assert_eq!(
        stage.refused(&["tenant", "activate", "acme"]),
        ("tenant.archived".into(), 1)
    );
    assert_eq!(
        stage.refused(&["tenant", "onboard", "acme"]),
        ("tenant.id_taken".into(), 1)
    );
    stage.ok(&["tenant", "suspend", "beta"]);
    stage.ok(&["tenant", "deprovision", "beta", "--yes-drop", "beta"]);
}
