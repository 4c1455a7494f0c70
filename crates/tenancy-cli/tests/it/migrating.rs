//! Migrations and seeds, of the base and over all tenants.

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::registry::on_every_base;
use crate::stage::Stage;

on_every_base!(
    a_base_is_migrated_and_taken_back,
    a_fleet_is_migrated_and_taken_back,
    one_that_fails_is_named_and_stops_nobody,
    edited_files_are_drift,
    seeds_run_once,
    a_new_tenant_is_active_when_it_is_whole,
);

const IDS: [&str; 3] = ["acme", "beta", "cara"];

/// Three tenants in places that are empty, and two migrations for each side.
fn fleet(stage: &Stage) {
    for id in IDS {
        stage.ok(&["tenant", "onboard", id, "--create-base"]);
    }
    // What a maintenance is for goes on in it.
    stage.ok(&["tenant", "maintenance", "beta"]);
    migrations(stage);
}

fn migrations(stage: &Stage) {
    for side in ["base", "tenants"] {
        for (version, table) in [(1, "notes"), (2, "tags")] {
            let name = format!("migrations/{side}/{version}_{table}");
            let up = format!("CREATE TABLE {side}_{table} (id INTEGER PRIMARY KEY);\n");
            stage.write(&format!("{name}.up.sql"), &up);
            stage.write(
                &format!("{name}.down.sql"),
                &format!("DROP TABLE {side}_{table};\n"),
            );
        }
    }
}

fn gone(stage: &Stage) {
    for id in IDS {
        stage.ok(&["tenant", "suspend", id]);
        stage.ok(&["tenant", "deprovision", id, "--yes-drop", id]);
    }
}

/// Runs a statement in a tenant's own database, beside the program.
pub(crate) fn beside(stage: &Stage, id: &str, sql: &str) {
    let shown = stage.json(&["tenant", "show", id]);
    let database = shown["tenant"]["placement"]["database"].as_str().unwrap();
    let url = match stage.variables.get("DATABASE_URL") {
        Some(url) => format!("{}/{database}", url.rsplit_once('/').unwrap().0),
        None => format!(
            "sqlite://{}",
            stage.path("tenants").join(database).display()
        ),
    };
    let sql = AssertSqlSafe(sql.to_owned());
    let done = async {
        if url.starts_with("postgres") {
            let mut side = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut side).await.unwrap();
        } else if url.starts_with("mysql") {
            let mut side = sqlx::MySqlConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut side).await.unwrap();
        } else {
            let mut side = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut side).await.unwrap();
        }
    };
    // A thread without a runtime: the tests of some bases have one of their own.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(done);
        });
    });
}

/// The one document, whatever the exit code is.
#[track_caller]
fn document(stage: &Stage, arguments: &[&str], code: i32) -> Value {
    let said = stage.run(&[&["--json"], arguments].concat());
    assert_eq!(said.code, code, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let tenants = document["tenants"].as_array().unwrap();
    let mut all: Vec<_> = tenants
        .iter()
        .map(|one| {
            (
                one["tenant"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    all.sort_unstable();
    all
}

fn all(outcome: &str) -> Vec<(&str, &str)> {
    IDS.map(|id| (id, outcome)).to_vec()
}

fn a_base_is_migrated_and_taken_back(stage: Stage) {
    fleet(&stage);
    let dry = stage.json(&["migrate", "base", "--dry-run"]);
    let would = json!({"outcome": "would", "from": null, "to": 2, "versions": [1, 2]});
    assert_eq!(dry, json!({"dry_run": true, "base": would}));
    assert_eq!(
        stage.ok(&["migrate", "base", "--to", "1"]),
        "base: 0 to 1\n"
    );
    assert_eq!(stage.ok(&["migrate", "base"]), "base: 1 to 2\n");
    assert_eq!(stage.ok(&["migrate", "base"]), "base: nothing to do\n");
    let dry = stage.json(&["rollback", "base", "--steps", "1", "--dry-run"]);
    assert_eq!(dry["base"]["versions"], json!([2]));
    assert_eq!(
        stage.ok(&["rollback", "base", "--steps", "1"]),
        "base: 2 to 1\n"
    );
    assert_eq!(
        stage.ok(&["rollback", "base", "--to", "0"]),
        "base: 1 to 0\n"
    );
    for arguments in [
        &["migrate", "base", "--to", "9"][..],
        &["rollback", "base", "--to", "9"],
    ] {
        assert_eq!(
            stage.refused(arguments),
            ("migrations.not_in_set".into(), 2)
        );
    }
    let word = stage.refused(&["resolve", "1", "--base", "--applied"]);
    assert_eq!(word, ("migrations.not_unfinished".into(), 1));
    stage.write("migrations/base/3_bad.up.sql", "CREATE NONSENSE;\n");
    stage.write("migrations/base/3_bad.down.sql", "SELECT 1;\n");
    assert_eq!(
        stage.refused(&["migrate", "base"]),
        ("migrations.failed".into(), 1)
    );
    gone(&stage);
}

fn a_fleet_is_migrated_and_taken_back(stage: Stage) {
    fleet(&stage);
    // Over whom is said, and never guessed.
    for command in [
        &["migrate", "tenants"][..],
        &["rollback", "tenants", "--steps", "1"],
        &["seed", "tenants"],
    ] {
        assert_eq!(stage.refused(command), ("usage".into(), 2));
        let both = [command, &["acme", "--all"]].concat();
        assert_eq!(stage.refused(&both), ("usage".into(), 2));
    }
    let before = document(&stage, &["status"], 0);
    assert_eq!(before["latest"], 2);
    assert_eq!(before["base"]["outcome"], "would");
    assert_eq!(before["tenants"].as_array().unwrap().len(), 3);

    let dry = stage.json(&["migrate", "tenants", "--all", "--dry-run"]);
    assert_eq!(outcomes(&dry), all("would"));
    assert_eq!((&dry["done"], &dry["dry_run"]), (&json!(3), &json!(true)));
    assert_eq!(
        document(&stage, &["status"], 0)["versions"],
        before["versions"]
    );

    let one = stage.ok(&["migrate", "tenants", "acme", "--to", "1"]);
    assert!(
        one.starts_with("acme: 0 to 1\n1 done, 0 with nothing to do, 0 failed"),
        "{one}"
    );
    let moved = stage.json(&[
        "migrate", "tenants", "--all", "--jobs", "2", "--canary", "1",
    ]);
    assert_eq!(outcomes(&moved), all("moved"));
    assert_eq!(moved["failed"], json!([]));
    let again = stage.json(&["migrate", "tenants", "--all"]);
    assert_eq!(
        (&again["tenants"], &again["current"]),
        (&json!([]), &json!(3))
    );
    let looked = stage.json(&["migrate", "tenants", "--all", "--verify"]);
    assert_eq!(outcomes(&looked), all("current"));
    let status = document(&stage, &["status"], 0);
    assert_eq!(status["counts"], json!({"current": 3}));
    assert_eq!(status["versions"], json!([{"version": 2, "tenants": 3}]));
    assert_eq!(status["tenants"], json!([]));
    let named = stage.ok(&["status", "--all"]);
    assert!(
        named.contains("3 current") && named.contains("\nacme  current  2"),
        "{named}"
    );

    let dry = stage.json(&["rollback", "tenants", "--all", "--steps", "1", "--dry-run"]);
    assert_eq!(outcomes(&dry), all("would"));
    let back = stage.json(&["rollback", "tenants", "--all", "--steps", "1"]);
    assert_eq!(outcomes(&back), all("moved"));
    assert_eq!(
        document(&stage, &["status"], 0)["counts"],
        json!({"behind": 3})
    );
    let back = stage.ok(&["rollback", "tenants", "beta", "--to", "0"]);
    assert!(back.starts_with("beta: 1 to 0\n"), "{back}");
    let unknown = stage.refused(&["migrate", "tenants", "--all", "--to", "9"]);
    assert_eq!(unknown, ("migrations.not_in_set".into(), 2));
    // Who is not there is named, too.
    let nobody = document(&stage, &["migrate", "tenants", "nobody", "acme"], 1);
    assert_eq!(outcomes(&nobody).len(), 2);
    assert_eq!(outcomes(&nobody)[0], ("acme", "moved"));
    gone(&stage);
}

fn one_that_fails_is_named_and_stops_nobody(stage: Stage) {
    fleet(&stage);
    beside(&stage, "beta", "CREATE TABLE tenants_tags (id INTEGER)");
    let ran = document(&stage, &["migrate", "tenants", "--all"], 1);
    assert_eq!((&ran["done"], &ran["not_tried"]), (&json!(2), &json!(0)));
    assert_eq!(ran["failed"].as_array().unwrap().len(), 1);
    assert_eq!(ran["failed"][0]["tenant"], "beta");
    assert!(!ran["failed"][0]["reason"].as_str().unwrap().is_empty());
    let status = document(&stage, &["status"], 1);
    assert_eq!(status["counts"], json!({"current": 2, "failed": 1}));
    assert_eq!(status["tenants"][0]["id"], "beta");
    // The next run has that one alone; in text it is named where it happens, and at the end.
    let said = stage.run(&["migrate", "tenants", "--all"]);
    assert_eq!(said.code, 1);
    assert!(said.out.starts_with("beta: failed: "), "{said:?}");
    assert!(said.out.contains("\nfailed: beta: "), "{said:?}");
    assert!(
        said.out
            .contains("0 done, 2 with nothing to do, 1 failed, 0 not tried"),
        "{said:?}"
    );
    beside(&stage, "beta", "DROP TABLE tenants_tags");
    let ran = stage.json(&["migrate", "tenants", "--all"]);
    assert_eq!(outcomes(&ran), [("beta", "moved")]);

    // A canary that fails spares the rest.
    stage.write(
        "migrations/tenants/3_more.up.sql",
        "CREATE TABLE more (id INTEGER);\n",
    );
    stage.write("migrations/tenants/3_more.down.sql", "DROP TABLE more;\n");
    beside(&stage, "acme", "CREATE TABLE more (id INTEGER)");
    let ran = document(&stage, &["migrate", "tenants", "--all", "--canary", "1"], 1);
    let expected = [
        ("acme", "failed"),
        ("beta", "not-tried"),
        ("cara", "not-tried"),
    ];
    assert_eq!(outcomes(&ran), expected);
    assert_eq!(ran["halted"]["why"], "canary");
    gone(&stage);
}

fn edited_files_are_drift(stage: Stage) {
    fleet(&stage);
    stage.ok(&["migrate", "tenants", "--all"]);
    stage.write(
        "migrations/tenants/1_notes.up.sql",
        "CREATE TABLE tenants_notes (id INTEGER PRIMARY KEY, more INTEGER);\n",
    );
    let status = document(&stage, &["status"], 1);
    assert_eq!(status["counts"], json!({"drifted": 3}));
    let ran = document(&stage, &["migrate", "tenants", "--all"], 1);
    assert_eq!(outcomes(&ran), all("failed"));
    // A folder that is none, or holds what would be passed over.
    for (file, text) in [
        ("migrations/tenants/notes.sql", "SELECT 1;"),
        ("migrations/tenants/2_again.sql", "SELECT 1;"),
    ] {
        stage.write(file, text);
        let refused = stage.refused(&["migrate", "tenants", "--all"]);
        assert_eq!(refused, ("migrations.set".into(), 2), "{file}");
        std::fs::remove_file(stage.path(file)).unwrap();
    }
    let missing = [
        "migrate",
        "tenants",
        "--all",
        "--set",
        "tenants.migrations=nowhere",
    ];
    assert_eq!(stage.refused(&missing), ("migrations.set".into(), 2));
    gone(&stage);
}

/// It says what it would do as often as it is asked, and leaves not even a ledger behind.
fn seeds_are_foreseen(stage: &Stage) {
    for _ in 0..2 {
        assert_eq!(
            stage.ok(&["seed", "base", "--dry-run"]),
            "base: would be seeded with 1_first\n"
        );
        let dry = stage.json(&["seed", "tenants", "--all", "--dry-run"]);
        assert_eq!(outcomes(&dry), all("would-seed"));
        assert_eq!(dry["tenants"][0]["seeds"], json!(["1_first"]));
        assert_eq!((&dry["dry_run"], &dry["done"]), (&json!(true), &json!(3)));
    }
    let text = stage.run(&["seed", "tenants", "acme", "--dry-run"]);
    assert!(
        text.out.contains("acme: would be seeded with 1_first"),
        "{text:?}"
    );
    assert!(text.out.contains("\n1 to do, "), "{text:?}");
    // There is no such table yet.
    beside(stage, "acme", "CREATE TABLE _tenancy_seeds (odd int)");
    beside(stage, "acme", "DROP TABLE _tenancy_seeds");
}

fn seeds_run_once(stage: Stage) {
    fleet(&stage);
    stage.ok(&["migrate", "base"]);
    stage.ok(&["migrate", "tenants", "--all"]);
    stage.write(
        "seeds/base/1_first.sql",
        "INSERT INTO base_notes VALUES (1);\n",
    );
    stage.write(
        "seeds/tenants/1_first.sql",
        "INSERT INTO tenants_notes VALUES (1);\n",
    );
    seeds_are_foreseen(&stage);
    assert_eq!(stage.ok(&["seed", "base"]), "base: seeded 1_first\n");
    assert_eq!(stage.ok(&["seed", "base"]), "base: nothing to do\n");
    assert_eq!(
        stage.ok(&["seed", "base", "--dry-run"]),
        "base: nothing to do\n"
    );
    let again = stage.json(&["seed", "base", "--dry-run", "--again"]);
    assert_eq!(
        again["base"],
        json!({"outcome": "would-seed", "seeds": ["1_first"]})
    );
    let seeded = stage.json(&["seed", "tenants", "--all"]);
    assert_eq!(outcomes(&seeded), all("seeded"));
    assert_eq!(seeded["tenants"][0]["seeds"], json!(["1_first"]));
    assert_eq!(
        outcomes(&stage.json(&["seed", "tenants", "--all"])),
        all("current")
    );
    // The same row again is refused, by its key.
    let again = document(&stage, &["seed", "tenants", "beta", "--again"], 1);
    assert_eq!(outcomes(&again), [("beta", "failed")]);
    assert_eq!(
        stage.refused(&["seed", "base", "--again"]),
        ("seeds.failed".into(), 1)
    );
    gone(&stage);
}

fn a_new_tenant_is_active_when_it_is_whole(stage: Stage) {
    migrations(&stage);
    stage.write(
        "seeds/tenants/1_first.sql",
        "INSERT INTO tenants_notes VALUES (1);\n",
    );
    let made = stage.json(&["tenant", "onboard", "acme", "--create-base"]);
    assert_eq!(made["tenant"]["applied_version"], 2);
    assert_eq!(
        document(&stage, &["status"], 0)["counts"],
        json!({"current": 1})
    );
    beside(&stage, "acme", "INSERT INTO tenants_notes VALUES (2)");
    let seeded = stage.json(&["seed", "tenants", "acme"]);
    assert_eq!(outcomes(&seeded), [("acme", "current")]);

    // A migration that fails: known, not active, and gone on with.
    stage.write("migrations/tenants/3_bad.up.sql", "CREATE NONSENSE;\n");
    stage.write("migrations/tenants/3_bad.down.sql", "SELECT 1;\n");
    let failed = stage.refused(&["tenant", "onboard", "beta"]);
    assert_eq!(failed, ("migrations.failed".into(), 1));
    let shown = stage.json(&["tenant", "show", "beta"]);
    assert_eq!(shown["tenant"]["status"], "provisioning");
    assert_eq!(shown["tenant"]["provisioning"], "failed");
    stage.ok(&["tenant", "create", "cara"]);
    let failed = stage.refused(&["tenant", "provision", "cara"]);
    assert_eq!(failed, ("migrations.failed".into(), 1));
    stage.write(
        "migrations/tenants/3_bad.up.sql",
        "CREATE TABLE good (id INTEGER);\n",
    );
    stage.write("migrations/tenants/3_bad.down.sql", "DROP TABLE good;\n");
    let made = stage.json(&["tenant", "onboard", "beta"]);
    assert_eq!(
        (
            &made["tenant"]["status"],
            &made["tenant"]["applied_version"]
        ),
        (&json!("active"), &json!(3))
    );
    let made = stage.json(&["tenant", "provision", "cara"]);
    assert_eq!(made["tenant"]["applied_version"], 3);

    // A folder that was named is never taken for an empty one.
    let missing = [
        "tenant",
        "onboard",
        "late",
        "--set",
        "tenants.migrations=nowhere",
    ];
    assert_eq!(stage.refused(&missing), ("migrations.set".into(), 2));
    assert_eq!(
        stage.refused(&["tenant", "show", "late"]).0,
        "tenant.unknown"
    );
    gone(&stage);
}

/// What was made by name is what is run.
#[test]
fn made_files_go_up_and_down() {
    let stage = Stage::sqlite();
    stage.ok(&["tenant", "onboard", "acme", "--create-base"]);
    for name in [
        "create_notes_table",
        "add_title_and_body_to_notes",
        "remove_body_from_notes",
    ] {
        stage.ok(&["make", "migration", name]);
    }
    stage.ok(&["make", "seed", "plans"]);
    assert_eq!(stage.json(&["migrate", "tenants", "--all"])["done"], 1);
    assert_eq!(
        stage.json(&["rollback", "tenants", "--all", "--to", "0"])["done"],
        1
    );
    assert_eq!(stage.json(&["seed", "tenants", "acme"])["done"], 1);
    assert!(
        stage
            .ok(&["check"])
            .contains("`tenants.migrations`: 3, up to 2")
    );
}

/// An interruption ends a run at the next tenant, and the rest is named as not tried.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_who_is_left() {
    let stage = Stage::sqlite();
    fleet(&stage);
    // The first tenant's file is held, so that the run waits there.
    let file = stage.path("tenants").join(
        stage.json(&["tenant", "show", "acme"])["tenant"]["placement"]["database"]
            .as_str()
            .unwrap(),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = format!("sqlite://{}", file.display());
    let mut side = runtime
        .block_on(sqlx::SqliteConnection::connect(&url))
        .unwrap();
    let begin = sqlx::raw_sql("BEGIN EXCLUSIVE");
    runtime.block_on(begin.execute(&mut side)).unwrap();
    let mut child = stage
        .command(&["migrate", "tenants", "--all", "--jobs", "1", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It has its files open when it is at work.
    let held = format!("/proc/{}/fd", child.id());
    let is_at_work = || {
        let links = std::fs::read_dir(&held).into_iter().flatten().flatten();
        links
            .filter_map(|link| std::fs::read_link(link.path()).ok())
            .any(|to| to == file)
    };
    while !is_at_work() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(kill.unwrap().success());
    // It was told when it says so.
    let told = BufReader::new(child.stderr.take().unwrap()).lines().next();
    assert!(told.unwrap().unwrap().contains("once more ends at once"));
    let rollback = sqlx::raw_sql("ROLLBACK");
    runtime.block_on(rollback.execute(&mut side)).unwrap();
    let said = stage.finish(child.wait_with_output().unwrap());
    assert_eq!(said.code, 1, "{said:?}");
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let expected = [
        ("acme", "moved"),
        ("beta", "not-tried"),
        ("cara", "not-tried"),
    ];
    assert_eq!(outcomes(&document), expected);
    assert_eq!(document["halted"]["why"], "stopped");
    // And the next run does those that are left.
    let rest = stage.json(&["migrate", "tenants", "--all"]);
    assert_eq!(outcomes(&rest), [("beta", "moved"), ("cara", "moved")]);
}
