//! Making and removing databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::Connection;
use tenancy_core::{MemoryStore, Provisioner, Strategy, Tenancy, Tenant, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::{DatabaseError, SqliteTenants};

use super::support::{SCHEMA, eventually, id, judge, world, world_with};

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_database_is_made_once_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&prepared);
    let db = SqliteTenants::builder(folder.path())
        .schema([
            SCHEMA,
            "CREATE INDEX by_title ON notes (title); CREATE TABLE more (id)",
        ])
        .prepare(move |db| {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                sqlx::query("INSERT INTO more VALUES (7)")
                    .execute(&mut *db)
                    .await?;
                Ok(())
            })
        })
        .build()
        .unwrap();
    assert!(!db.exists(&id("acme")).await.unwrap());
    let placement = db.provision(&id("acme")).await.unwrap();
    assert_eq!(placement.strategy(), Strategy::DatabasePerTenant);
    assert_eq!(placement.database_name(), Some("acme.db"));
    assert_eq!(placement, db.placement(&id("acme")));
    assert_eq!(db.provision(&id("acme")).await.unwrap(), placement);
    assert_eq!(prepared.load(Ordering::SeqCst), 1);
    assert!(db.exists(&id("acme")).await.unwrap());
    assert_eq!(names(folder.path()), ["acme.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder
            .path()
            .join("acme.db")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let mut judge = judge(&folder.path().join("acme.db")).await;
    let more: i64 = sqlx::query_scalar("SELECT id FROM more")
        .fetch_one(&mut judge)
        .await
        .unwrap();
    assert_eq!(more, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let db = SqliteTenants::builder(folder.path())
        .schema([SCHEMA])
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { db.provision(&id("acme")).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), db.placement(&id("acme")));
    }
    let mut visible = names(folder.path());
    visible.retain(|name| !name.starts_with("acme.db-"));
    assert_eq!(visible, ["acme.db"]);
}

#[tokio::test]
async fn what_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || SqliteTenants::builder(folder.path());
    let provision = async |db: SqliteTenants| match db.provision(&id("acme")).await {
        Err(Error::Sqlite(error)) => {
            // The draft is removed off the path, when its connection is closed.
            eventually("nothing is left", || names(folder.path()).is_empty()).await;
            error
        }
        other => panic!("{other:?}"),
    };
    let error = provision(
        builder()
            .schema([SCHEMA, "CREATE GARBAGE"])
            .build()
            .unwrap(),
    )
    .await;
    assert!(
        matches!(error, DatabaseError::Schema { number: 2, .. }),
        "{error:?}"
    );

    let failing = builder()
        .schema([SCHEMA])
        .prepare(|_| Box::pin(async { Err("no".into()) }));
    let error = provision(failing.build().unwrap()).await;
    assert!(matches!(error, DatabaseError::Prepare(_)), "{error:?}");

    let unfinished = builder().schema([SCHEMA]).prepare(|db| {
        Box::pin(async move {
            sqlx::raw_sql("BEGIN; INSERT INTO notes VALUES (1, 'x')")
                .execute(&mut *db)
                .await?;
            Ok(())
        })
    });
    let error = provision(unfinished.build().unwrap()).await;
    assert!(
        matches!(error, DatabaseError::PrepareUnfinished),
        "{error:?}"
    );

    // A schema is no way out of the file either.
    let reaching = builder()
        .schema(["ATTACH 'other.db' AS o"])
        .build()
        .unwrap();
    assert!(matches!(
        provision(reaching).await,
        DatabaseError::Schema { number: 1, .. }
    ));
}

#[tokio::test]
async fn a_dropped_provisioning_is_never_visible() {
    let folder = tempfile::tempdir().unwrap();
    let db = SqliteTenants::builder(folder.path())
        .schema([SCHEMA])
        .prepare(|_| Box::pin(std::future::pending()))
        .build()
        .unwrap();
    let tenant = id("acme");
    for _ in 0..5 {
        let endless = db.provision(&tenant);
        assert!(
            tokio::time::timeout(Duration::from_millis(30), endless)
                .await
                .is_err()
        );
        assert!(!db.exists(&id("acme")).await.unwrap());
    }
    eventually("the drafts are gone", || names(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn what_is_anothers_is_not_taken_over() {
    let world = world().await;
    std::fs::copy(world.path("globex"), world.path("initech")).unwrap();
    let error = world.db.provision(&id("initech")).await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::NotThisTenants)),
        "{error:?}"
    );
    let error = world.db.deprovision(&id("initech")).await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::NotThisTenants)),
        "{error:?}"
    );
    assert_eq!(world.titles("initech").await, ["secret of globex"]);
}

#[tokio::test]
async fn removed_is_gone_and_may_be_made_again() {
    let world = world().await;
    assert_eq!(world.count("acme").await, 1);
    world.db.deprovision(&id("acme")).await.unwrap();
    world.db.deprovision(&id("acme")).await.unwrap();
    assert!(
        names(world.folder.path())
            .iter()
            .all(|name| !name.starts_with("acme"))
    );
    let error = world.checkout("acme").await.unwrap_err();
    assert!(matches!(
        error,
        Error::Sqlite(DatabaseError::File(tenancy_sqlite::Error::Missing))
    ));
    assert_eq!(world.count("globex").await, 1);
    world.db.provision(&id("acme")).await.unwrap();
    assert_eq!(world.count("acme").await, 0);
}

#[tokio::test]
async fn what_is_in_use_is_not_removed() {
    let world = world_with(&["acme"], |builder| {
        builder.acquire_timeout(Duration::from_millis(200))
    })
    .await;
    let in_use = |error: Error| matches!(error, Error::Sqlite(DatabaseError::InUse));
    let held = world.checkout("acme").await.unwrap();
    assert!(in_use(world.db.deprovision(&id("acme")).await.unwrap_err()));
    drop(held);

    // By another process, as far as this one can tell.
    let mut other = judge(&world.path("acme")).await;
    sqlx::raw_sql("SELECT * FROM notes")
        .execute(&mut other)
        .await
        .unwrap();
    assert!(in_use(world.db.deprovision(&id("acme")).await.unwrap_err()));
    assert_eq!(world.count("acme").await, 1);
    other.close().await.unwrap();
    world.db.deprovision(&id("acme")).await.unwrap();
}

/// Use and removal at once: whoever gets a connection can use it, whoever doesn't is told why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_and_removal_race() {
    let world = Arc::new(
        world_with(&["acme"], |builder| {
            builder.acquire_timeout(Duration::from_secs(5))
        })
        .await,
    );
    for _ in 0..20 {
        world.db.provision(&id("acme")).await.unwrap();
        let acme = Tenant::new(id("acme")).with_placement(world.db.placement(&id("acme")));
        let tenancy = Tenancy::builder(MemoryStore::new([acme]))
            .without_requests()
            .build();
        let users: Vec<_> = (0..4)
            .map(|_| {
                let (world, tenancy) = (Arc::clone(&world), tenancy.clone());
                tokio::spawn(async move {
                    tenancy
                        .run("acme", async |scope: &TenantScope| {
                            world
                                .db
                                .transaction(scope, async |tx| -> Result<(), Error> {
                                    sqlx::query("INSERT INTO notes (title) VALUES ('x')")
                                        .execute(&mut *tx)
                                        .await
                                        .map_err(|error| Error::Statement(error.into()))?;
                                    Ok(())
                                })
                                .await
                        })
                        .await
                })
            })
            .collect();
        let removed = world.db.deprovision(&id("acme")).await;
        for user in users {
            match user.await.unwrap() {
                Ok(())
                | Err(Error::Sqlite(
                    DatabaseError::BeingRemoved
                    | DatabaseError::NotThisTenants
                    | DatabaseError::File(tenancy_sqlite::Error::Missing),
                )) => {}
                Err(error) => panic!("{error:?}: {error}"),
            }
        }
        match removed {
            Ok(()) | Err(Error::Sqlite(DatabaseError::InUse)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}
