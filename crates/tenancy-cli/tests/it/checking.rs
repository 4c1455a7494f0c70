//! `tenancy check`.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};
use tenancy_testkit::postgres::majors;

use crate::registry::on_every_base;
use crate::stage::Stage;

on_every_base!(a_base_is_looked_at);

fn state<'a>(document: &'a Value, name: &str) -> Vec<&'a str> {
    let checks = document["checks"].as_array().unwrap();
    let own = checks.iter().filter(|check| check["name"] == name);
    own.map(|check| check["state"].as_str().unwrap()).collect()
}

/// The document, and the exit code.
fn checked(stage: &Stage) -> (Value, i32) {
    let said = stage.run(&["check", "--json"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["ok"], said.code == 0, "{said:?}");
    // The same lines as text, each with its word.
    let text = stage.run(&["check"]);
    assert_eq!(text.code, said.code);
    let lines = document["checks"].as_array().unwrap();
    assert_eq!(text.out.lines().count(), lines.len());
    for (line, check) in text.out.lines().zip(lines) {
        let word = check["state"].as_str().unwrap();
        let (name, message) = (&check["name"], check["message"].as_str().unwrap());
        let expected = format!("{word:4}  {}: {message}", name.as_str().unwrap());
        assert_eq!(line, expected);
    }
    (document, said.code)
}

fn a_base_is_looked_at(stage: Stage) {
    let (document, code) = checked(&stage);
    assert_eq!(code, 2);
    if stage.is_sqlite() {
        assert_eq!(state(&document, "base database"), ["fail"]);
    } else {
        assert_eq!(state(&document, "registry"), ["fail"]);
    }
    stage.ok(&["tenant", "list", "--create-base"]);
    let (document, code) = checked(&stage);
    assert_eq!(code, 0, "{document}");
    assert_eq!(state(&document, "base database"), ["ok"]);
    assert_eq!(state(&document, "registry"), ["ok"]);
    assert_eq!(state(&document, "keys"), ["ok"]);
    // No folder with migrations, and no key for `run`.
    assert_eq!(state(&document, "migrations"), ["warn", "warn"]);
    assert_eq!(state(&document, "run"), ["warn"]);
}

fn message(document: &Value, name: &str) -> String {
    let checks = document["checks"].as_array().unwrap();
    let own = checks.iter().filter(|check| check["name"] == name);
    let messages: Vec<_> = own
        .map(|check| check["message"].as_str().unwrap())
        .collect();
    messages.join("\n")
}

/// Runs this beside the program, as the server's superuser.
async fn beside(url: &str, sql: &str) {
    let mut side = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut side)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_administrator_lacks_is_named() {
    for major in majors() {
        let mut stage = Stage::postgres(major, "database").await;
        let superuser = stage.variables["DATABASE_URL"].clone();
        let name = superuser.rsplit_once('/').unwrap().1.to_owned();
        stage.ok(&["tenant", "list", "--create-base"]);
        let (document, code) = checked(&stage);
        assert_eq!(code, 0, "{document}");
        assert_eq!(state(&document, "tenants' administrator"), ["ok"]);
        assert_eq!(state(&document, "tenants' server"), ["ok"]);
        assert_eq!(state(&document, "tenants' connection"), ["ok"]);
        assert!(message(&document, "strategy").contains("enforced by the database: a login each"));

        beside(
            &superuser,
            &format!(
                "CREATE ROLE {name}_admin LOGIN PASSWORD 'hunter2'; CREATE ROLE {name}_tables"
            ),
        )
        .await;
        stage.hidden.push("hunter2".into());
        let (scheme, rest) = superuser.split_once("://").unwrap();
        let host = rest.split_once('@').unwrap().1;
        let own = format!("{scheme}://{name}_admin:hunter2@{host}");
        stage.set("TENANCY_TENANTS_URL", &own);
        let (document, code) = checked(&stage);
        assert_eq!(code, 2);
        assert_eq!(
            state(&document, "tenants' administrator"),
            ["fail", "fail", "warn"]
        );
        assert_eq!(state(&document, "tables' owner"), ["fail"]);
        assert_eq!(state(&document, "base connection"), ["ok"]);
        let said = message(&document, "tenants' administrator");
        for right in ["CREATEROLE", "CREATEDB", "pg_signal_backend"] {
            assert!(said.contains(right), "{said}");
        }
        // In schemas it needs another right.
        stage.set("TENANCY_TENANTS_STRATEGY", "schema");
        let (document, _) = checked(&stage);
        let said = message(&document, "tenants' administrator");
        assert!(
            said.contains("GRANT CREATE ON DATABASE") && !said.contains("CREATEDB"),
            "{said}"
        );
        stage.set("TENANCY_TENANTS_STRATEGY", "database");

        // With what was asked for, it is enough: for the check, and for a tenant.
        beside(
            &superuser,
            &format!(
                "ALTER ROLE {name}_admin CREATEROLE CREATEDB; GRANT pg_signal_backend, {name}_tables TO {name}_admin"
            ),
        )
        .await;
        let (document, code) = checked(&stage);
        assert_eq!(code, 0, "{document}");
        assert_eq!(state(&document, "tenants' administrator"), ["ok"]);
        assert_eq!(state(&document, "tables' owner"), ["ok"]);
        stage.ok(&["tenant", "onboard", "acme"]);
        stage.ok(&["tenant", "suspend", "acme"]);
        let last = [
            "tenant",
            "deprovision",
            "acme",
            "--yes-drop",
            "acme",
            "--export",
            "last",
        ];
        stage.ok(&last);
        let drop = format!("DROP OWNED BY {name}_admin; DROP ROLE {name}_admin");
        beside(&superuser, &drop).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_is_behind_is_said() {
    for major in majors() {
        let mut stage = Stage::postgres(major, "database").await;
        let url = stage.variables["DATABASE_URL"].clone();
        let template = format!("{}_model", url.rsplit_once('/').unwrap().1);
        stage.ok(&["tenant", "list", "--create-base"]);
        stage.set("TENANCY_TENANTS_TEMPLATE", &template);
        let (document, code) = checked(&stage);
        assert_eq!((state(&document, "template"), code), (vec!["fail"], 2));
        stage.ok(&["prepare", "--keep", "postgres", "--template"]);
        assert_eq!(state(&checked(&stage).0, "template"), ["ok"]);
        stage.write(
            "migrations/tenants/1_notes.sql",
            "CREATE TABLE notes (id int)",
        );
        assert_eq!(state(&checked(&stage).0, "template"), ["warn"]);
        beside(&url, &format!("DROP DATABASE \"{template}\"")).await;
    }
}

#[test]
fn what_is_wrong_is_said_line_by_line() {
    let mut stage = Stage::sqlite();
    stage.ok(&["tenant", "list", "--create-base"]);
    stage.set("TENANCY_KEY", "k1:short");
    stage.set("TENANCY_ENVELOPE_KEY", "k1:short");
    stage.set("TENANCY_TENANTS_STRATEGY", "schema");
    stage.set("TENANCY_TENANTS_PENDING", "many");
    let (document, code) = checked(&stage);
    assert_eq!(code, 2);
    for name in ["keys", "run", "strategy", "setting"] {
        assert_eq!(state(&document, name), ["fail"], "{name}: {document}");
    }
    assert_eq!(state(&document, "registry"), ["ok"]);
}

#[test]
fn a_server_that_is_down_and_a_password_in_the_file_are_said() {
    let mut stage = Stage::sqlite();
    stage.hidden.push("hunter2".into());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for scheme in ["postgres", "mysql"] {
        stage.write(
            "tenancy.toml",
            &format!("[base]\nurl = \"{scheme}://ada:hunter2@127.0.0.1:{port}/base\"\n"),
        );
        let (document, code) = checked(&stage);
        assert_eq!(code, 2);
        assert_eq!(state(&document, "base database"), ["fail"]);
        assert_eq!(state(&document, "configuration"), ["ok", "warn"]);
        let refused = stage.refused(&["tenant", "list"]);
        assert_eq!(refused, ("base.unreachable".into(), 2));
    }
}
