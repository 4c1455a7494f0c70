//! Migrations and seeds over a fleet, on each ground: every test is written once.

mod at_once;
mod bases;
mod drift;
mod dropped;
mod failures;
mod fleet;
mod folders;
mod leftovers;
#[cfg(all(feature = "diesel", feature = "refinery", feature = "sea-orm"))]
mod libraries;
mod life;
mod races;
mod seeds;
mod stage;
mod unfinished;

use std::sync::{Arc, Mutex};

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use tenancy_core::TenantId;
use tenancy_fleet::migrations::MigrationSet;
use tenancy_fleet::run::{Event, Outcome};

/// Runs each test on every ground.
macro_rules! on_every_ground {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::migrations::stage::Stage;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$test(Stage::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_schemas() {
                for major in tenancy_testkit::postgres::majors() {
                    super::$test(Stage::schemas_on(major).await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_databases() {
                super::$test(Stage::databases().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                if let Some(stage) = Stage::mariadb().await {
                    super::$test(stage).await;
                }
            }
        }
    )+};
}
use on_every_ground;

/// An up, and a down where there is one.
type File<'a> = (i64, &'a str, Option<&'a str>);

const NOTES: File<'_> = (
    1,
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL)",
    Some("DROP TABLE notes"),
);
const DONE: File<'_> = (
    2,
    "ALTER TABLE notes ADD COLUMN done INTEGER DEFAULT 0",
    Some("ALTER TABLE notes DROP COLUMN done"),
);
const TAGS: File<'_> = (
    3,
    "CREATE TABLE tags (id INTEGER PRIMARY KEY); CREATE TABLE colours (id INTEGER PRIMARY KEY)",
    Some("DROP TABLE colours; DROP TABLE tags"),
);

fn migrations(files: &[File<'_>]) -> Vec<Migration> {
    let one = |version, kind, sql: &str| {
        let alone = sql.starts_with("-- no-transaction");
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        Migration::new(
            version,
            format!("it's number {version}").into(),
            kind,
            sql,
            alone,
        )
    };
    files
        .iter()
        .flat_map(|(version, up, down)| {
            let Some(down) = down else {
                return vec![one(*version, MigrationType::Simple, up)];
            };
            vec![
                one(*version, MigrationType::ReversibleUp, up),
                one(*version, MigrationType::ReversibleDown, down),
            ]
        })
        .collect()
}

fn set(files: &[File<'_>]) -> MigrationSet {
    MigrationSet::new(migrations(files)).unwrap()
}

/// Keeps what it hears of tenants' ends.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(TenantId, Outcome)>>>);

impl Heard {
    fn observer(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let heard = Arc::clone(&self.0);
        move |event| {
            if let Event::Ended { tenant, outcome } = event {
                let heard_of = ((*tenant).clone(), (*outcome).clone());
                heard.lock().unwrap().push(heard_of);
            }
        }
    }

    fn all(&self) -> Vec<(TenantId, Outcome)> {
        let mut all = self.0.lock().unwrap().clone();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}
