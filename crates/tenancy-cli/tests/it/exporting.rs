//! `tenancy tenant export`, and `deprovision --export`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::migrating::beside;
use crate::registry::on_every_base;
use crate::stage::Stage;

on_every_base!(a_place_is_exported, a_disk_that_is_full_drops_nothing,);

/// A tenant with a table of so many rows of a thousand characters.
fn acme(stage: &Stage, rows: u32) {
    let row = format!("INSERT INTO notes VALUES ('{}');\n", "x".repeat(1_000));
    let sql = format!(
        "CREATE TABLE notes (body varchar(1000));\n{}",
        row.repeat(usize::try_from(rows).unwrap())
    );
    stage.write("migrations/tenants/1_notes.sql", &sql);
    stage.ok(&["tenant", "onboard", "acme", "--create-base"]);
}

fn removal() -> [&'static str; 7] {
    [
        "tenant",
        "deprovision",
        "acme",
        "--yes-drop",
        "acme",
        "--export",
        "last",
    ]
}

fn a_place_is_exported(stage: Stage) {
    acme(&stage, 3);
    let shown = stage.json(&["tenant", "export", "acme", "out"]);
    assert_eq!(shown["tenant"], "acme");
    assert_eq!(shown["export"]["applied_version"], 1);
    let text = stage.ok(&["tenant", "export", "acme", "second"]);
    assert!(
        text.starts_with("acme: ") && text.contains(" bytes in "),
        "{text}"
    );
    if !stage.is_sqlite() {
        assert_eq!(shown["export"]["tables"], 2);
        assert_eq!(shown["export"]["rows"], 4);
        assert!(text.contains("2 tables, 4 rows"), "{text}");
    }
    let mode = stage.path("out").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let again = stage.refused(&["tenant", "export", "acme", "out"]);
    assert_eq!(again, ("export.folder".into(), 1));
    let none = stage.refused(&["tenant", "export", "beta", "nowhere"]);
    assert_eq!(none, ("tenant.unknown".into(), 1));

    stage.ok(&["tenant", "suspend", "acme"]);
    let dry = stage.ok(&[&removal()[..], &["--dry-run"]].concat());
    assert!(
        dry.contains("exports everything to last, and only then removes"),
        "{dry}"
    );
    assert!(!stage.path("last").exists());
    let into_out = [
        "tenant",
        "deprovision",
        "acme",
        "--yes-drop",
        "acme",
        "--export",
        "out",
    ];
    assert_eq!(stage.refused(&into_out), ("export.folder".into(), 1));
    let removed = stage.json(&removal());
    assert_eq!(removed["tenant"]["status"], "archived");
    assert_eq!(removed["export"]["folder"], "last");
    let manifest = fs::read(stage.path("last/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["final"], true);
    // Said again, it is the same; what can't be there is not claimed.
    stage.ok(&removal());
    let elsewhere = [
        "tenant",
        "deprovision",
        "acme",
        "--yes-drop",
        "acme",
        "--export",
        "new",
    ];
    assert_eq!(stage.refused(&elsewhere), ("tenant.archived".into(), 1));
}

/// No file of this process may grow beyond a limit, as on a disk that is full.
fn a_disk_that_is_full_drops_nothing(stage: Stage) {
    acme(&stage, 2_000);
    stage.ok(&["tenant", "suspend", "acme"]);
    if stage.is_sqlite() {
        // The file itself is not to grow any more.
        beside(&stage, "acme", "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    let mut command = std::process::Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 2000; exec \"$@\"";
    command
        .args(["-c", script, "sh", crate::stage::TENANCY])
        .args(removal())
        .arg("--json")
        .current_dir(stage.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(&stage.variables);
    let said = stage.finish(command.output().unwrap());
    assert_eq!(said.code, 1, "{said:?}");
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["error"]["code"], "export.write", "{said:?}");
    assert!(!stage.path("last").exists(), "half an export is left");
    let shown = stage.json(&["tenant", "show", "acme"]);
    assert_eq!(shown["tenant"]["provisioning"], "removing");
    // With room, the same command goes on.
    let removed = stage.json(&removal());
    assert!(
        removed["export"]["bytes"].as_u64().unwrap() > 2_000_000,
        "{removed}"
    );
}
