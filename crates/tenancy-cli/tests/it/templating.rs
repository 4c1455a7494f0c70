//! `tenancy prepare --template`.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};
use tenancy_testkit::postgres::majors;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ups_copy_a_template() {
    for major in majors() {
        let mut stage = Stage::postgres(major, "database").await;
        stage.ok(&["tenant", "list", "--create-base"]);
        stage.write(
            "migrations/tenants/1_notes.sql",
            "CREATE TABLE notes (id int PRIMARY KEY)",
        );
        stage.write("seeds/tenants/1_first.sql", "INSERT INTO notes VALUES (1)");
        let prepare = ["prepare", "--keep", "postgres", "--template"];
        assert_eq!(stage.refused(&prepare), ("site.strategy".into(), 1));
        let url = stage.variables["DATABASE_URL"].clone();
        let template = format!("{}_model", url.rsplit_once('/').unwrap().1);
        stage.set("TENANCY_TENANTS_TEMPLATE", &template);
        let none = stage.refused(&["tenant", "onboard", "early"]);
        assert_eq!(none, ("site.no_template".into(), 2));

        let prepared =
            |more: &[&str]| stage.json(&[&prepare[..], more].concat())["template"].clone();
        assert_eq!(prepared(&["--dry-run"]), "made");
        assert_eq!(prepared(&[]), "made");
        assert_eq!(prepared(&[]), "current");
        let text = stage.ok(&prepare);
        assert!(
            text.contains("the template has all migrations and seeds already\n"),
            "{text}"
        );
        stage.ok(&["tenant", "onboard", "early"]);
        stage.write(
            "migrations/tenants/2_tags.sql",
            "CREATE TABLE tags (id int)",
        );
        assert_eq!(prepared(&["--dry-run"]), "renewed");
        assert_eq!(prepared(&[]), "renewed");
        let late = stage.json(&["tenant", "onboard", "late"]);
        assert_eq!(late["tenant"]["applied_version"], json!(2));
        for id in ["early", "late"] {
            stage.ok(&["tenant", "suspend", id]);
            stage.ok(&["tenant", "deprovision", id, "--yes-drop", id]);
        }
        let mut side = sqlx::PgConnection::connect(&url).await.unwrap();
        let drop = format!("DROP DATABASE \"{template}\"");
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&mut side)
            .await
            .unwrap();
    }
}
