//! `--create-base`: a base database that is not there yet.

use sqlx::{AssertSqlSafe, Connection as _};

use crate::stage::Stage;

/// A name of its own beside the stage's database, and the URL without a name.
fn elsewhere(stage: &Stage) -> (String, String) {
    let url = &stage.variables["DATABASE_URL"];
    let (server, name) = url.rsplit_once('/').unwrap();
    (server.to_owned(), format!("{name}_new"))
}

fn is_made(stage: &mut Stage, server: &str, name: &str, reserved: &[&str]) {
    stage.set("DATABASE_URL", &format!("{server}/{name}"));
    assert_eq!(
        stage.refused(&["tenant", "list"]),
        ("base.refused".into(), 2)
    );
    assert!(
        stage
            .complaint(&["tenant", "list"])
            .contains("--create-base")
    );
    let said = stage.run(&["tenant", "list", "--create-base"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.err, "the base database was made\n");
    assert_eq!(stage.run(&["tenant", "list", "--create-base"]).err, "");
    stage.ok(&["tenant", "list"]);
    for name in reserved {
        stage.set("DATABASE_URL", &format!("{server}/{name}"));
        let refused = stage.refused(&["tenant", "list", "--create-base"]);
        assert_eq!(refused, ("base.url".into(), 2), "{name}");
    }
    // Another's password: refused, and not shown.
    let (user, host) = server.rsplit_once('@').unwrap();
    let (user, _) = user.rsplit_once(':').unwrap();
    stage.hidden.push("hunter2".into());
    stage.set("DATABASE_URL", &format!("{user}:hunter2@{host}/{name}"));
    for arguments in [
        &["tenant", "list"][..],
        &["tenant", "list", "--create-base"],
    ] {
        assert_eq!(stage.refused(arguments), ("base.refused".into(), 2));
        assert!(stage.complaint(arguments).contains("password"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    for major in tenancy_testkit::postgres::majors() {
        let mut stage = Stage::postgres(major, "database").await;
        let (server, name) = elsewhere(&stage);
        is_made(&mut stage, &server, &name, &["postgres", "template1", ""]);
        let url = format!("{server}/postgres");
        let mut side = sqlx::PgConnection::connect(&url).await.unwrap();
        let drop = AssertSqlSafe(format!("DROP DATABASE {name}"));
        sqlx::raw_sql(drop).execute(&mut side).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb() {
    if let Some(mut stage) = Stage::mariadb().await {
        let (server, name) = elsewhere(&stage);
        is_made(
            &mut stage,
            &server,
            &name,
            &["mysql", "information_schema", ""],
        );
        let url = format!("{server}/mysql");
        let mut side = sqlx::MySqlConnection::connect(&url).await.unwrap();
        let drop = AssertSqlSafe(format!("DROP DATABASE {name}"));
        sqlx::raw_sql(drop).execute(&mut side).await.unwrap();
    }
}
