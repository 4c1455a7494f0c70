//! What one scope leaves on a connection is not there in the next; nothing is saved, or lost, by
//! halves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use rand::RngExt;
use sqlx::SqliteConnection;
use tenancy_core::TenantScope;
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::DatabaseError;

use super::support::{World, world_with};

/// One connection a tenant, so that the next scope gets the very same one.
async fn world_of_one() -> World {
    world_with(&["acme", "globex"], |builder| {
        builder
            .connections_per_tenant(1)
            .acquire_timeout(Duration::from_secs(30))
    })
    .await
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

#[tokio::test]
async fn an_open_transaction_is_not_inherited() {
    let world = world_of_one().await;
    for begin in [
        "BEGIN",
        "BEGIN IMMEDIATE",
        "SAVEPOINT s",
        "BEGIN EXCLUSIVE; SAVEPOINT s",
    ] {
        let mut connection = world.checkout("acme").await.unwrap();
        run(&mut connection, begin).await;
        run(
            &mut connection,
            "INSERT INTO notes (title) VALUES ('never')",
        )
        .await;
        drop(connection);
        let mut connection = world.checkout("acme").await.unwrap();
        run(&mut connection, "BEGIN; COMMIT").await;
        assert_eq!(world.titles("acme").await, ["secret of acme"], "{begin}");
    }
}

#[tokio::test]
async fn a_half_read_answer_is_not_inherited() {
    let world = world_of_one().await;
    for _ in 0..20 {
        let mut connection = world.checkout("acme").await.unwrap();
        let mut rows = sqlx::raw_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        )
        .fetch(&mut *connection);
        assert!(rows.try_next().await.unwrap().is_some());
        drop(rows);
        drop(connection);
        assert_eq!(world.count("acme").await, 1);
    }
}

/// A statement that never ends and never answers holds the connection only as long as its user.
#[tokio::test]
async fn an_endless_statement_is_stopped_when_its_user_is_gone() {
    let world = world_of_one().await;
    let mut connection = world.checkout("acme").await.unwrap();
    let endless = sqlx::raw_sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    )
    .execute(&mut *connection);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), endless)
            .await
            .is_err()
    );
    drop(connection);
    assert_eq!(world.count("acme").await, 1);
}

#[tokio::test]
async fn hooks_and_the_last_row_are_not_inherited() {
    let world = world_of_one().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let mut connection = world.checkout("acme").await.unwrap();
    let count = Arc::clone(&seen);
    connection
        .lock_handle()
        .await
        .unwrap()
        .set_update_hook(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
    run(&mut connection, "INSERT INTO notes VALUES (77, 'x')").await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    drop(connection);
    let mut connection = world.checkout("acme").await.unwrap();
    let last: i64 = sqlx::query_scalar("SELECT last_insert_rowid()")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(last, 0);
    run(&mut connection, "INSERT INTO notes VALUES (78, 'x')").await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// Compiles, and is caught when it runs: SQL that ends the transaction itself.
#[tokio::test]
async fn sql_can_not_end_the_transaction() {
    let world = world_of_one().await;
    for sql in [
        "COMMIT",
        "END",
        "ROLLBACK",
        "COMMIT; BEGIN IMMEDIATE",
        "ROLLBACK; BEGIN IMMEDIATE",
        "ROLLBACK; INSERT INTO notes (title) VALUES ('outside')",
        "INSERT OR ROLLBACK INTO notes VALUES (1, 'conflict')",
        "COMMIT; INSERT INTO notes (title) VALUES ('outside')",
    ] {
        let outcome = world
            .tenancy
            .run("acme", async |scope: &TenantScope| {
                world
                    .db
                    .transaction(scope, async |tx| -> Result<(), Error> {
                        run(tx, "INSERT INTO notes (title) VALUES ('inside')").await;
                        // What it says is passed over, as careless code does.
                        let _ = sqlx::raw_sql(sql).execute(&mut *tx).await;
                        let _ = sqlx::raw_sql("INSERT INTO notes (title) VALUES ('after')")
                            .execute(&mut *tx)
                            .await;
                        Ok(())
                    })
                    .await
            })
            .await;
        assert!(
            matches!(outcome, Err(Error::Sqlite(DatabaseError::TransactionOver))),
            "{sql}: {outcome:?}"
        );
        assert_eq!(world.titles("acme").await, ["secret of acme"], "{sql}");
        assert_eq!(world.count("acme").await, 1, "{sql}");
    }
}

#[tokio::test]
async fn a_commit_left_in_the_statement_cache_is_held_too() {
    let world = world_of_one().await;
    let mut connection = world.checkout("acme").await.unwrap();
    sqlx::query("BEGIN")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query("COMMIT")
        .execute(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    let outcome = world
        .tenancy
        .run("acme", async |scope: &TenantScope| {
            let mut tx = world.db.begin(scope).await?;
            run(&mut tx, "INSERT INTO notes (title) VALUES ('inside')").await;
            let _ = sqlx::query("COMMIT").execute(&mut **tx).await;
            tx.commit().await
        })
        .await;
    assert!(
        matches!(outcome, Err(Error::Sqlite(DatabaseError::TransactionOver))),
        "{outcome:?}"
    );
    assert_eq!(world.titles("acme").await, ["secret of acme"]);
}

#[tokio::test]
async fn a_panic_undoes_and_gives_back() {
    let world = world_of_one().await;
    for _ in 0..3 {
        let body = world.tenancy.run("acme", async |scope: &TenantScope| {
            world
                .db
                .transaction(scope, async |tx| -> Result<(), Error> {
                    run(tx, "DELETE FROM notes").await;
                    panic!("on purpose");
                })
                .await
        });
        assert!(
            std::panic::AssertUnwindSafe(body)
                .catch_unwind()
                .await
                .is_err()
        );
        assert_eq!(world.count("acme").await, 1);
    }
    assert_eq!(world.titles("acme").await, ["secret of acme"]);
}

/// Two checkouts whose connections were swapped: each goes back where it doesn't belong.
#[tokio::test]
async fn swapped_connections_are_not_handed_out_again() {
    let world = world_of_one().await;
    for _ in 0..5 {
        let mut acme = world.checkout("acme").await.unwrap();
        let mut globex = world.checkout("globex").await.unwrap();
        std::mem::swap(&mut *acme, &mut *globex);
        // The control: without the check at the return, this is what the next scope would read.
        let foreign: String = sqlx::query_scalar("SELECT title FROM notes")
            .fetch_one(&mut *acme)
            .await
            .unwrap();
        assert_eq!(foreign, "secret of globex");
        drop((acme, globex));
        for tenant in ["acme", "globex"] {
            let mut connection = world.checkout(tenant).await.unwrap();
            let title: String = sqlx::query_scalar("SELECT title FROM notes")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            assert_eq!(title, format!("secret of {tenant}"));
        }
    }
}

#[tokio::test]
async fn a_connection_put_in_by_hand_is_not_handed_out_again() {
    let world = world_of_one().await;
    let mut connection = world.checkout("acme").await.unwrap();
    *connection = super::support::judge(&world.path("acme")).await;
    drop(connection);
    let sql = format!("ATTACH '{}' AS g", world.path("globex").display());
    assert!(world.execute("acme", &sql).await.is_err());
}

/// Futures that are dropped at a random point, on a pool of one: nothing half-done, nothing lost,
/// nothing of the other tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_futures_leave_nothing() {
    let world = Arc::new(world_of_one().await);
    let mut tasks = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex", "acme"] {
        let world = Arc::clone(&world);
        tasks.spawn(async move {
            let (mut saved, mut unknown) = (0, 0);
            for _ in 0..400 {
                let began_commit = AtomicUsize::new(0);
                let work = world.tenancy.run(tenant, async |scope: &TenantScope| {
                    let mut tx = world.db.begin(scope).await?;
                    let error = |error: sqlx::Error| Error::Statement(error.into());
                    let titles: Vec<String> =
                        sqlx::query_scalar("SELECT title FROM notes WHERE id = 1")
                            .fetch_all(&mut **tx)
                            .await
                            .map_err(error)?;
                    assert_eq!(titles, [format!("secret of {tenant}")]);
                    for _ in 0..2 {
                        sqlx::query("INSERT INTO notes (title) VALUES ('pair')")
                            .execute(&mut **tx)
                            .await
                            .map_err(error)?;
                    }
                    began_commit.store(1, Ordering::SeqCst);
                    tx.commit().await
                });
                let polls = rand::rng().random_range(0..40);
                match drop_after(polls, work).await {
                    Some(outcome) => {
                        outcome.unwrap();
                        saved += 2;
                    }
                    None => unknown += 2 * began_commit.into_inner(),
                }
            }
            (tenant, saved, unknown)
        });
    }
    let mut bounds = std::collections::HashMap::<_, (usize, usize)>::new();
    while let Some(done) = tasks.join_next().await {
        let (tenant, saved, unknown) = done.unwrap();
        let bound = bounds.entry(tenant).or_default();
        *bound = (bound.0 + saved, bound.1 + unknown);
    }
    for (tenant, (saved, unknown)) in bounds {
        assert_eq!(
            world.count(tenant).await,
            i64::try_from(world.titles(tenant).await.len()).unwrap()
        );
        let pairs = world.titles(tenant).await.len() - 1;
        assert_eq!(pairs % 2, 0, "{tenant}: half a transaction was saved");
        assert!(
            (saved..=saved + unknown).contains(&pairs),
            "{tenant}: {saved} {pairs} {unknown}"
        );
        assert!(saved > 0 && unknown > 0, "{tenant}: nothing was tried");
    }
    super::support::eventually("all is given back", || world.db.status().in_use == 0).await;
}

/// Polls `future` at most `polls` times, with time for others between, then drops it.
async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        if let std::task::Poll::Ready(output) = futures_util::poll!(future.as_mut()) {
            return Some(output);
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    None
}
