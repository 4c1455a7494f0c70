//! What compiles, and is caught when it runs.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tenancy_core::{CentralScope, Error as ScopeError, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::PoolError;

use super::half_read::backend;
use super::stage::{ACME, GLOBEX, Stage, all_back, each};

async fn insert(connection: &mut PgConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO notes (id, title) VALUES ($1, 'new')")
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
}

async fn whose(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("SELECT DISTINCT tenant_id FROM notes")
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_ticket_kept_in_a_spawned_task_opens_nothing_after_its_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        let ticket = acme.scope.ticket();
        let mut made_before = pool.acquire_owned(acme.scope.ticket()).await.unwrap();
        acme.end().await;
        let spawned = tokio::spawn({
            let pool = pool.clone();
            async move {
                (
                    pool.acquire(&ticket).await.map(drop),
                    pool.begin(&ticket).await.map(drop),
                    pool.transaction(&ticket, async |_| Ok::<_, Error>(()))
                        .await,
                    pool.stream(ticket.ticket(), sqlx::query("SELECT 1"))
                        .await
                        .map(drop),
                )
            }
        });
        let (one, two, three, four) = spawned.await.unwrap();
        for refused in [one, two, three, four] {
            assert!(
                matches!(refused, Err(Error::Scope(ScopeError::ScopeEnded))),
                "{refused:?}"
            );
        }
        // A checkout made before may finish, and stays that tenant's.
        assert_eq!(whose(&mut made_before).await, ACME);
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_ends_while_it_waits_for_a_connection_gets_none() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let held = pool.acquire(&globex.scope).await.unwrap();
        let ticket = acme.scope.ticket();
        let (waited, ()) = tokio::join!(pool.acquire(&ticket), async {
            acme.end().await;
            drop(held);
        });
        assert!(matches!(waited, Err(Error::Scope(ScopeError::ScopeEnded))));
        all_back(&pool).await;
        assert_eq!(
            whose(&mut pool.acquire(&globex.scope).await.unwrap()).await,
            GLOBEX
        );
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_outer_scope_inside_another_run_opens_nothing() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let outer = &acme.scope;
        let refused = stage
            .tenancy
            .run(GLOBEX, async |inner: &TenantScope| -> Result<(), Error> {
                let refused = pool.acquire(outer).await.unwrap_err();
                assert!(matches!(refused, Error::Scope(ScopeError::ScopeMismatch)));
                let refused = pool.begin(outer).await.unwrap_err();
                assert!(matches!(refused, Error::Scope(ScopeError::ScopeMismatch)));
                assert_eq!(whose(&mut *pool.acquire(inner).await?).await, GLOBEX);
                Ok(())
            })
            .await;
        refused.unwrap();
        // Nor a tenant's scope inside central work.
        stage
            .tenancy
            .central("a test", async |_: &CentralScope| -> Result<(), Error> {
                let refused = pool.acquire(outer).await.unwrap_err();
                assert!(matches!(refused, Error::Scope(ScopeError::ScopeMismatch)));
                Ok(())
            })
            .await
            .unwrap();
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn sql_that_ends_the_transaction_itself_is_found_out() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for end in [
            "COMMIT",
            "ROLLBACK",
            "COMMIT AND CHAIN",
            "COMMIT; BEGIN",
            "ROLLBACK; BEGIN",
        ] {
            let ended = pool
                .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                    sqlx::raw_sql(end).execute(&mut *tx).await?;
                    // The scope went with it: there is nothing to be reached.
                    assert!(insert(&mut *tx, 30).await.is_err());
                    sqlx::raw_sql("ROLLBACK").execute(tx).await?;
                    Ok(())
                })
                .await;
            assert!(
                matches!(ended, Err(Error::Pool(PoolError::TransactionOver))),
                "{end}: {ended:?}"
            );
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            sqlx::raw_sql(end).execute(&mut **tx).await.unwrap();
            let ended = tx.commit().await;
            assert!(
                matches!(ended, Err(Error::Pool(PoolError::TransactionOver))),
                "{end}: {ended:?}"
            );
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            sqlx::raw_sql(end).execute(&mut **tx).await.unwrap();
            let ended = tx.rollback().await;
            assert!(
                matches!(ended, Err(Error::Pool(PoolError::TransactionOver))),
                "{end}: {ended:?}"
            );
        }
        assert_eq!(stage.titles(ACME).await.len(), 3);
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_error_that_was_passed_over_is_not_committed_in_silence() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let ended = pool
            .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                insert(&mut *tx, 31).await?;
                let _passed_over = sqlx::raw_sql("SELECT 1 / 0").execute(tx).await;
                Ok(())
            })
            .await;
        assert!(
            matches!(ended, Err(Error::Pool(PoolError::TransactionFailed))),
            "{ended:?}"
        );
        assert_eq!(stage.titles(ACME).await.len(), 3);
        // The same in a savepoint is fine, and so is taking a failed transaction back.
        pool.transaction(&acme.scope, async |tx| -> Result<(), Error> {
            insert(&mut *tx, 32).await?;
            let mut inner = tx.begin().await?;
            let _passed_over = sqlx::raw_sql("SELECT 1 / 0").execute(&mut *inner).await;
            inner.rollback().await?;
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(stage.titles(ACME).await.len(), 4);
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        let _passed_over = sqlx::raw_sql("SELECT 1 / 0").execute(&mut **tx).await;
        tx.rollback().await.unwrap();
        all_back(&pool).await;
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_never_committed_saves_nothing_and_holds_nobody_up() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for id in 40..45 {
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            insert(&mut tx, id).await.unwrap();
        }
        all_back(&pool).await;
        assert_eq!(stage.titles(ACME).await.len(), 3);
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn connections_that_changed_places_are_not_used_again() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut first = pool.acquire(&acme.scope).await.unwrap();
        let mut second = pool.acquire(&globex.scope).await.unwrap();
        let pids = [backend(&mut first).await, backend(&mut second).await];
        std::mem::swap::<PgConnection>(&mut first, &mut second);
        drop((first, second));
        all_back(&pool).await;
        assert_eq!(pool.status().idle, 0);
        for (scope, tenant) in [(&acme.scope, ACME), (&globex.scope, GLOBEX)] {
            let mut db = pool.acquire(scope).await.unwrap();
            assert_eq!(whose(&mut db).await, tenant);
            assert!(!pids.contains(&backend(&mut db).await));
        }

        // One from elsewhere, above the wall, does not get into the pool.
        let mut superuser = PgConnection::connect(&stage.database.admin_url())
            .await
            .unwrap();
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        std::mem::swap::<PgConnection>(&mut db, &mut superuser);
        drop(db);
        for _ in 0..4 {
            let mut db = pool.acquire(&globex.scope).await.unwrap();
            assert_eq!(whose(&mut db).await, GLOBEX);
        }
        // What was carried away stays that tenant's.
        assert_eq!(whose(&mut superuser).await, ACME);

        // Two transactions: each goes back where it came from.
        let mut first = pool.begin(&acme.scope).await.unwrap();
        let mut second = pool.begin(&globex.scope).await.unwrap();
        std::mem::swap(&mut *first, &mut *second);
        assert_eq!(whose(&mut first).await, GLOBEX);
        first.commit().await.unwrap();
        second.commit().await.unwrap();
        all_back(&pool).await;
        for (scope, tenant) in [(&acme.scope, ACME), (&globex.scope, GLOBEX)] {
            assert_eq!(whose(&mut pool.acquire(scope).await.unwrap()).await, tenant);
        }
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_that_was_forgotten_is_nobody_elses() {
    each(async |stage: Stage| {
        let pool = stage
            .builder(&stage.database.runtime_url())
            .max_connections(1)
            .scrub_timeout(Duration::from_secs(5))
            .connect()
            .await
            .unwrap();
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        let before = backend(&mut db).await;
        std::mem::forget(db.begin().await.unwrap());
        drop(db);
        let mut tx = pool.begin(&globex.scope).await.unwrap();
        assert_eq!(whose(&mut tx).await, GLOBEX);
        assert_ne!(backend(&mut tx).await, before);
        tx.commit().await.unwrap();
        all_back(&pool).await;
        acme.end().await;
        globex.end().await;
    })
    .await;
}
