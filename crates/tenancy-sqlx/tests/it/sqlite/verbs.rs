//! What an application writes, both tenants with the same keys.

use futures_util::TryStreamExt;
use sqlx::{Acquire, Sqlite, SqliteConnection, Transaction};
use tenancy_core::{MemoryStore, Placement, Tenancy, Tenant, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::DatabaseError;

use super::support::{World, id, world};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::test]
async fn acquire_sees_its_own_rows() -> Result {
    let world = world().await;
    for tenant in ["acme", "globex", "acme"] {
        let title = world
            .tenancy
            .run(tenant, async |scope: &TenantScope| -> Result<String> {
                let mut connection = world.db.acquire(scope).await?;
                Ok(sqlx::query_scalar("SELECT title FROM notes WHERE id = 1")
                    .fetch_one(connection.executor())
                    .await?)
            })
            .await?;
        assert_eq!(title, format!("secret of {tenant}"));
    }
    Ok(())
}

#[tokio::test]
async fn a_closure_that_succeeds_is_saved_and_one_that_fails_is_not() -> Result {
    let world = world().await;
    for tenant in ["acme", "globex"] {
        world
            .tenancy
            .run(tenant, async |scope: &TenantScope| -> Result {
                world
                    .db
                    .transaction(scope, async |tx| -> Result {
                        sqlx::query("UPDATE notes SET title = ?1 WHERE id = 1")
                            .bind(format!("new in {tenant}"))
                            .execute(&mut *tx)
                            .await?;
                        Ok(())
                    })
                    .await?;
                let failed = world
                    .db
                    .transaction(scope, async |tx| -> Result {
                        sqlx::query("DELETE FROM notes").execute(&mut *tx).await?;
                        Err("no".into())
                    })
                    .await;
                assert_eq!(failed.unwrap_err().to_string(), "no");
                Ok(())
            })
            .await?;
    }
    assert_eq!(world.titles("acme").await, ["new in acme"]);
    assert_eq!(world.titles("globex").await, ["new in globex"]);
    Ok(())
}

#[tokio::test]
async fn sqlx_errors_are_an_error_type_for_closures() -> Result {
    let world = world().await;
    world
        .tenancy
        .run("acme", async |scope: &TenantScope| -> Result {
            let added = world.db.transaction(scope, async |tx| {
                sqlx::query("INSERT INTO notes VALUES (2, 'two')")
                    .execute(&mut *tx)
                    .await
            });
            assert_eq!(added.await?.rows_affected(), 1);
            let twice = world.db.transaction(scope, async |tx| {
                sqlx::query("INSERT INTO notes VALUES (2, 'two')")
                    .execute(&mut *tx)
                    .await
            });
            assert!(
                twice
                    .await
                    .unwrap_err()
                    .as_database_error()
                    .unwrap()
                    .is_unique_violation()
            );
            Ok(())
        })
        .await
}

async fn takes_a_transaction(tx: &mut Transaction<'_, Sqlite>) -> sqlx::Result<()> {
    let mut inner = tx.begin().await?;
    sqlx::query("INSERT INTO notes VALUES (3, 'undone')")
        .execute(&mut *inner)
        .await?;
    inner.rollback().await?;
    let mut inner = tx.begin().await?;
    sqlx::query("INSERT INTO notes VALUES (4, 'kept')")
        .execute(&mut *inner)
        .await?;
    inner.commit().await
}

#[tokio::test]
async fn begin_gives_the_drivers_transaction() -> Result {
    let world = world().await;
    world
        .tenancy
        .run("acme", async |scope: &TenantScope| -> Result {
            let mut tx = world.db.begin(scope).await?;
            takes_a_transaction(&mut tx).await?;
            tx.commit().await?;

            let mut tx = world.db.begin(scope).await?;
            sqlx::query("DELETE FROM notes").execute(&mut **tx).await?;
            tx.rollback().await?;

            let mut tx = world.db.begin(scope).await?;
            sqlx::query("DELETE FROM notes").execute(&mut **tx).await?;
            drop(tx); // never committed
            Ok(())
        })
        .await?;
    assert_eq!(world.titles("acme").await, ["secret of acme", "kept"]);
    assert_eq!(world.titles("globex").await, ["secret of globex"]);
    Ok(())
}

#[tokio::test]
async fn two_writers_of_one_tenant_wait_for_each_other() -> Result {
    let world = world().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (db, tenancy) = (world.db.clone(), world.tenancy.clone());
        tasks.spawn(async move {
            tenancy
                .run(
                    "acme",
                    async |scope: &TenantScope| -> std::result::Result<(), Error> {
                        db.transaction(scope, async |tx| -> std::result::Result<(), Error> {
                            let error = |error: sqlx::Error| Error::Statement(error.into());
                            // Read, then write: with a deferred BEGIN these fail with SQLITE_BUSY.
                            let last: i64 = sqlx::query_scalar("SELECT max(id) FROM notes")
                                .fetch_one(&mut *tx)
                                .await
                                .map_err(error)?;
                            sqlx::query("INSERT INTO notes VALUES (?1 + 1, 'next')")
                                .bind(last)
                                .execute(&mut *tx)
                                .await
                                .map_err(error)?;
                            Ok(())
                        })
                        .await
                    },
                )
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    assert_eq!(world.titles("acme").await.len(), 9);
    Ok(())
}

#[tokio::test]
async fn an_owned_checkout_streams_beyond_its_scope() -> Result {
    let world = world().await;
    let mut connection = world.checkout("acme").await?;
    let mut rows =
        sqlx::query_scalar::<_, String>("SELECT title FROM notes").fetch(&mut *connection);
    assert_eq!(rows.try_next().await?.as_deref(), Some("secret of acme"));
    Ok(())
}

/// Compiles, and is caught when it runs.
#[tokio::test]
async fn a_ticket_opens_nothing_after_its_scope() -> Result {
    let world = world().await;
    let ticket = world
        .tenancy
        .run("acme", async |scope: &TenantScope| -> Result<TenantScope> {
            Ok(scope.ticket())
        })
        .await?;
    let ended = |error: Error| matches!(error, Error::Scope(tenancy_core::Error::ScopeEnded));
    assert!(ended(world.db.acquire(&ticket).await.unwrap_err()));
    assert!(ended(world.db.begin(&ticket).await.unwrap_err()));
    assert!(ended(world.db.acquire_owned(ticket).await.unwrap_err()));
    assert_eq!(world.db.status().open, 0);
    Ok(())
}

#[tokio::test]
async fn another_scope_than_the_open_one_is_refused() -> Result {
    let World {
        db,
        tenancy,
        folder: _folder,
        ..
    } = world().await;
    let (held, release) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let (send, receive) = tokio::sync::oneshot::channel();
    let outer = tenancy.run("globex", async |scope: &TenantScope| -> Result {
        send.send(scope.ticket()).map_err(|_| "gone")?;
        held.notify_one();
        release.notified().await;
        Ok(())
    });
    let inner = async {
        let foreign = receive.await?;
        held.notified().await;
        tenancy
            .run("acme", async |_: &TenantScope| -> Result {
                let error = db.acquire(&foreign).await.unwrap_err();
                assert!(matches!(
                    error,
                    Error::Scope(tenancy_core::Error::ScopeMismatch)
                ));
                Ok(())
            })
            .await?;
        release.notify_one();
        Ok(())
    };
    tokio::try_join!(outer, inner)?;
    Ok(())
}

#[tokio::test]
async fn a_placement_that_names_anything_else_is_refused() -> Result {
    let world = world().await;
    for placement in [
        Placement::shared(),
        Placement::schema("acme"),
        Placement::database("globex.db"),
        Placement::database("../acme.db"),
        Placement::database(world.path("globex").display().to_string()),
    ] {
        let acme = Tenant::new(id("acme")).with_placement(placement);
        let tenancy = Tenancy::builder(MemoryStore::new([acme]))
            .without_requests()
            .build();
        tenancy
            .run("acme", async |scope: &TenantScope| -> Result {
                let error = world.db.acquire(scope).await.unwrap_err();
                assert!(
                    matches!(error, Error::Sqlite(DatabaseError::Placement)),
                    "{error:?}"
                );
                Ok(())
            })
            .await?;
    }
    assert_eq!(world.db.status().open, 0);
    Ok(())
}

/// The shapes that need `Send` futures.
#[tokio::test]
async fn closures_work_in_spawned_boxed_and_retried_code() -> Result {
    async fn repository(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM notes")
            .fetch_one(connection)
            .await
    }
    let World {
        db,
        tenancy,
        folder: _folder,
        ..
    } = world().await;
    let task = tokio::spawn({
        let (db, tenancy) = (db.clone(), tenancy.clone());
        async move {
            tenancy
                .run("acme", async |scope: &TenantScope| -> Result<i64> {
                    Ok(db
                        .transaction(scope, async |tx| repository(tx).await)
                        .await?)
                })
                .await
        }
    });
    assert_eq!(task.await??, 1);
    let boxed: std::pin::Pin<Box<dyn Future<Output = Result<i64>> + Send>> = Box::pin(tenancy.run(
        "globex",
        async |scope: &TenantScope| -> Result<i64> {
            let again = async |tx: &mut SqliteConnection| repository(tx).await;
            db.transaction(scope, again).await?;
            Ok(db.transaction(scope, again).await?)
        },
    ));
    assert_eq!(boxed.await?, 1);
    Ok(())
}

#[tokio::test]
async fn nothing_tells_of_paths_or_tenants() -> Result {
    let world = world().await;
    let connection = world.checkout("acme").await?;
    let missing = Tenant::new(id("initech")).with_placement(world.db.placement(&id("initech")));
    let tenancy = Tenancy::builder(MemoryStore::new([missing]))
        .without_requests()
        .build();
    let error = tenancy
        .run("initech", async |scope: &TenantScope| {
            world.db.acquire(scope).await.map(drop)
        })
        .await
        .unwrap_err();
    let told = format!("{connection:?} {:?} {error:?} {error}", world.db);
    let folder = world.folder.path().file_name().unwrap().to_str().unwrap();
    for secret in [folder, "acme", "globex", "initech", ".db"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    Ok(())
}
