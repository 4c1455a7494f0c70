//! Tenants' places on each kind of site: every test is written once.

mod broken_off;
pub(crate) mod foreign;
mod furnished;
pub(crate) mod ground;
mod hostile;
mod life;
mod pending;
mod races;
mod template;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use tenancy_fleet::migrations::MigrationSet;

/// So many migrations, each with a table.
pub(crate) fn set(versions: i64) -> MigrationSet {
    set_with(versions, "CREATE TABLE t{} (id int)")
}

fn set_with(versions: i64, sql: &str) -> MigrationSet {
    let migrations = (1..=versions).map(|version| {
        let sql = AssertSqlSafe(sql.replace("{}", &version.to_string())).into_sql_str();
        Migration::new(version, "test".into(), MigrationType::Simple, sql, false)
    });
    MigrationSet::new(migrations).unwrap()
}

/// Runs each test on every kind of site.
macro_rules! on_every_site {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::provision::ground::Ground;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(Ground::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_databases() {
                for major in tenancy_testkit::postgres::majors() {
                    super::$test(Ground::postgres_databases(major).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_schemas() {
                for major in tenancy_testkit::postgres::majors() {
                    super::$test(Ground::postgres_schemas(major).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                if let Some(ground) = Ground::mariadb().await {
                    super::$test(ground).await;
                }
            }
        }
    )+};
}
pub(crate) use on_every_site;
