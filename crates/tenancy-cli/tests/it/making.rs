//! `tenancy make`: files that hold what their names say, and run.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use crate::stage::Stage;

/// The files that were made: up, and down.
fn made(stage: &Stage, arguments: &[&str]) -> (String, String, String) {
    let document = stage.json(&[&["make", "migration"], arguments].concat());
    let files = document["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    let [up, down] = [0, 1].map(|at| files[at].as_str().unwrap().to_owned());
    assert!(up.ends_with(".up.sql") && down.ends_with(".down.sql"));
    let text = |file: &str| fs::read_to_string(stage.folder().join(file)).unwrap();
    let name = up.rsplit_once('/').unwrap().1.to_owned();
    (name, text(&up), text(&down))
}

const NAMES: [&str; 7] = [
    "create_user_accounts_table",
    "add_first_name_and_order_to_user_accounts_table",
    "add_valid_from_to_user_accounts",
    "remove_valid_from_from_user_accounts",
    "drop_first_name_and_order_from_user_accounts_table",
    "create_select",
    "backfill_something",
];

/// Each is run up, and all of them down again, on the database that they were made for.
macro_rules! run {
    ($connection:ty, $stage:expr, $url:expr) => {{
        use sqlx::{AssertSqlSafe, Connection as _};
        let stage = $stage;
        let files = NAMES.map(|name| made(stage, &[name, "--for", "base"]));
        let versions: BTreeSet<_> = files
            .iter()
            .map(|(name, ..)| name[..14].to_owned())
            .collect();
        assert_eq!(versions.len(), NAMES.len(), "{versions:?}");
        let mut connection = <$connection>::connect($url).await.unwrap();
        let ups = files.iter().map(|(_, up, _)| up);
        let downs = files.iter().rev().map(|(_, _, down)| down);
        for sql in ups.chain(downs) {
            sqlx::raw_sql(AssertSqlSafe(sql.clone()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_on_sqlite() {
    let stage = Stage::sqlite();
    stage.ok(&["tenant", "list", "--create-base"]);
    let url = format!("sqlite://{}", stage.path("base.db").display());
    run!(sqlx::SqliteConnection, &stage, &url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_on_postgres() {
    for major in tenancy_testkit::postgres::majors() {
        let stage = Stage::postgres(major, "database").await;
        let url = stage.variables["DATABASE_URL"].clone();
        run!(sqlx::PgConnection, &stage, &url);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_on_mariadb() {
    if let Some(stage) = Stage::mariadb().await {
        let url = stage.variables["DATABASE_URL"].clone();
        run!(sqlx::MySqlConnection, &stage, &url);
    }
}

#[test]
fn files_lie_where_they_belong_and_say_what_they_do() {
    let stage = Stage::sqlite();
    let (name, up, down) = made(&stage, &["create_notes"]);
    assert!(name[..14].bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(&name[14..], "_create_notes.up.sql");
    assert!(up.starts_with("CREATE TABLE \"notes\" ("), "{up}");
    assert_eq!(down, "DROP TABLE \"notes\";\n");
    let (_, up, down) = made(&stage, &["backfill_titles"]);
    assert!(up.starts_with("--") && down.starts_with("--"));
    assert_eq!(
        stage.json(&["make", "migration", "tidy"])["inferred"],
        false
    );
    assert_eq!(
        fs::read_dir(stage.path("migrations/tenants"))
            .unwrap()
            .count(),
        6
    );
    let seed = stage.ok(&["make", "seed", "plans", "--for", "base"]);
    assert!(
        seed.contains("/seeds/base/") && seed.ends_with("_plans.sql\n"),
        "{seed}"
    );
    // Without a database that is known, what is inferred can't be written, and what is empty can.
    stage.write("tenancy.toml", "");
    stage.ok(&["make", "migration", "tidy_more"]);
    let refused = stage.refused(&["make", "migration", "create_x"]);
    assert_eq!(refused, ("config.missing".into(), 2));
}

#[test]
fn hostile_names_make_nothing() {
    let stage = Stage::sqlite();
    let long = "a".repeat(151);
    for name in [
        "", "../x", "a/b", "a.b", "A", "1a", "a b", "a'b", "a\nb", "a$1", "ä", &long,
    ] {
        let refused = stage.refused(&["make", "migration", "--", name]);
        assert_eq!(refused, ("usage".into(), 2), "{name:?}");
    }
    let long = format!("create_{}", "t".repeat(64));
    assert_eq!(
        stage.refused(&["make", "migration", &long]),
        ("make.name".into(), 2)
    );
    assert!(!stage.path("migrations").exists());
    // A file where the folder should be.
    stage.write("migrations/tenants", "");
    let refused = stage.refused(&["make", "migration", "tidy"]);
    assert_eq!(refused, ("make.folder".into(), 2));
}

/// Also of programs that run at the same time, each has a version of its own.
#[test]
fn many_at_once_get_a_version_each() {
    let stage = Stage::sqlite();
    let children: Vec<_> = (0..12)
        .map(|number| {
            let name = format!("n{}", number % 3);
            let mut command = stage.command(&["make", "migration", &name]);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let names = fs::read_dir(stage.path("migrations/tenants")).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 24);
    let versions: BTreeSet<_> = names.iter().map(|name| &name[..14]).collect();
    assert_eq!(versions.len(), 12);
}
