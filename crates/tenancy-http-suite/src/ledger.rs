//! A database that tells what became of its transactions, for the integrations' own tests.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use tenancy_core::{
    Error, NoRequestTransaction, RequestTransaction, ScopedDatabase, Tenancy, TenantScope,
    TransactionalDatabase,
};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Begun,
    /// Its commit is under way.
    Committing,
    Committed,
    /// Its commit was refused.
    NotCommitted,
    RolledBack,
    /// It was dropped without an end, which rolls back.
    Dropped,
}

pub use Fate::{Begun, Committed, Committing, Dropped, NotCommitted, RolledBack};

/// A database that tells what became of its transactions. Clones are one pool.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Books>);

#[derive(Debug)]
struct Books {
    fates: Mutex<Vec<Fate>>,
    saved: Mutex<Vec<String>>,
    refuses: watch::Sender<bool>,
    held_up: watch::Sender<bool>,
    kept: Mutex<Option<Kept>>,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            fates: Mutex::default(),
            saved: Mutex::default(),
            refuses: watch::Sender::new(false),
            held_up: watch::Sender::new(false),
            kept: Mutex::default(),
        }
    }
}

/// A task that holds a handle.
#[derive(Debug)]
struct Kept {
    let_go: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Ledger {
    /// Writes in the transaction of the request that `scope` was opened for.
    pub async fn write(&self, scope: &TenantScope, text: &str) -> Result<(), Error> {
        let mut transaction = RequestTransaction::of(self, scope).await?;
        tokio::task::yield_now().await;
        transaction.push(text.to_owned());
        Ok(())
    }

    /// Writes, and panics with the handle in its hands.
    pub async fn write_and_panic(&self, scope: &TenantScope) {
        let mut transaction = RequestTransaction::of(self, scope).await.unwrap();
        transaction.push("half".to_owned());
        panic!("on purpose")
    }

    /// Why the request that `scope` was opened for has no transaction.
    pub async fn why_not(&self, scope: &TenantScope) -> NoRequestTransaction {
        match RequestTransaction::of(self, scope).await {
            Err(Error::RequestTransaction(why)) => why,
            other => panic!("there was to be none: {other:?}"),
        }
    }

    /// Why central work has none, though a tenant's scope is open in it.
    pub async fn why_not_in_central_work(&self, tenancy: &Tenancy) -> NoRequestTransaction {
        let asked = tenancy.run("acme", async |scope: &TenantScope| -> Result<_, Error> {
            Ok(self.why_not(scope).await)
        });
        asked.await.unwrap()
    }

    /// Holds a handle in a task of its own, until [let go](Self::let_go).
    pub async fn keep(&self, ticket: TenantScope) {
        let ledger = self.clone();
        let (let_go, told) = oneshot::channel();
        let (begun, has_begun) = oneshot::channel();
        let task = tokio::spawn(async move {
            let transaction = RequestTransaction::of(&ledger, &ticket).await.unwrap();
            begun.send(()).unwrap();
            told.await.unwrap();
            drop(transaction);
        });
        has_begun.await.unwrap();
        *self.0.kept.lock().unwrap() = Some(Kept { let_go, task });
    }

    /// Ends the task that [keeps](Self::keep) a handle.
    pub async fn let_go(&self) {
        let kept = self.0.kept.lock().unwrap().take().unwrap();
        kept.let_go.send(()).unwrap();
        kept.task.await.unwrap();
    }

    /// Refuses every commit from here on.
    pub fn refuse_commits(&self) {
        self.0.refuses.send_replace(true);
    }

    /// Lets every commit wait, or go on.
    pub fn hold_up_commits(&self, held_up: bool) {
        self.0.held_up.send_replace(held_up);
    }

    /// What became of its transactions so far, in order; forgotten from here on.
    pub fn take(&self) -> Vec<Fate> {
        mem::take(&mut self.0.fates())
    }

    /// What was committed so far, each with whose it is.
    pub fn saved(&self) -> Vec<String> {
        self.0.saved.lock().unwrap().clone()
    }
}

impl Books {
    fn fates(&self) -> MutexGuard<'_, Vec<Fate>> {
        self.fates.lock().unwrap()
    }
}

/// A transaction of a [`Ledger`].
#[derive(Debug)]
pub struct Transaction {
    books: Arc<Books>,
    scope: TenantScope,
    written: Vec<String>,
    ended: bool,
}

impl Transaction {
    fn become_of(&mut self, fate: Fate) {
        self.ended = true;
        self.books.fates().push(fate);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            self.become_of(Dropped);
        }
    }
}

impl ScopedDatabase for Ledger {
    type Connection = ();
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<(), Error> {
        scope.ensure_usable()
    }
}

impl TransactionalDatabase for Ledger {
    type Transaction = Transaction;
    type Handle = Vec<String>;

    async fn begin_owned(&self, scope: TenantScope) -> Result<Transaction, Error> {
        scope.ensure_usable()?;
        self.0.fates().push(Begun);
        Ok(Transaction {
            books: Arc::clone(&self.0),
            scope,
            written: Vec::new(),
            ended: false,
        })
    }

    async fn commit(mut transaction: Transaction) -> Result<(), Error> {
        let books = Arc::clone(&transaction.books);
        if *books.held_up.borrow() {
            books.fates().push(Committing);
            let mut held_up = books.held_up.subscribe();
            held_up.wait_for(|held_up| !held_up).await.unwrap();
        }
        if *books.refuses.borrow() {
            transaction.become_of(NotCommitted);
            return Err(Error::ScopeEnded);
        }
        let tenant = transaction.scope.tenant_id().clone();
        let written = mem::take(&mut transaction.written);
        let written = written.iter().map(|text| format!("{tenant}: {text}"));
        books.saved.lock().unwrap().extend(written);
        transaction.become_of(Committed);
        Ok(())
    }

    async fn rollback(mut transaction: Transaction) -> Result<(), Error> {
        // Also where it is not done at once, nobody is answered before.
        tokio::task::yield_now().await;
        transaction.become_of(RolledBack);
        Ok(())
    }

    fn handle(transaction: &Transaction) -> &Vec<String> {
        &transaction.written
    }

    fn handle_mut(transaction: &mut Transaction) -> &mut Vec<String> {
        &mut transaction.written
    }

    fn is_same_pool(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
