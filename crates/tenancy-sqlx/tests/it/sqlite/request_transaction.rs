//! The transaction of a request, in its tenant's own database.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt as _, poll};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tenancy_core::{
    Availability, BoxError, Ending, Error as ScopeError, Header, NoRequestTransaction, NotSaved,
    OpenScope, RequestView, Tenancy, TenantId, TenantScope,
};
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::{DatabaseError, SqliteTenants};

use super::support::{World, id, judge, world, world_with};

/// A request that names its tenant, and promises to change nothing, so that a read-only one lets it in.
struct Asked(&'static str);

impl RequestView for Asked {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        let named = (name == "x-tenant").then_some(self.0.as_bytes());
        named.into_iter().collect()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn only_reads(&self) -> bool {
        true
    }
}

fn serving(world: &World) -> Tenancy {
    Tenancy::builder(world.store.clone())
        .resolve(Header::named("x-tenant"))
        .authorize(async |_: &TenantId, _: &dyn RequestView| Ok::<bool, BoxError>(true))
        .build()
}

impl World {
    async fn request(&self, tenant: &'static str) -> OpenScope {
        let open = serving(self).open_request(&Asked(tenant)).await.unwrap();
        open.with_transaction()
    }

    /// One statement in a request's transaction.
    async fn say(&self, open: &OpenScope, sql: &str) -> sqlx::Result<()> {
        let mut tx = self.db.request_transaction(open.scope()).await.unwrap();
        say(&mut tx, sql).await
    }

    async fn seen_by(&self, open: &OpenScope) -> Vec<String> {
        let mut tx = self.db.request_transaction(open.scope()).await.unwrap();
        seen(&mut tx).await
    }

    /// The judge's word: the one note that was there before, and these.
    async fn has(&self, tenant: &str, added: &[&str]) {
        let mut expected = vec![format!("secret of {tenant}")];
        expected.extend(added.iter().map(|&title| title.to_owned()));
        assert_eq!(self.titles(tenant).await, expected);
    }

    /// That nothing holds the database's lock for writing.
    async fn is_free(&self, tenant: &str) {
        let mut judge = judge(&self.path(tenant)).await;
        say(&mut judge, "BEGIN IMMEDIATE; ROLLBACK").await.unwrap();
        judge.close().await.unwrap();
    }
}

async fn say(connection: &mut SqliteConnection, sql: &str) -> sqlx::Result<()> {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

async fn seen(connection: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT title FROM notes ORDER BY id")
        .fetch_all(connection)
        .await
        .unwrap()
}

async fn refused(db: &SqliteTenants, scope: &TenantScope) -> NoRequestTransaction {
    match db.request_transaction(scope).await.map(drop) {
        Err(Error::Scope(ScopeError::RequestTransaction(why))) => why,
        other => panic!("{other:?}"),
    }
}

fn reason(ended: Result<(), NotSaved>) -> Error {
    match ended {
        Err(NotSaved::Commit(why)) => *why.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

const TWO: &str = "INSERT INTO notes VALUES (2, 'two')";
const THREE: &str = "INSERT INTO notes VALUES (3, 'three')";

#[tokio::test]
async fn all_who_ask_share_one_and_nobody_else_sees_it() {
    let world = world().await;
    let requests = [world.request("acme").await, world.request("globex").await];
    // In turn, with the same keys.
    for sql in [TWO, THREE] {
        for request in &requests {
            world.say(request, sql).await.unwrap();
        }
    }
    for (request, tenant) in requests.iter().zip(["acme", "globex"]) {
        let mine = format!("secret of {tenant}");
        assert_eq!(world.seen_by(request).await, [&*mine, "two", "three"]);
        let mut beside = world.db.acquire(request.scope()).await.unwrap();
        assert_eq!(seen(&mut beside).await, [&*mine]);
        world.has(tenant, &[]).await;
        request.end_transaction(true).await.unwrap();
        assert_eq!(seen(&mut beside).await, [&*mine, "two", "three"]);
        world.has(tenant, &["two", "three"]).await;
    }
}

#[tokio::test]
async fn what_is_not_saved_is_gone_and_its_connection_clean() {
    let world = world_with(&["acme"], |builder| builder.connections_per_tenant(1)).await;
    for how in 0..3 {
        let request = world.request("acme").await;
        world.say(&request, TWO).await.unwrap();
        match how {
            0 => request.end_transaction(false).await.unwrap(),
            1 => drop(request.close(Ending::Completed).await),
            _ => drop((request.end_transaction(true), request)),
        }
        world.has("acme", &[]).await;
        let next = world.request("acme").await;
        assert_eq!(world.seen_by(&next).await, ["secret of acme"]);
        next.end_transaction(true).await.unwrap();
        world.is_free("acme").await;
    }
}

#[tokio::test]
async fn a_statement_that_failed_is_taken_back_alone_as_sqlite_has_it() {
    let world = world().await;
    let request = world.request("acme").await;
    world.say(&request, TWO).await.unwrap();
    world.say(&request, TWO).await.unwrap_err();
    request.end_transaction(true).await.unwrap();
    world.has("acme", &["two"]).await;
}

#[tokio::test]
async fn sql_that_ends_it_itself_saves_nothing() {
    let world = world_with(&["acme"], |builder| builder.connections_per_tenant(1)).await;
    for end in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK; BEGIN"] {
        for save in [true, false] {
            let request = world.request("acme").await;
            world.say(&request, TWO).await.unwrap();
            let _either = world.say(&request, end).await;
            let _either = world.say(&request, THREE).await;
            let ended = request.end_transaction(save).await;
            if save {
                let why = reason(ended);
                let over = matches!(why, Error::Sqlite(DatabaseError::TransactionOver));
                assert!(over, "{end}: {why:?}");
            }
            drop(request);
            let kept = world.titles("acme").await;
            assert!(!kept.contains(&"two".to_owned()), "{end}: {kept:?}");
        }
    }
}

#[tokio::test]
async fn a_deferred_constraint_keeps_it_from_being_saved() {
    let world = world().await;
    let mut judge = judge(&world.path("acme")).await;
    let tags = "CREATE TABLE tags \
         (note INTEGER NOT NULL REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)";
    say(&mut judge, tags).await.unwrap();
    judge.close().await.unwrap();
    for (note, is_saved) in [(424_242, false), (2, true)] {
        let request = world.request("acme").await;
        let tag = format!("INSERT INTO tags VALUES ({note})");
        world.say(&request, &tag).await.unwrap();
        world.say(&request, TWO).await.unwrap();
        let ended = request.end_transaction(true).await;
        if is_saved {
            ended.unwrap();
        } else {
            let why = reason(ended);
            let refused = matches!(why, Error::Sqlite(DatabaseError::Commit(_)));
            assert!(refused, "{why:?}");
        }
        drop(request);
        world.is_free("acme").await;
        world
            .has("acme", if is_saved { &["two"] } else { &[] })
            .await;
    }
}

/// By a time limit in the handler, say: then the answer is saved as a whole, or not at all.
#[tokio::test]
async fn a_query_given_up_midway_leaves_nothing_behind() {
    let world = world_with(&["acme"], |builder| builder.connections_per_tenant(1)).await;
    let mut kept = Vec::new();
    for (title, end) in [("a", Some(true)), ("b", Some(false)), ("c", None)] {
        let request = world.request("acme").await;
        let insert = format!("INSERT INTO notes (title) VALUES ('{title}')");
        world.say(&request, &insert).await.unwrap();
        {
            let mut tx = world.db.request_transaction(request.scope()).await.unwrap();
            let long = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 200000) \
                 SELECT count(*) FROM n";
            let mut query = Box::pin(say(&mut tx, long));
            assert!(poll!(&mut query).is_pending());
        }
        if let Some(save) = end {
            let ended = request.end_transaction(save).await;
            if save && ended.is_ok() {
                kept.push(title);
            }
            assert!(save || ended.is_ok(), "{ended:?}");
        }
        drop(request);
        let next = world.request("acme").await;
        assert_eq!(world.seen_by(&next).await.len(), 1 + kept.len());
        drop(next);
        world.has("acme", &kept).await;
    }
}

#[tokio::test]
async fn a_read_only_request_only_reads() {
    let world = world().await;
    let read_only = Availability::ReadOnly { until: None };
    world
        .store
        .set_availability(&id("acme"), read_only)
        .unwrap();
    let request = world.request("acme").await;
    assert!(request.scope().is_read_only());
    world.say(&request, TWO).await.unwrap_err();
    world
        .say(&request, "PRAGMA query_only = 0")
        .await
        .unwrap_err();
    world.say(&request, TWO).await.unwrap_err();
    assert_eq!(world.seen_by(&request).await, ["secret of acme"]);
    request.end_transaction(true).await.unwrap();
    world.has("acme", &[]).await;
}

#[tokio::test]
async fn a_panic_gives_it_up() {
    let world = world().await;
    let request = world.request("acme").await;
    let panics = async {
        let mut tx = world.db.request_transaction(request.scope()).await.unwrap();
        say(&mut tx, TWO).await.unwrap();
        panic!("on purpose");
    };
    let caught = AssertUnwindSafe(panics).catch_unwind().await;
    assert!(caught.is_err());
    let given_up = refused(&world.db, request.scope()).await;
    assert_eq!(given_up, NoRequestTransaction::GivenUp);
    let ended = request.end_transaction(true).await;
    assert!(matches!(ended, Err(NotSaved::GivenUp)), "{ended:?}");
    world.is_free("acme").await;
    world.has("acme", &[]).await;
}

#[tokio::test]
async fn it_is_refused_to_whoever_may_not_have_it() {
    let world = world().await;
    let another = SqliteTenants::builder(world.folder.path()).build().unwrap();
    let request = world.request("acme").await;
    let ticket = request.scope().ticket();
    let held = world.db.request_transaction(&ticket).await.unwrap();
    for db in [&world.db, &another] {
        assert_eq!(refused(db, &ticket).await, NoRequestTransaction::InUse);
    }
    drop(held);
    let elsewhere = refused(&another, &ticket).await;
    assert_eq!(elsewhere, NoRequestTransaction::AnotherPool);

    let misuse = async |_: &TenantScope| -> Result<(), ScopeError> {
        let refused = world.db.request_transaction(&ticket).await.map(drop);
        let mismatch = matches!(refused, Err(Error::Scope(ScopeError::ScopeMismatch)));
        assert!(mismatch, "{refused:?}");
        Ok(())
    };
    world.tenancy.run("globex", misuse).await.unwrap();

    // Held when the answer begins.
    let mut held = world.db.request_transaction(&ticket).await.unwrap();
    say(&mut held, TWO).await.unwrap();
    let ended = request.end_transaction(true).await;
    assert!(matches!(ended, Err(NotSaved::InUse)), "{ended:?}");
    say(&mut held, THREE).await.unwrap();
    drop(held);
    assert_eq!(
        refused(&world.db, &ticket).await,
        NoRequestTransaction::Over
    );
    drop(request);
    let ended = world.db.request_transaction(&ticket).await.map(drop);
    let is_over = matches!(ended, Err(Error::Scope(ScopeError::ScopeEnded)));
    assert!(is_over, "{ended:?}");

    let off = serving(&world).open_request(&Asked("acme")).await.unwrap();
    let off = refused(&world.db, off.scope()).await;
    assert_eq!(off, NoRequestTransaction::Off);
    world.is_free("acme").await;
    world.has("acme", &[]).await;
}

#[tokio::test]
async fn one_that_could_not_be_begun_is_begun_by_the_next_who_asks() {
    let world = world_with(&["acme"], |builder| {
        builder
            .connections_per_tenant(1)
            .acquire_timeout(Duration::from_millis(200))
    })
    .await;
    let request = world.request("acme").await;
    let held = world.db.acquire(request.scope()).await.unwrap();
    let timed_out = world.db.request_transaction(request.scope()).await;
    let timed_out = timed_out.map(drop).unwrap_err();
    let is_pools = matches!(timed_out, Error::Sqlite(DatabaseError::PoolTimedOut));
    assert!(is_pools, "{timed_out:?}");
    drop(held);
    world.say(&request, TWO).await.unwrap();
    request.end_transaction(true).await.unwrap();
    world.has("acme", &["two"]).await;
}
