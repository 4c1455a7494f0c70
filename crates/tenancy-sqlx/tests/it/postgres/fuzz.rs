//! Ten thousand random interleavings of scope, cancel, panic and kill on a pool of three.
//!
//! The oracle: every row that is read is the scope's tenant's; what was acknowledged is there and
//! the tenant's, what was rolled back is not, and at the end all of the capacity is back.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::{FutureExt as _, StreamExt as _, poll};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::PgConnection;
use tenancy_core::TenantScope;
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{PoolError, TenantPool};
use tenancy_testkit::postgres::majors;

use super::stage::{ACME, GLOBEX, Stage, all_back, each};

const STEPS: usize = 10_000;
const WORKERS: usize = 8;

/// What became of a row that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Saved,
    TakenBack,
    Unknown,
}

struct Worker<'a> {
    pool: &'a TenantPool,
    admin: &'a tokio_postgres::Client,
    runtime: &'a str,
    scope: &'a TenantScope,
    tenant: &'static str,
    next: &'a AtomicI64,
}

/// A number for a row, which no other step uses, and a title that says whose it is.
async fn write(db: &mut PgConnection, id: i64, tenant: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO notes (id, title) VALUES ($1, $2)")
        .bind(id)
        .bind(tenant)
        .execute(db)
        .await
        .map(drop)
}

impl Worker<'_> {
    async fn read(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        let who: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tenant_id FROM notes")
            .fetch_all(db)
            .await?;
        assert_eq!(who, [self.tenant], "another tenant's rows were read");
        Ok(())
    }

    /// One step: a number of its kind, and how long it may live where it is cancelled.
    #[allow(clippy::too_many_lines)] // a table of what may happen
    async fn step(&self, kind: u32, polls: u32) -> Option<(i64, Fate)> {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let fate = match kind {
            0..=3 => {
                let mut work = pin!(self.transaction(id, false));
                let mut done = None;
                for _ in 0..polls {
                    if let std::task::Poll::Ready(ended) = poll!(work.as_mut()) {
                        done = Some(ended);
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                // Dropped in the midst of it, perhaps of its commit.
                done.map_or(Fate::Unknown, |ended| fate(&ended))
            }
            4..=6 => fate(&self.transaction(id, false).await),
            7 => match AssertUnwindSafe(self.transaction(id, true))
                .catch_unwind()
                .await
            {
                Err(_) => Fate::TakenBack,
                Ok(ended) => fate(&ended),
            },
            8 => {
                let ended = self
                    .pool
                    .transaction(self.scope, async |tx| {
                        write(tx, id, self.tenant).await?;
                        Err::<(), _>(sqlx::Error::RowNotFound)
                    })
                    .await;
                assert!(ended.is_err());
                Fate::TakenBack
            }
            9 => {
                if let Ok(mut tx) = self.pool.begin(self.scope).await {
                    let _killed = write(&mut tx, id, self.tenant).await;
                }
                Fate::TakenBack
            }
            10 => {
                // Another tenant's number, in a message of its own that ends the transaction.
                if let Ok(mut tx) = self.pool.begin(self.scope).await {
                    let _killed = sqlx::raw_sql("ROLLBACK; BEGIN").execute(&mut **tx).await;
                    assert!(write(&mut tx, id, self.tenant).await.is_err());
                    assert!(tx.commit().await.is_err());
                }
                Fate::TakenBack
            }
            11 => {
                if let Ok(mut db) = self.pool.acquire(self.scope).await {
                    for left in [
                        "SET default_transaction_read_only = on",
                        "BEGIN; SELECT pg_advisory_xact_lock(1)",
                        "SELECT set_config('search_path', 'tenancy', false)",
                    ] {
                        let _killed = sqlx::raw_sql(left).execute(&mut *db).await;
                    }
                }
                return None;
            }
            12 => {
                if let Ok(mut db) = self.pool.acquire(self.scope).await
                    && let Ok(mut copy) = db
                        .copy_out_raw("COPY (SELECT generate_series(1, 9)) TO STDOUT")
                        .await
                {
                    drop(copy.next().await);
                }
                return None;
            }
            13 => {
                let query = sqlx::query("SELECT tenant_id FROM notes, generate_series(1, 50)");
                if let Ok(rows) = self.pool.stream(self.scope.ticket(), query).await {
                    let mut rows = rows.typed::<(String,)>().take(7);
                    while let Some(Ok((who,))) = rows.next().await {
                        assert_eq!(who, self.tenant, "another tenant's rows were streamed");
                    }
                }
                return None;
            }
            14 => {
                self.kill_one().await;
                return None;
            }
            _ => {
                // Dropped in flight, whatever it is doing.
                let mut work = pin!(async {
                    let mut db = self.pool.acquire(self.scope).await?;
                    self.read(&mut db).await?;
                    Ok::<_, Error>(())
                });
                for _ in 0..polls {
                    if poll!(work.as_mut()).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                return None;
            }
        };
        Some((id, fate))
    }

    async fn transaction(&self, id: i64, panics: bool) -> Result<(), Error> {
        self.pool
            .transaction(self.scope, async |tx| -> Result<(), Error> {
                self.read(tx).await?;
                write(tx, id, self.tenant).await?;
                assert!(!panics, "on purpose");
                Ok(())
            })
            .await
    }

    async fn kill_one(&self) {
        let sql =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 LIMIT 1";
        self.admin.execute(sql, &[&self.runtime]).await.unwrap();
    }
}

/// What the caller was told.
fn fate(ended: &Result<(), Error>) -> Fate {
    match ended {
        Ok(()) => Fate::Saved,
        Err(Error::Pool(PoolError::CommitUnknown(_))) => Fate::Unknown,
        Err(_) => Fate::TakenBack,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_interleavings() {
    let steps = STEPS / majors().len() / WORKERS;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    // Thousands of panics on purpose are no news.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text != "on purpose" {
            eprintln!("{panic}");
        }
    }));
    each(async |stage: Stage| {
        let pool = stage.pool(3).await;
        let (acme, globex) = (stage.scope(ACME).await, stage.scope(GLOBEX).await);
        let next = AtomicI64::new(1_000);
        let workers = (0..WORKERS).map(|number| {
            let (scope, tenant) = if number % 2 == 0 {
                (&acme.scope, ACME)
            } else {
                (&globex.scope, GLOBEX)
            };
            let worker = Worker {
                pool: &pool,
                admin: &stage.admin,
                runtime: stage.database.runtime_role(),
                scope,
                tenant,
                next: &next,
            };
            async move {
                let mut random = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
                let mut fates = Vec::new();
                for _ in 0..steps {
                    let most = 1 << random.random_range(0..10);
                    let (kind, polls) = (random.random_range(0..18), random.random_range(1..=most));
                    // On the heap: it holds every kind of step, 20 KB on the stack of each worker.
                    let done = Box::pin(worker.step(kind, polls)).await;
                    fates.extend(done.map(|(id, fate)| (id, tenant, fate)));
                }
                fates
            }
        });
        let fates: Vec<_> = futures_util::future::join_all(workers)
            .await
            .into_iter()
            .flatten()
            .collect();
        all_back(&pool).await;
        // The last of those that were dropped may still be rolled back by the server.
        pool.close().await;

        let rows = stage
            .admin
            .query(
                "SELECT id, tenant_id, title FROM notes WHERE id >= 1000",
                &[],
            )
            .await
            .unwrap();
        let saved: std::collections::HashMap<i64, (String, String)> = rows
            .iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect();
        assert_eq!(
            saved.len(),
            rows.len(),
            "a number was saved for both tenants"
        );
        for (tenant, title) in saved.values() {
            assert_eq!(tenant, title, "written into another tenant's rows");
        }
        let mut counts = [0; 3];
        for (id, tenant, fate) in &fates {
            counts[*fate as usize] += 1;
            match (fate, saved.get(id)) {
                (Fate::Saved, None) => panic!("{tenant}'s acknowledged {id} was lost"),
                (Fate::TakenBack, Some(_)) => {
                    panic!("{tenant}'s {id} was rolled back, and is there")
                }
                _ => {}
            }
        }
        println!("saved, taken back, unknown: {counts:?}");
        assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
        acme.end().await;
        globex.end().await;
    })
    .await;
}
