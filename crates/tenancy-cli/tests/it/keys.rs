//! Keys: made, kept, and rotated over the fleet.

use std::fs;

use serde_json::json;

use crate::registry::on_every_base;
use crate::stage::{KEY, Stage};

on_every_base!(a_fleet_gets_another_key);

const NEW: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

#[test]
fn a_key_is_made_for_its_reader_alone() {
    let stage = Stage::sqlite();
    let text = stage.ok(&["secrets", "generate-key", "--id", "2026-11"]);
    let (id, bytes) = text.trim_end().split_once(':').unwrap();
    assert_eq!((id, bytes.len()), ("2026-11", 44));
    let other = stage.json(&["secrets", "generate-key", "--id", "2026-11"]);
    assert_ne!(other["key"], text.trim_end());
    assert_eq!(stage.ok(&["secrets", "generate-key"]).find(':'), Some(10));

    let made = stage.json(&["secrets", "generate-key", "--id", "k1", "--file", "own.key"]);
    assert_eq!(made, json!({"id": "k1", "file": "own.key"}));
    let kept = fs::read_to_string(stage.path("own.key")).unwrap();
    assert!(kept.starts_with("k1:") && kept.ends_with("=\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let bits = fs::metadata(stage.path("own.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(bits & 0o777, 0o600);
    }
    let again = stage.refused(&["secrets", "generate-key", "--file", "own.key"]);
    assert_eq!(again, ("write".into(), 2));
    assert_eq!(fs::read_to_string(stage.path("own.key")).unwrap(), kept);
    #[cfg(unix)]
    {
        // A link that leads nowhere yet is nobody's new file.
        std::os::unix::fs::symlink(stage.path("elsewhere"), stage.path("link")).unwrap();
        let link = stage.refused(&["secrets", "generate-key", "--file", "link"]);
        assert_eq!(link, ("write".into(), 2));
        assert!(!stage.path("elsewhere").exists());
    }
    for id in ["", "A", "a b", "a:b", &"k".repeat(33)] {
        let refused = stage.refused(&["secrets", "generate-key", "--id", id]);
        assert_eq!(refused, ("secrets".into(), 2), "{id:?}");
    }
}

#[test]
fn keys_come_from_one_place_that_is_fit_for_them() {
    let mut stage = Stage::sqlite();
    stage.ok(&["tenant", "list", "--create-base"]);
    let rotate = ["secrets", "rotate-key"];
    stage.ok(&rotate);
    stage.variables.remove("TENANCY_KEY");
    assert_eq!(stage.refused(&rotate), ("secrets.no_key".into(), 2));
    for (value, code) in [("", "secrets"), ("k1", "secrets"), ("k1:AAAA", "secrets")] {
        stage.set("TENANCY_KEY", value);
        assert_eq!(stage.refused(&rotate), (code.into(), 2), "{value:?}");
    }
    let base = "[base]\nurl = \"sqlite://base.db\"\n";
    stage.set("TENANCY_KEY", &format!("k1:{KEY}"));
    for (config, code) in [
        ("[secrets]\nkey_env = \"OTHER\"", "secrets"),
        ("[secrets]\nkey_file = \"no.key\"", "secrets"),
        ("[secrets]\nkey_file = \"open.key\"", "secrets"),
        (
            "[secrets]\nkey_file = \"x\"\nkey_env = \"TENANCY_KEY\"",
            "config.invalid",
        ),
    ] {
        stage.write("open.key", &format!("k1:{KEY}\n"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::Permissions::from_mode(0o644);
            fs::set_permissions(stage.path("open.key"), open).unwrap();
        }
        stage.write("tenancy.toml", &format!("{base}{config}\n"));
        assert_eq!(stage.refused(&rotate), (code.into(), 2), "{config}");
    }
    stage.ok(&["secrets", "generate-key", "--file", "own.key"]);
    stage.write(
        "tenancy.toml",
        &format!("{base}[secrets]\nkey_file = \"own.key\"\n"),
    );
    stage.ok(&rotate);
}

fn a_fleet_gets_another_key(mut stage: Stage) {
    if stage.is_sqlite() {
        // Files have no logins, so there is nothing to seal.
        let none = stage.json(&["secrets", "rotate-key", "--create-base"]);
        assert_eq!(none["resealed"], json!([]));
        return;
    }
    stage.hidden.push(NEW.trim_end_matches('=').to_owned());
    for id in ["a", "b", "c"] {
        stage.ok(&["tenant", "onboard", id, "--create-base"]);
    }
    stage.set("TENANCY_KEY", &format!("k2:{NEW} k1:{KEY}"));
    let plan = stage.json(&["secrets", "rotate-key", "--dry-run"]);
    assert_eq!(plan["resealed"], json!(["a", "b", "c"]));
    assert_eq!(plan["dry_run"], true);
    assert_eq!(
        stage.json(&["tenant", "show", "a"])["tenant"]["sealed_with"],
        "k1"
    );
    assert!(stage.ok(&["check"]).contains("rotate-key"));

    let text = stage.ok(&["secrets", "rotate-key"]);
    assert_eq!(
        text,
        "a: sealed\nb: sealed\nc: sealed\n3 sealed with k2, 0 failed\n"
    );
    assert_eq!(
        stage.json(&["tenant", "show", "a"])["tenant"]["sealed_with"],
        "k2"
    );
    let again = stage.json(&["secrets", "rotate-key"]);
    assert_eq!(
        (&again["resealed"], &again["failed"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(again["stopped"], json!(null));

    // Back, without the key that is needed: named, with the others, and the exit code tells.
    stage.set("TENANCY_KEY", &format!("k1:{KEY}"));
    let said = stage.run(&["--json", "secrets", "rotate-key"]);
    assert_eq!(said.code, 1);
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["failed"].as_array().unwrap().len(), 3);
    assert_eq!(document["failed"][0]["tenant"], "a");
    assert_eq!(document["failed"][0]["code"], "secrets");
    let said = stage.run(&["secrets", "rotate-key"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("a: failed: ") && said.out.contains("run this again"),
        "{said:?}"
    );
    stage.set("TENANCY_KEY", &format!("k2:{NEW}"));
    for id in ["a", "b", "c"] {
        stage.ok(&["tenant", "suspend", id]);
        stage.ok(&["tenant", "deprovision", id, "--yes-drop", id]);
    }
}
