//! The transaction of a request: who gets it, how it ends, and that nothing of it is left behind.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, poll};
use tenancy_core::{
    Bootstrapper, BoxError, Ending, Error, Header, MemoryStore, NoRequestTransaction, NotSaved,
    OpenScope, RequestTransaction, RequestView, ScopedDatabase, Tenancy, TenantId, TenantScope,
    TransactionalDatabase,
};
use tokio::task::yield_now;

use crate::support::{Fake, tenant};

/// What goes wrong in a database.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Goes {
    #[default]
    Well,
    FailsToBegin,
    PanicsAtBegin,
    FailsToEnd,
    PanicsAtEnd,
}

/// A database that writes down what is asked of it, and does nothing at once.
#[derive(Clone, Default)]
struct Db(Arc<Parts>);

#[derive(Default)]
struct Parts {
    log: Mutex<Vec<String>>,
    goes: Mutex<Goes>,
}

struct Tx {
    db: Db,
    written: Vec<&'static str>,
    ended: bool,
}

#[derive(Debug, thiserror::Error)]
enum DbError {
    #[error(transparent)]
    Scope(#[from] Error),
    #[error("no")]
    No,
}

impl Db {
    fn note(&self, what: impl Into<String>) {
        self.0.log.lock().unwrap().push(what.into());
    }

    fn log(&self) -> Vec<String> {
        self.0.log.lock().unwrap().clone()
    }

    fn will_go(&self, goes: Goes) {
        *self.0.goes.lock().unwrap() = goes;
    }

    fn goes(&self) -> Goes {
        *self.0.goes.lock().unwrap()
    }

    async fn ask<'s>(
        &self,
        scope: &'s TenantScope,
    ) -> Result<RequestTransaction<'s, Self>, DbError> {
        RequestTransaction::of(self, scope).await
    }

    async fn write(&self, scope: &TenantScope, what: &'static str) {
        self.ask(scope).await.unwrap().push(what);
    }

    async fn refusal(&self, scope: &TenantScope) -> NoRequestTransaction {
        match self.ask(scope).await.map(drop) {
            Err(DbError::Scope(Error::RequestTransaction(why))) => why,
            other => panic!("{other:?}"),
        }
    }
}

impl ScopedDatabase for Db {
    type Connection = ();
    type Error = DbError;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<(), DbError> {
        Ok(scope.ensure_usable()?)
    }
}

impl TransactionalDatabase for Db {
    type Transaction = Tx;
    type Handle = Vec<&'static str>;

    async fn begin_owned(&self, scope: TenantScope) -> Result<Tx, DbError> {
        scope.ensure_usable()?;
        yield_now().await;
        match self.goes() {
            Goes::FailsToBegin => return Err(DbError::No),
            Goes::PanicsAtBegin => panic!("at begin"),
            _ => {}
        }
        self.note(format!("begun for {}", scope.tenant_id()));
        let tx = Tx {
            db: self.clone(),
            written: Vec::new(),
            ended: false,
        };
        yield_now().await;
        Ok(tx)
    }

    async fn commit(transaction: Tx) -> Result<(), DbError> {
        transaction.end("committed").await
    }

    async fn rollback(transaction: Tx) -> Result<(), DbError> {
        transaction.end("rolled back").await
    }

    fn handle(transaction: &Tx) -> &Self::Handle {
        &transaction.written
    }

    fn handle_mut(transaction: &mut Tx) -> &mut Self::Handle {
        &mut transaction.written
    }

    fn is_same_pool(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Tx {
    async fn end(mut self, how: &str) -> Result<(), DbError> {
        yield_now().await;
        match self.db.goes() {
            Goes::FailsToEnd => return Err(DbError::No),
            Goes::PanicsAtEnd => panic!("at the end"),
            _ => {}
        }
        self.ended = true;
        self.db.note(format!("{how} {}", self.written.join(" ")));
        yield_now().await;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.ended {
            self.db.note(format!("dropped {}", self.written.join(" ")));
        }
    }
}

fn serving() -> Tenancy {
    builder().build()
}

fn builder() -> tenancy_core::TenancyBuilder<tenancy_core::Complete> {
    Tenancy::builder(MemoryStore::new([tenant("acme"), tenant("globex")]))
        .resolve(Header::named("x-tenant-id"))
        .authorize(async |_: &TenantId, _: &dyn RequestView| Ok::<bool, BoxError>(true))
}

async fn request(tenancy: &Tenancy, tenant: &str) -> OpenScope {
    let asked = Fake::path("/").header("x-tenant-id", tenant);
    let open = tenancy.open_request(&asked).await.unwrap();
    open.with_transaction()
}

async fn acme() -> OpenScope {
    request(&serving(), "acme").await
}

#[tokio::test]
async fn the_first_begins_it_and_whoever_asks_later_goes_on() {
    for (save, ended) in [(true, "committed one two"), (false, "rolled back one two")] {
        let (db, open) = (Db::default(), acme().await);
        assert!(open.has_transaction());
        assert!(db.log().is_empty(), "nobody has asked");
        db.write(open.scope(), "one").await;
        let tx = db.ask(open.scope()).await.unwrap();
        assert_eq!(*tx, ["one"]);
        assert_eq!(format!("{tx:?}"), "RequestTransaction { .. }");
        drop(tx);
        // By a ticket, and by a clone of the pool, which is that pool.
        db.clone().write(&open.scope().ticket(), "two").await;
        assert_eq!(db.log(), ["begun for acme"]);
        open.end_transaction(save).await.unwrap();
        assert!(!open.has_transaction());
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        drop(open);
        assert_eq!(db.log(), ["begun for acme", ended]);
    }
}

#[tokio::test]
async fn the_ambient_scope_and_a_nested_run_have_the_same() {
    let (db, tenancy) = (Db::default(), serving());
    let open = request(&tenancy, "acme").await;
    let handler = async {
        db.write(&TenantScope::current().unwrap(), "one").await;
        let nested = tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
            db.write(scope, "two").await;
            Ok(())
        });
        nested.await.unwrap();
    };
    open.scope().scope(handler).await;
    open.end_transaction(true).await.unwrap();
    assert_eq!(db.log(), ["begun for acme", "committed one two"]);
}

#[tokio::test]
async fn two_requests_have_two() {
    let (db, tenancy) = (Db::default(), serving());
    let (one, other) = (
        request(&tenancy, "acme").await,
        request(&tenancy, "globex").await,
    );
    db.write(one.scope(), "one").await;
    db.write(other.scope(), "two").await;
    one.end_transaction(true).await.unwrap();
    other.end_transaction(false).await.unwrap();
    let log = [
        "begun for acme",
        "begun for globex",
        "committed one",
        "rolled back two",
    ];
    assert_eq!(db.log(), log);
}

#[tokio::test]
async fn nobody_begins_what_nobody_would_end() {
    let (db, tenancy) = (Db::default(), serving());
    let asked = Fake::path("/").header("x-tenant-id", "acme");
    let open = tenancy.open_request(&asked).await.unwrap();
    assert!(!open.has_transaction());
    assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Off);
    open.end_transaction(true).await.unwrap();
    let worker = tenancy.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
        assert_eq!(db.refusal(scope).await, NoRequestTransaction::Off);
        Ok(())
    });
    worker.await.unwrap();
    assert!(db.log().is_empty());
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_begun_by_its_end() {
    for save in [true, false] {
        let (db, open) = (Db::default(), acme().await);
        open.end_transaction(save).await.unwrap();
        assert!(!open.has_transaction());
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        // Not even by switching it on once more.
        let open = open.with_transaction();
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        assert!(db.log().is_empty());
    }
}

#[tokio::test]
async fn one_handle_at_a_time() {
    let (db, open) = (Db::default(), acme().await);
    // Also while it is begun, at each of the awaits of that.
    for polls in 1.. {
        let mut first = Box::pin(db.ask(open.scope()));
        let mut begun = None;
        for _ in 0..polls {
            if let std::task::Poll::Ready(tx) = poll!(&mut first) {
                begun = Some(tx.unwrap());
                break;
            }
        }
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::InUse);
        let is_begun = begun.is_some();
        drop((begun, first));
        if is_begun {
            break;
        }
    }
    db.write(open.scope(), "one").await;
    open.end_transaction(true).await.unwrap();
    // One was dropped after it was begun, and before anyone had it.
    let log = [
        "begun for acme",
        "dropped ",
        "begun for acme",
        "committed one",
    ];
    assert_eq!(db.log(), log);
}

#[tokio::test]
async fn of_those_who_ask_at_once_one_gets_it() {
    let (db, open) = (Db::default(), acme().await);
    let asked = (0..8).map(|_| db.ask(open.scope()));
    let answers = futures_util::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    drop(answers);
    assert_eq!(db.log(), ["begun for acme"]);
}

#[tokio::test]
async fn a_request_has_one_pools() {
    let (db, another, open) = (Db::default(), Db::default(), acme().await);
    let held = db.ask(open.scope()).await.unwrap();
    let refused = another.refusal(open.scope()).await;
    assert_eq!(refused, NoRequestTransaction::InUse);
    drop(held);
    let refused = another.refusal(open.scope()).await;
    assert_eq!(refused, NoRequestTransaction::AnotherPool);
    // The refusal took nothing away.
    db.write(open.scope(), "one").await;
    open.end_transaction(true).await.unwrap();
    assert_eq!(db.log(), ["begun for acme", "committed one"]);
    assert!(another.log().is_empty());
}

#[tokio::test]
async fn a_begin_that_fails_or_is_dropped_leaves_it_to_the_next() {
    let (db, open) = (Db::default(), acme().await);
    db.will_go(Goes::FailsToBegin);
    let failed = db.ask(open.scope()).await.unwrap_err();
    assert!(matches!(failed, DbError::No), "{failed:?}");
    db.will_go(Goes::Well);
    let mut dropped = Box::pin(db.ask(open.scope()));
    assert!(poll!(&mut dropped).is_pending());
    drop(dropped);
    assert!(open.has_transaction());
    // Of any pool.
    let another = Db::default();
    another.write(open.scope(), "one").await;
    open.end_transaction(true).await.unwrap();
    assert!(db.log().is_empty());
    assert_eq!(another.log(), ["begun for acme", "committed one"]);
}

#[tokio::test]
async fn a_panic_gives_it_up() {
    for goes in [Goes::Well, Goes::PanicsAtBegin] {
        for save in [true, false] {
            let (db, open) = (Db::default(), acme().await);
            db.will_go(goes);
            let panics = async {
                let mut tx = db.ask(open.scope()).await.unwrap();
                tx.push("half");
                panic!("on purpose");
            };
            let caught = AssertUnwindSafe(panics).catch_unwind().await;
            assert!(caught.is_err());
            // It is dropped at once.
            let log = if goes == Goes::Well {
                vec!["begun for acme", "dropped half"]
            } else {
                vec![]
            };
            assert_eq!(db.log(), log);
            db.will_go(Goes::Well);
            assert_eq!(
                db.refusal(open.scope()).await,
                NoRequestTransaction::GivenUp
            );
            match (save, open.end_transaction(save).await) {
                (true, Err(NotSaved::GivenUp)) | (false, Ok(())) => {}
                (_, other) => panic!("{other:?}"),
            }
            drop(open);
            assert_eq!(db.log(), log);
        }
    }
}

#[tokio::test]
async fn a_handle_that_outlives_the_answer_saves_nothing() {
    for save in [true, false] {
        let (db, open) = (Db::default(), acme().await);
        let ticket = open.scope().ticket();
        let mut held = db.ask(&ticket).await.unwrap();
        match (save, open.end_transaction(save).await) {
            (true, Err(NotSaved::InUse)) | (false, Ok(())) => {}
            (_, other) => panic!("{other:?}"),
        }
        held.push("late");
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        drop(held);
        let log = ["begun for acme", "dropped late"];
        assert_eq!(db.log(), log);
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        drop(open);
        assert_eq!(db.log(), log);
    }
}

#[tokio::test]
async fn one_that_is_being_begun_when_the_answer_begins_saves_nothing() {
    let (db, open) = (Db::default(), acme().await);
    let ticket = open.scope().ticket();
    let mut late = Box::pin(db.ask(&ticket));
    assert!(poll!(&mut late).is_pending());
    let ended = open.end_transaction(true).await;
    assert!(matches!(ended, Err(NotSaved::InUse)), "{ended:?}");
    late.await.unwrap().push("late");
    assert_eq!(db.log(), ["begun for acme", "dropped late"]);
}

#[tokio::test]
async fn a_commit_that_fails_is_said_with_its_reason_and_a_rollback_that_fails_is_not() {
    for save in [true, false] {
        let (db, open) = (Db::default(), acme().await);
        db.write(open.scope(), "one").await;
        db.will_go(Goes::FailsToEnd);
        match (save, open.end_transaction(save).await) {
            (true, Err(NotSaved::Commit(why))) => assert!(why.is::<DbError>(), "{why:?}"),
            (false, Ok(())) => {}
            (_, other) => panic!("{other:?}"),
        }
        assert_eq!(db.log(), ["begun for acme", "dropped one"]);
        assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
        // Asked a second time, it is still not saved.
        let again = open.end_transaction(true).await;
        assert!(matches!(again, Err(NotSaved::Lost)), "{again:?}");
    }
}

#[tokio::test]
async fn a_commit_that_panics_saves_nothing_and_leaves_nothing() {
    let (db, open) = (Db::default(), acme().await);
    db.write(open.scope(), "one").await;
    db.will_go(Goes::PanicsAtEnd);
    let ended = AssertUnwindSafe(open.end_transaction(true));
    assert!(ended.catch_unwind().await.is_err());
    assert_eq!(db.log(), ["begun for acme", "dropped one"]);
    assert_eq!(db.refusal(open.scope()).await, NoRequestTransaction::Over);
}

#[tokio::test]
async fn saved_once_it_is_saved() {
    let (db, open) = (Db::default(), acme().await);
    db.write(open.scope(), "one").await;
    open.end_transaction(true).await.unwrap();
    open.end_transaction(true).await.unwrap();
    open.end_transaction(false).await.unwrap();
    assert_eq!(db.log(), ["begun for acme", "committed one"]);
}

#[tokio::test]
async fn the_scopes_end_takes_it_back() {
    for is_closed in [true, false] {
        let (db, open) = (Db::default(), acme().await);
        db.write(open.scope(), "one").await;
        let (ticket, saved) = (open.scope().ticket(), open.end_transaction(true));
        if is_closed {
            drop(open.close(Ending::Completed).await);
        } else {
            drop(open);
        }
        let log = ["begun for acme", "dropped one"];
        assert_eq!(db.log(), log);
        let ended = db.ask(&ticket).await.map(drop);
        assert!(
            matches!(ended, Err(DbError::Scope(Error::ScopeEnded))),
            "{ended:?}"
        );
        // An end that comes too late does not say that it was saved.
        let saved = saved.await;
        assert!(matches!(saved, Err(NotSaved::Lost)), "{saved:?}");
        assert_eq!(db.log(), log);
    }
}

#[tokio::test]
async fn a_handle_that_outlives_the_scope_saves_nothing() {
    let (db, open) = (Db::default(), acme().await);
    let ticket = open.scope().ticket();
    let mut held = db.ask(&ticket).await.unwrap();
    drop(open);
    held.push("late");
    drop(held);
    assert_eq!(db.log(), ["begun for acme", "dropped late"]);
}

#[tokio::test]
async fn inside_another_tenants_scope_it_is_not_to_be_had() {
    let (db, tenancy) = (Db::default(), serving());
    let open = request(&tenancy, "acme").await;
    let outer = open.scope().ticket();
    for begun in [false, true] {
        if begun {
            db.write(&outer, "one").await;
        }
        let misuse = tenancy.run("globex", async |_: &TenantScope| -> Result<(), Error> {
            let refused = db.ask(&outer).await.map(drop);
            let mismatch = matches!(refused, Err(DbError::Scope(Error::ScopeMismatch)));
            assert!(mismatch, "{refused:?}");
            Ok(())
        });
        misuse.await.unwrap();
    }
    db.write(open.scope(), "two").await;
    open.end_transaction(true).await.unwrap();
    assert_eq!(db.log(), ["begun for acme", "committed one two"]);
}

/// The future of a handler and its answer is dropped at each of its awaits in turn: whatever was begun
/// has ended once, and was saved only where its commit had been under way.
#[tokio::test]
async fn dropped_at_every_await() {
    for save in [true, false] {
        for polls in 0.. {
            let (db, open) = (Db::default(), acme().await);
            let mut request = Box::pin(async {
                let open = open;
                db.write(open.scope(), "one").await;
                yield_now().await;
                let mut tx = db.ask(open.scope()).await.unwrap();
                tx.push("two");
                yield_now().await;
                drop(tx);
                open.end_transaction(save).await.unwrap();
                db.note("answered");
            });
            let mut is_done = false;
            for _ in 0..polls {
                is_done = poll!(&mut request).is_ready();
                if is_done {
                    break;
                }
            }
            drop(request);
            let log = db.log();
            let count = |what: &str| log.iter().filter(|entry| entry.starts_with(what)).count();
            let ended = count("dropped") + count("committed") + count("rolled back");
            assert_eq!(count("begun"), ended, "after {polls}: {log:?}");
            if !save {
                assert_eq!(count("committed"), 0, "after {polls}: {log:?}");
            }
            if count("answered") == 1 {
                let how = if save { "committed" } else { "rolled back" };
                assert_eq!(log[1], format!("{how} one two"));
            }
            if is_done {
                break;
            }
        }
    }
}

/// What bootstrappers may have of it: none.
struct Asks(Db);

impl Bootstrapper for Asks {
    type State = ();

    fn name(&self) -> &'static str {
        "asks"
    }

    async fn initialize(&self, scope: &TenantScope) -> Result<(), BoxError> {
        let refused = self.0.refusal(scope).await;
        assert_eq!(refused, NoRequestTransaction::Off);
        Ok(())
    }

    async fn revert(&self, scope: &TenantScope, (): ()) -> Result<(), BoxError> {
        let refused = self.0.refusal(scope).await;
        self.0.note(format!("{refused:?} in revert"));
        Ok(())
    }
}

#[tokio::test]
async fn a_bootstrapper_has_none_before_or_after() {
    let db = Db::default();
    let tenancy = builder().bootstrap(Asks(db.clone())).build();
    let open = request(&tenancy, "acme").await;
    db.write(open.scope(), "one").await;
    let cleanup = open.close(Ending::Completed).await;
    assert!(cleanup.is_empty(), "{cleanup:?}");
    let log = ["begun for acme", "dropped one", "Over in revert"];
    assert_eq!(db.log(), log);
}

/// A database whose rollback never ends, and whose transactions panic where they are dropped alone.
#[derive(Clone, Default)]
struct Stuck(Arc<()>);

struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

impl ScopedDatabase for Stuck {
    type Connection = ();
    type Error = DbError;

    async fn acquire_owned(&self, _: TenantScope) -> Result<(), DbError> {
        Ok(())
    }
}

impl TransactionalDatabase for Stuck {
    type Transaction = Explosive;
    type Handle = Explosive;

    async fn begin_owned(&self, _: TenantScope) -> Result<Explosive, DbError> {
        Ok(Explosive)
    }

    async fn commit(transaction: Explosive) -> Result<(), DbError> {
        std::mem::forget(transaction);
        Ok(())
    }

    async fn rollback(transaction: Explosive) -> Result<(), DbError> {
        std::mem::forget(transaction);
        std::future::pending().await
    }

    fn handle(transaction: &Explosive) -> &Explosive {
        transaction
    }

    fn handle_mut(transaction: &mut Explosive) -> &mut Explosive {
        transaction
    }

    fn is_same_pool(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_held_up_by_its_rollback() {
    let (stuck, open) = (Stuck::default(), acme().await);
    drop(RequestTransaction::of(&stuck, open.scope()).await.unwrap());
    // Time stands still but for what is waited for.
    let within = std::time::Duration::from_secs(1);
    let ended = tokio::time::timeout(within, open.end_transaction(false)).await;
    assert!(matches!(ended, Ok(Ok(()))));
}

#[tokio::test]
async fn a_transaction_that_panics_as_it_is_dropped_holds_up_no_revert() {
    let (db, stuck) = (Db::default(), Stuck::default());
    let tenancy = builder().bootstrap(Asks(db.clone())).build();
    let open = request(&tenancy, "acme").await;
    drop(RequestTransaction::of(&stuck, open.scope()).await.unwrap());
    let cleanup = open.close(Ending::Completed).await;
    assert!(cleanup.is_empty(), "{cleanup:?}");
    assert_eq!(db.log(), ["Over in revert"]);
}
