//! Many tenants through few open databases.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tenancy_core::{MemoryStore, Provisioner, Tenancy, Tenant, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::{DatabaseError, SqliteTenants};

use super::support::{SCHEMA, World, eventually, id, judge, world_with};

const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(200);

async fn world_of(tenants: &[&str], max_open: usize, wait: Duration) -> Arc<World> {
    Arc::new(
        world_with(tenants, |builder| {
            builder.max_open(max_open).acquire_timeout(wait)
        })
        .await,
    )
}

/// Nothing is leaked: every room is free or taken by an open database that nobody uses.
fn is_settled(world: &World, max_open: usize) -> bool {
    let status = world.db.status();
    status.in_use == 0 && status.waiting == 0 && status.open + status.room == max_open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tenants_through_eight() {
    let ids: Vec<String> = (0..200).map(|number| format!("tenant-{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let world = world_of(&ids, 8, LONG).await;
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..4 {
        for tenant in &ids {
            let (world, tenant) = (Arc::clone(&world), (*tenant).to_owned());
            tasks.spawn(async move {
                let mine = format!("secret of {tenant}");
                world
                    .tenancy
                    .run(tenant.as_str(), async |scope: &TenantScope| {
                        assert!(world.db.status().open <= 8);
                        world
                            .db
                            .transaction(scope, async |tx| -> Result<(), sqlx::Error> {
                                let title: String =
                                    sqlx::query_scalar("SELECT title FROM notes WHERE id = 1")
                                        .fetch_one(&mut *tx)
                                        .await?;
                                assert_eq!(title, mine);
                                // The same keys in every database.
                                sqlx::query("INSERT INTO notes VALUES (?1, ?2)")
                                    .bind(10 + round)
                                    .bind(format!("{mine} {round}"))
                                    .execute(&mut *tx)
                                    .await?;
                                Ok(())
                            })
                            .await
                            .map_err(|error| Error::Statement(error.into()))
                    })
                    .await
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    eventually("all is given back", || is_settled(&world, 8)).await;
    for tenant in &ids {
        let mine = format!("secret of {tenant}");
        let expected: Vec<String> = std::iter::once(mine.clone())
            .chain((0..4).map(|round| format!("{mine} {round}")))
            .collect();
        assert_eq!(world.titles(tenant).await, expected);
    }
}

#[tokio::test]
async fn a_full_cache_waits_then_says_so() {
    let world = world_of(&["acme", "globex", "initech"], 2, SHORT).await;
    let acme = world.checkout("acme").await.unwrap();
    let globex = world.checkout("globex").await.unwrap();
    let error = world.checkout("initech").await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::AllInUse)),
        "{error:?}"
    );
    // Those that are open can still be used.
    drop(world.checkout("acme").await.unwrap());
    drop(acme);
    assert!(world.checkout("initech").await.is_ok());
    drop(globex);
    eventually("all is given back", || is_settled(&world, 2)).await;
}

#[tokio::test]
async fn one_who_waits_gets_the_room_that_comes_free() {
    let world = world_of(&["acme", "globex"], 1, LONG).await;
    let held = world.checkout("acme").await.unwrap();
    let waiting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.count("globex").await }
    });
    eventually("it waits", || world.db.status().waiting == 1).await;
    drop(held);
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test]
async fn a_leased_database_is_never_evicted() {
    let world = world_of(&["acme", "globex", "initech"], 2, LONG).await;
    let mut held = world.checkout("acme").await.unwrap();
    sqlx::raw_sql("BEGIN; INSERT INTO notes VALUES (2, 'held')")
        .execute(&mut *held)
        .await
        .unwrap();
    for _ in 0..10 {
        assert_eq!(world.count("globex").await, 1);
        assert_eq!(world.count("initech").await, 1);
    }
    sqlx::raw_sql("COMMIT").execute(&mut *held).await.unwrap();
    assert_eq!(world.titles("acme").await.len(), 2);
}

#[tokio::test]
async fn the_least_recently_used_goes_first() {
    let world = world_of(&["acme", "globex", "initech"], 2, LONG).await;
    world.count("acme").await;
    world.count("globex").await;
    world.count("acme").await;
    world.count("initech").await;
    // The last connection that closes takes the log away: acme's is still open.
    eventually("globex is closed", || !side(&world, "globex").exists()).await;
    assert!(side(&world, "acme").exists());
}

fn side(world: &World, tenant: &str) -> std::path::PathBuf {
    let mut path = world.path(tenant).into_os_string();
    path.push("-wal");
    path.into()
}

#[tokio::test]
async fn idle_databases_are_closed() {
    let world = world_with(&["acme", "globex"], |builder| {
        builder.idle_timeout(Duration::from_millis(50))
    })
    .await;
    let held = world.checkout("globex").await.unwrap();
    world.count("acme").await;
    eventually("acme is closed", || {
        world.db.status().open == 1 && !side(&world, "acme").exists()
    })
    .await;
    drop(held);
    eventually("globex is closed", || world.db.status().open == 0).await;
    assert_eq!(world.count("acme").await, 1);
}

#[tokio::test]
async fn a_tenants_own_connections_are_bounded() {
    let world = world_with(&["acme", "globex"], |builder| {
        builder.connections_per_tenant(2).acquire_timeout(SHORT)
    })
    .await;
    let _first = world.checkout("acme").await.unwrap();
    let second = world.checkout("acme").await.unwrap();
    let error = world.checkout("acme").await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::PoolTimedOut)),
        "{error:?}"
    );
    assert_eq!(world.count("globex").await, 1);
    drop(second);
    assert_eq!(world.count("acme").await, 1);
}

/// A database that another process has locked: its own tenant waits, nobody else does.
#[tokio::test]
async fn a_slow_database_holds_up_nobody_else() {
    let world = Arc::new(
        world_with(&["acme", "globex"], |builder| {
            builder.max_open(2).acquire_timeout(LONG).busy_timeout(LONG)
        })
        .await,
    );
    let lock = lock(&world, "acme").await;
    let slow = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.count("acme").await }
    });
    eventually("it opens", || world.db.status().in_use == 1).await;
    for _ in 0..50 {
        assert_eq!(world.count("globex").await, 1);
    }
    assert!(!slow.is_finished());
    lock.close().await.unwrap();
    assert_eq!(slow.await.unwrap(), 1);
}

#[tokio::test]
async fn a_database_that_stays_locked_is_a_typed_error() {
    let world = world_of(&["acme", "globex"], 2, SHORT).await;
    let lock = lock(&world, "acme").await;
    let error = world.checkout("acme").await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::OpenTimedOut)),
        "{error:?}"
    );
    assert_eq!(world.db.status().open, 0);
    lock.close().await.unwrap();
    eventually("it opens again", || is_settled(&world, 2)).await;
    assert_eq!(world.count("acme").await, 1);
}

async fn lock(world: &World, tenant: &str) -> SqliteConnection {
    let mut lock = judge(&world.path(tenant)).await;
    sqlx::raw_sql("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        .execute(&mut lock)
        .await
        .unwrap();
    lock
}

/// The store knows the tenant, and nobody has provisioned it.
#[tokio::test]
async fn a_missing_database_makes_no_entry_and_no_file() {
    let world = world_of(&["acme"], 1, LONG).await;
    let ghost = Tenant::new(id("ghost")).with_placement(world.db.placement(&id("ghost")));
    let tenancy = Tenancy::builder(MemoryStore::new([ghost]))
        .without_requests()
        .build();
    let attempts = (0..20).map(|_| {
        tenancy.run("ghost", async |scope: &TenantScope| {
            world.db.acquire(scope).await.map(drop)
        })
    });
    for outcome in futures_util::future::join_all(attempts).await {
        let error = outcome.unwrap_err();
        let missing = DatabaseError::File(tenancy_sqlite::Error::Missing);
        assert_eq!(error.to_string(), missing.to_string());
    }
    assert!(is_settled(&world, 1));
    assert_eq!(world.db.status().open, 0);
    assert!(!world.path("ghost").exists());
    assert_eq!(world.count("acme").await, 1);
}

/// Openings that are dropped on their way leave no entry, no room taken and no connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_openings_leave_nothing() {
    let world = world_of(&["acme", "globex", "initech"], 2, LONG).await;
    for round in 0..300_u64 {
        let tenant = ["acme", "globex", "initech"][usize::try_from(round % 3).unwrap()];
        let attempt = world.checkout(tenant);
        let after = Duration::from_micros(round * 7 % 900);
        drop(tokio::time::timeout(after, attempt).await);
    }
    eventually("all is given back", || is_settled(&world, 2)).await;
    for tenant in ["acme", "globex", "initech"] {
        assert_eq!(world.count(tenant).await, 1);
    }
    // All of each tenant's own connections are there as well.
    for tenant in ["acme", "globex", "initech"] {
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(world.checkout(tenant).await.unwrap());
        }
    }
}

/// Of many that ask at once while it is being opened, one is dropped: the others are served.
#[tokio::test]
async fn an_opening_is_shared_and_taken_over() {
    let world = Arc::new(
        world_with(&["acme"], |builder| {
            builder
                .max_open(1)
                .connections_per_tenant(16)
                .acquire_timeout(LONG)
                .busy_timeout(LONG)
        })
        .await,
    );
    let lock = lock(&world, "acme").await;
    let ask = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.count("acme").await })
    };
    let first = ask();
    eventually("it opens", || world.db.status().in_use == 1).await;
    let others: Vec<_> = (0..10).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    first.abort();
    lock.close().await.unwrap();
    for other in others {
        assert_eq!(other.await.unwrap(), 1);
    }
    assert_eq!(world.db.status().open, 1);
}

#[tokio::test]
async fn close_waits_and_then_refuses() {
    let world = world_of(&["acme", "globex"], 4, LONG).await;
    world.count("globex").await;
    let mut held = world.checkout("acme").await.unwrap();
    let closing = tokio::spawn({
        let db = world.db.clone();
        async move { db.close().await }
    });
    eventually("it refuses", || world.db.status().open == 1).await;
    let error = world.checkout("globex").await.unwrap_err();
    assert!(
        matches!(error, Error::Sqlite(DatabaseError::PoolClosed)),
        "{error:?}"
    );
    sqlx::raw_sql("INSERT INTO notes VALUES (2, 'last')")
        .execute(&mut *held)
        .await
        .unwrap();
    assert!(!closing.is_finished());
    drop(held);
    closing.await.unwrap();
    assert_eq!(world.db.status().open, 0);
    assert!(!side(&world, "acme").exists() && !side(&world, "globex").exists());
    assert_eq!(world.titles("acme").await.len(), 2);
}

/// A checkout that outlives its runtime's task tree, and one without any runtime.
#[test]
fn a_checkout_may_be_dropped_outside_the_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (world, held) = runtime.block_on(async {
        let world = world_with(&["acme"], |builder| builder).await;
        let held = world.checkout("acme").await.unwrap();
        (world, held)
    });
    drop(held);
    runtime.block_on(async {
        eventually("it is given back", || world.db.status().in_use == 0).await;
        assert_eq!(world.count("acme").await, 1);
    });
}

#[tokio::test]
async fn two_applications_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        SqliteTenants::builder(folder.path())
            .schema([SCHEMA])
            .build()
            .unwrap()
    };
    let (one, two) = (open(), open());
    let placement = one.provision(&id("acme")).await.unwrap();
    assert_eq!(two.provision(&id("acme")).await.unwrap(), placement);
    let acme = Tenant::new(id("acme")).with_placement(placement);
    let tenancy = Tenancy::builder(MemoryStore::new([acme]))
        .without_requests()
        .build();
    for db in [&one, &two] {
        tenancy
            .run("acme", async |scope: &TenantScope| {
                db.transaction(scope, async |tx| -> Result<(), Error> {
                    sqlx::query("INSERT INTO notes (title) VALUES ('x')")
                        .execute(&mut *tx)
                        .await
                        .map_err(|error| Error::Statement(error.into()))?;
                    Ok(())
                })
                .await
            })
            .await
            .unwrap();
    }
    let mut judge = judge(&folder.path().join("acme.db")).await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM notes")
        .fetch_one(&mut judge)
        .await
        .unwrap();
    assert_eq!(count, 2);
}
