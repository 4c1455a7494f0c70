//! SeaORM's, Diesel's and refinery's migrations over a fleet, in schemas and in databases.

#![allow(elided_lifetimes_in_paths)] // async_trait matches them with its trait's

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use refinery::{Migration, Runner};
use sea_orm_migration::prelude::*;
use secrecy::ExposeSecret as _;
use tenancy_core::TenantId;
use tenancy_fleet::libraries::{
    DieselMigrations, RefineryMigrations, SeaOrmMigrations, TenantMigrations,
};
use tenancy_fleet::run::Outcome;

use super::Heard;
use super::stage::{Stage, run};

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Sql(
                "m1_notes",
                "CREATE TABLE notes (id int PRIMARY KEY, title text NOT NULL)",
                "DROP TABLE notes",
            )),
            Box::new(Sql(
                "m2_done",
                "ALTER TABLE notes ADD done boolean NOT NULL DEFAULT false",
                "ALTER TABLE notes DROP done",
            )),
        ]
    }
}

struct Sql(&'static str, &'static str, &'static str);

impl MigrationName for Sql {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Sql {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(self.1).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(self.2).await.map(drop)
    }
}

const EMBEDDED: EmbeddedMigrations = embed_migrations!("tests/it/migrations/diesel");

fn diesel() -> DieselMigrations {
    DieselMigrations::new(EMBEDDED).unwrap()
}

fn refinery() -> RefineryMigrations {
    let migration = |name, sql| Migration::unapplied(name, sql).unwrap();
    RefineryMigrations::new(Runner::new(&[
        migration(
            "V1__notes",
            "CREATE TABLE notes (id int PRIMARY KEY, title text NOT NULL)",
        ),
        migration(
            "V2__done",
            "ALTER TABLE notes ADD done boolean NOT NULL DEFAULT false",
        ),
    ]))
}

async fn goes_up_and_down(
    mut stage: Stage,
    migrations: &dyn TenantMigrations,
    ledger: &str,
    has_a_way_back: bool,
) {
    let ids = stage.tenants(3).await;
    let fleet = stage.fleet();
    // Something of this name is there, with a row that must not be in any report.
    stage
        .run_inside(
            &ids[1],
            "CREATE TABLE notes (secret text); INSERT INTO notes VALUES ('xyzzy')",
        )
        .await;
    let heard = Heard::default();
    let how = run().observe(heard.observer());
    let report = fleet.migrate_with(migrations, &how).await.unwrap();
    assert_eq!((report.done, report.failed.len()), (2, 1), "{report:?}");
    assert_eq!(report.failed[0].tenant, ids[1]);
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("xyzzy"), "{json}");
    assert!(matches!(
        heard.all()[0].1,
        Outcome::Moved { to: Some(2), .. }
    ));
    stage.run_inside(&ids[1], "DROP TABLE notes").await;
    let report = fleet.migrate_with(migrations, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (1, 2), "{report:?}");
    for id in &ids {
        whole(&stage, id, ledger).await;
    }
    let report = fleet.migrate_with(migrations, &run()).await.unwrap();
    assert_eq!((report.done, report.current), (0, 3));
    let report = fleet
        .migrate_with(migrations, &run().everyone())
        .await
        .unwrap();
    assert_eq!((report.done, report.current), (0, 3), "{report:?}");
    let report = fleet.rollback_with(migrations, 1, &run()).await.unwrap();
    assert_eq!(report.is_whole(), has_a_way_back, "{report:?}");
    assert_eq!(
        stage.takes(&ids[0], "SELECT done FROM notes").await,
        !has_a_way_back
    );
    // Nobody is taken for one who has everything.
    let report = fleet.migrate_with(migrations, &run()).await.unwrap();
    let redone = if has_a_way_back { (3, 0) } else { (0, 3) };
    assert_eq!((report.done, report.current), redone, "{report:?}");
    stage.end().await;
}

/// The owner's table, in the tenant's own schema, as its ledger is; and nothing of it elsewhere.
async fn whole(stage: &Stage, id: &TenantId, ledger: &str) {
    stage
        .run_inside(
            id,
            "INSERT INTO notes (id, title, done) VALUES (1, 'a', true)",
        )
        .await;
    let mut side = stage.inside(id).await;
    let sql = format!(
        "SELECT count(*) FROM pg_tables WHERE tablename IN ('notes', '{ledger}') AND schemaname = '{}' AND tableowner LIKE '%_owner'",
        stage.schema(id)
    );
    assert_eq!(side.number(&sql).await, 2);
    let other = sql.replace("schemaname =", "schemaname = 'public' AND schemaname <>");
    assert_eq!(side.number(&other).await, 0);
    side.close().await;
}

macro_rules! in_schemas_and_databases {
    ($($name:ident: $migrations:expr, $ledger:literal, $back:literal;)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_schemas() {
                goes_up_and_down(Stage::schemas().await, &$migrations, $ledger, $back).await;
            }

            #[tokio::test]
            async fn postgres_databases() {
                goes_up_and_down(Stage::databases().await, &$migrations, $ledger, $back).await;
            }
        }
    )+};
}

in_schemas_and_databases! {
    sea_orm_goes_up_and_down: SeaOrmMigrations::<Migrator>::new(), "seaql_migrations", true;
    diesel_goes_up_and_down: diesel(), "__diesel_schema_migrations", true;
    refinery_goes_up: refinery(), "refinery_schema_history", false;
}

/// A panic is one tenant's alone, and its lock is free.
#[tokio::test]
async fn a_panic_hits_one_tenant() {
    use futures_util::future::BoxFuture;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tenancy_fleet::libraries::{LibraryError, Place, Target};

    struct Panics(AtomicBool);
    impl TenantMigrations for Panics {
        fn target(&self) -> Target {
            Target::of(["one"])
        }

        fn apply<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<u64, LibraryError>> {
            Box::pin(async {
                assert!(place.url().expose_secret().contains("options="));
                assert!(self.0.swap(false, Ordering::SeqCst), "planted");
                Ok(1)
            })
        }

        fn revert<'a>(&'a self, _: &'a Place, _: u32) -> BoxFuture<'a, Result<u64, LibraryError>> {
            Box::pin(async { Ok(0) })
        }
    }
    let mut stage = Stage::schemas().await;
    stage.tenants(2).await;
    let migrations = Panics(AtomicBool::new(true));
    let report = stage
        .fleet()
        .migrate_with(&migrations, &run().jobs(1))
        .await
        .unwrap();
    assert_eq!((report.done, report.failed.len()), (1, 1));
    assert!(report.failed[0].reason.contains("panicked"), "{report:?}");
    migrations.0.store(true, Ordering::SeqCst);
    let report = stage
        .fleet()
        .migrate_with(&migrations, &run())
        .await
        .unwrap();
    assert_eq!((report.done, report.current), (1, 1), "{report:?}");
}

/// Where there is no PostgreSQL, it says so.
#[tokio::test]
async fn other_databases_are_refused() {
    let mut stage = Stage::sqlite().await;
    stage.tenant("acme").await;
    let report = stage
        .fleet()
        .migrate_with(&refinery(), &run())
        .await
        .unwrap();
    assert!(
        report.failed[0].reason.contains("run on PostgreSQL"),
        "{report:?}"
    );
}
