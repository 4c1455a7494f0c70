//! Tenants in the registry, on every base.

use serde_json::json;

use crate::stage::Stage;

/// Runs each test on every base: `name` on `SQLite`, and so on.
macro_rules! on_every_base {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::stage::Stage;

            #[test]
            fn sqlite() {
                super::$test(Stage::sqlite());
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                for major in tenancy_testkit::postgres::majors() {
                    super::$test(Stage::postgres(major, "database").await);
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                if let Some(stage) = Stage::mariadb().await {
                    super::$test(stage);
                }
            }
        }
    )+};
}
pub(crate) use on_every_base;

on_every_base!(
    tenants_are_made_listed_and_changed,
    hostile_texts_are_data,
    what_the_registry_refuses_is_said,
);

fn tenants_are_made_listed_and_changed(stage: Stage) {
    // Without a base, or without a registry in it.
    let (code, exit) = stage.refused(&["tenant", "list"]);
    let missing = if stage.is_sqlite() {
        "base.refused"
    } else {
        "registry.not_installed"
    };
    assert_eq!((code.as_str(), exit), (missing, 2));
    assert!(
        stage
            .complaint(&["tenant", "list"])
            .contains("--create-base")
    );

    let none = stage.json(&["tenant", "list", "--create-base"]);
    assert_eq!(none, json!({"tenants": []}));
    let made = stage.json(&[
        "tenant",
        "create",
        "acme",
        "--strategy",
        "row",
        "--domain",
        "Acme.example",
        "--domain",
        "shop.acme.example",
        "--metadata",
        r#"{"seats":5}"#,
        "--actor",
        "eve",
    ]);
    let tenant = &made["tenant"];
    assert_eq!(tenant["id"], "acme");
    assert_eq!(tenant["status"], "active");
    assert_eq!(tenant["strategy"], "row-level");
    assert_eq!(tenant["provisioning"], "ready");
    assert_eq!(
        tenant["domains"],
        json!(["acme.example", "shop.acme.example"])
    );
    assert_eq!(tenant["metadata"], json!({"seats": 5}));
    assert_eq!(tenant["revision"], 1);
    assert_eq!(tenant["sealed_with"], json!(null));
    assert!(tenant["created_at"].as_str().unwrap().ends_with('Z'));

    let beta = stage.ok(&["tenant", "create", "beta"]);
    assert!(beta.contains("status       provisioning"), "{beta}");
    assert!(beta.contains("strategy     database-per-tenant"), "{beta}");

    let dry = stage.json(&["tenant", "suspend", "acme", "--dry-run"]);
    assert_eq!(
        (&dry["changed"], &dry["tenant"]["status"]),
        (&json!(true), &json!("active"))
    );
    assert_eq!(
        stage.ok(&["tenant", "suspend", "acme"]),
        "acme is suspended\n"
    );
    assert_eq!(
        stage.ok(&["tenant", "suspend", "acme"]),
        "acme is suspended already\n"
    );
    let listed = stage.json(&["tenant", "list", "--status", "suspended"]);
    assert_eq!(listed["tenants"][0]["id"], "acme");
    assert_eq!(listed["tenants"].as_array().unwrap().len(), 1);
    assert!(listed["tenants"][0].get("metadata").is_none());
    let dry = stage.ok(&["tenant", "activate", "acme", "--dry-run"]);
    assert_eq!(dry, "acme is suspended, and would be active\n");
    assert_eq!(
        stage.ok(&["tenant", "activate", "acme"]),
        "acme is active\n"
    );
    let shown = stage.json(&["tenant", "show", "acme"]);
    assert_eq!(shown["tenant"]["revision"], 3);

    maintained(&stage);

    let list = stage.ok(&["tenant", "list"]);
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("ID    STATUS        STRATEGY"),
        "{list}"
    );
    assert!(
        lines[1].starts_with("acme  active        row-level"),
        "{list}"
    );
    assert!(
        lines[1].ends_with("acme.example shop.acme.example"),
        "{list}"
    );
}

fn hostile_texts_are_data(stage: Stage) {
    stage.ok(&["tenant", "list", "--create-base"]);
    let longest = "x".repeat(63);
    for id in ["a-b_c", "0", "select", "null", &longest] {
        stage.ok(&["tenant", "create", id, "--strategy", "row"]);
        assert_eq!(stage.json(&["tenant", "show", id])["tenant"]["id"], *id);
    }
    let too_long = "x".repeat(64);
    for id in [
        "", "a b", "a'b", "a\"b", "a`b", "a\\b", "a?", "$1", "a\nb", "a;--", "ä", "-a", &too_long,
    ] {
        let arguments = ["tenant", "create", "--strategy", "row", "--", id];
        assert_eq!(stage.refused(&arguments), ("usage".into(), 2), "{id:?}");
    }
    for domain in [
        "",
        "acme",
        "a b.example",
        "a'.example",
        "127.0.0.1",
        "a.example:80",
        "a.example.",
    ] {
        let refused = stage.refused(&["tenant", "create", "dom", "--domain", domain]);
        assert_eq!(refused, ("usage".into(), 2), "{domain:?}");
    }
    // Quotes, backslashes, placeholders, line ends, orders to a terminal, and text that turns round.
    let metadata =
        json!({"'\"`\\?$1;--": "\u{1b}[2J\r\n\t\u{9b}\u{202e}ä😀\\u0041", "n": [1, null, 1.5]});
    let text = metadata.to_string();
    let made = stage.json(&[
        "tenant",
        "create",
        "meta",
        "--strategy",
        "row",
        "--metadata",
        &text,
    ]);
    assert_eq!(made["tenant"]["metadata"], metadata);
    let shown = stage.ok(&["tenant", "show", "meta"]);
    let obeyed = |sign: char| (sign.is_control() && sign != '\n') || sign == '\u{202e}';
    assert!(!shown.contains(obeyed), "{shown:?}");
    let huge = format!("\"{}\"", "m".repeat(70_000));
    for (metadata, code, exit) in [
        ("{", "usage", 2),
        ("hunter2", "usage", 2),
        (&huge, "registry.invalid", 1),
    ] {
        let refused = stage.refused(&["tenant", "create", "other", "--metadata", metadata]);
        assert_eq!(refused, (code.into(), exit));
    }
    let actor = stage.refused(&["tenant", "create", "other", "--actor", "a\nb"]);
    assert_eq!(actor, ("registry.invalid".into(), 1));
    assert_eq!(
        stage.refused(&["tenant", "show", "other"]).0,
        "tenant.unknown"
    );
}

fn what_the_registry_refuses_is_said(stage: Stage) {
    stage.ok(&[
        "tenant",
        "create",
        "acme",
        "--create-base",
        "--strategy",
        "row",
        "--domain",
        "acme.example",
    ]);
    stage.ok(&["tenant", "create", "half"]);
    for (arguments, code) in [
        (&["tenant", "create", "acme"][..], "tenant.id_taken"),
        (
            &["tenant", "create", "beta", "--domain", "acme.example"],
            "tenant.domain_taken",
        ),
        (&["tenant", "show", "nobody"], "tenant.unknown"),
        (&["tenant", "suspend", "nobody"], "tenant.unknown"),
        (
            &["tenant", "activate", "nobody", "--dry-run"],
            "tenant.unknown",
        ),
        (&["tenant", "activate", "half"], "tenant.not_ready"),
        (&["tenant", "provision", "nobody"], "tenant.unknown"),
        (&["tenant", "provision", "acme"], "tenant.no_place"),
        (&["tenant", "rotate-password", "half"], "tenant.not_ready"),
        (
            &["tenant", "deprovision", "nobody", "--yes-drop", "nobody"],
            "tenant.unknown",
        ),
    ] {
        assert_eq!(stage.refused(arguments), (code.into(), 1), "{arguments:?}");
    }
}

#[test]
fn every_page_is_listed() {
    let stage = Stage::sqlite();
    stage.ok(&["tenant", "list", "--create-base"]);
    // More than a page holds, written beside the program.
    let insert = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499) \
        INSERT INTO tenancy_tenant (id, status, strategy, placed, metadata, provisioning, revision, created_at, updated_at) \
        SELECT printf('t%05d', i), 'active', 'row-level', 1, 'null', 'ready', 1, 0, 0 FROM n";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::Connection as _;
        let url = format!("sqlite://{}", stage.path("base.db").display());
        let mut side = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(insert).execute(&mut side).await.unwrap();
    });
    let listed = stage.json(&["tenant", "list"]);
    assert_eq!(listed["tenants"].as_array().unwrap().len(), 2500);
    assert_eq!(listed["tenants"][2499]["id"], "t02499");
    assert_eq!(stage.ok(&["tenant", "list"]).lines().count(), 2501);
}

/// Maintenance of a tenant, from its beginning to its end.
fn maintained(stage: &Stage) {
    let turn = |more: &[&str]| {
        let words = [&["tenant", "maintenance", "beta"][..], more].concat();
        stage.ok(&words)
    };
    assert_eq!(turn(&[]), "beta is in maintenance\n");
    assert_eq!(turn(&[]), "beta is in maintenance already\n");
    let shown = stage.json(&["tenant", "show", "beta"]);
    assert_eq!(shown["tenant"]["availability"], "maintenance");
    assert_eq!(shown["tenant"]["available_at"], json!(null));
    let text = turn(&["--for", "30m", "--read-only"]);
    assert!(text.starts_with("beta is read-only until 2"), "{text}");
    let made = stage.json(&["tenant", "maintenance", "beta", "--for", "2h"]);
    assert_eq!(
        (&made["changed"], &made["tenant"]["availability"]),
        (&json!(true), &json!("maintenance"))
    );
    let until = made["tenant"]["available_at"].as_str().unwrap();
    assert!(until.ends_with('Z'), "{until}");
    let shown = stage.ok(&["tenant", "show", "beta"]);
    let line = format!("availability in maintenance until {until}");
    assert!(shown.contains(&line), "{shown}");
    let list = stage.ok(&["tenant", "list"]);
    assert!(
        list.contains("provisioning, in maintenance until"),
        "{list}"
    );
    // Farther away than a year has digits for.
    turn(&["--for", "90000years"]);
    assert_eq!(turn(&["--end"]), "beta is open\n");
    assert_eq!(turn(&["--end"]), "beta is open already\n");
    let wrong = stage.run(&["tenant", "maintenance", "beta", "--end", "--for", "1h"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    let nobody = stage.refused(&["tenant", "maintenance", "nobody"]);
    assert_eq!(nobody, ("tenant.unknown".into(), 1));
}
