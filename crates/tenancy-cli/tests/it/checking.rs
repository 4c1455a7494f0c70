//! `tenancy check`.

use serde_json::Value;

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
