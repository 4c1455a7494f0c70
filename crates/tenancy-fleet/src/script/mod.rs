//! Running scripts inside one tenant's place, with a book there that says what has run.
//!
//! The place is locked while it is worked on, by a lock that dies with its connection. What a script
//! leaves on a connection is not there for the next tenant, and a script that ends our transaction
//! is noticed. The three databases are siblings: `begin`, `note`, `roll_back`, and `alone` for what
//! can't run in a transaction.

mod book;
mod limits;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
pub(crate) mod text;
mod tries;

use std::sync::Arc;

pub(crate) use book::Book;
pub use limits::Limits;
pub(crate) use tries::Tries;

use crate::db::{Cell, Fault, FaultKind, Kind, Row, ScriptFault, said};
use crate::site::Open;

/// What stands in the way of a script, or of its record in the book.
#[derive(Debug)]
#[allow(dead_code)] // with one feature alone, some are never made
pub(crate) enum Trouble {
    /// Another connection holds the place.
    Busy,
    /// The place is not there.
    Missing,
    /// The place is not marked as the tenant's.
    NotOurs,
    /// A script ended the transaction that it ran in.
    Left,
    /// The connection was lost while the end of the transaction was on its way.
    Unknown,
    /// The database refused what the scripts have done, when it was to be saved.
    Refused(ScriptFault),
    /// The database failed.
    Fault(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How a script came to its end.
pub(crate) enum Ran {
    Well,
    /// It failed, and whether everything is as it was before.
    Badly {
        said: ScriptFault,
        undone: bool,
    },
}

/// One book in one place, worked on.
pub(crate) struct Desk<'a> {
    pub(crate) open: &'a mut Open,
    #[allow(dead_code)] // SQLite's are its connection's
    limits: &'a Limits,
    book: Book,
    /// What only our own transaction knows.
    nonce: String,
}

/// The same call on the sibling of each database.
macro_rules! each {
    ($desk:ident . $call:ident ( $($argument:expr),* )) => {
        match $desk.open.kind() {
            #[cfg(feature = "postgres")]
            Kind::Postgres => postgres::$call($desk, $($argument),*).await,
            #[cfg(feature = "mysql")]
            Kind::Mysql => mysql::$call($desk, $($argument),*).await,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite => sqlite::$call($desk, $($argument),*).await,
            #[allow(unreachable_patterns)] // with every feature, there is no other
            _ => Err(Fault::of(FaultKind::Driver).into()),
        }
    };
}

impl<'a> Desk<'a> {
    pub(crate) fn at(open: &'a mut Open, book: Book, limits: &'a Limits) -> Result<Self, Trouble> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Fault::of(FaultKind::Driver))?;
        Ok(Self {
            open,
            limits,
            book,
            nonce: text::hex(&bytes),
        })
    }

    /// The book's name in SQL.
    pub(crate) fn table(&self) -> String {
        self.book.table(self.open)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.open.kind()
    }

    /// Locks the place, sees that it is the tenant's, and reads the book; on PostgreSQL and
    /// `SQLite` inside the transaction that scripts run in.
    pub(crate) async fn begin(&mut self) -> Result<Vec<Row>, Trouble> {
        let done = each!(self.begin());
        self.settled(done).await
    }

    /// Whether the book may be opened without making it for good: on `MariaDB` nothing undoes that.
    pub(crate) async fn has_book(&mut self) -> Result<bool, Trouble> {
        if self.kind() != Kind::Mysql {
            return Ok(true);
        }
        let sql = format!(
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = {} AND TABLE_NAME = '{}'",
            text::text(Kind::Mysql, self.open.database()),
            self.book.name()
        );
        Ok(self.open.raw_rows(&sql).await? != [[Cell::Int(0)]])
    }

    /// A script in the transaction.
    pub(crate) async fn run(&mut self, sql: &Arc<str>) -> Result<(), Trouble> {
        let (_, Err(said)) = self.sent(sql).await else {
            return Ok(());
        };
        let trouble = self.refused(said).await;
        self.give_up().await;
        Err(trouble)
    }

    /// A script and its entry in the book, begun and saved in one message, where the book is known
    /// to say this much: its digest, as [`MigrationSet`](crate::migrations::MigrationSet) has it.
    /// `false`: nothing was done, for it says something else, the place is not as it should be, or
    /// the database has no such way. [`begin`](Self::begin) finds out.
    #[allow(clippy::unused_async)] // without PostgreSQL it waits for nothing
    pub(crate) async fn at_once(
        &mut self,
        digest: &str,
        sql: &Arc<str>,
        entry: &str,
    ) -> Result<bool, Trouble> {
        #[cfg(feature = "postgres")]
        if self.kind() == Kind::Postgres {
            let done = postgres::at_once(self, digest, sql, entry).await;
            return self.settled(done).await;
        }
        let _ = (digest, sql, entry);
        Ok(false)
    }

    /// Writes into the book, and saves everything so far where it `ends` here.
    pub(crate) async fn note(&mut self, statement: &str, ends: bool) -> Result<(), Trouble> {
        let done = each!(self.note(statement, ends));
        self.settled(done).await
    }

    /// A script outside a transaction of PostgreSQL's and `SQLite`'s, and every script of `MariaDB`'s:
    /// `before` is in the book before it starts, `after` once it has ended well, and `back` where
    /// it has failed and nothing came of it.
    pub(crate) async fn alone(
        &mut self,
        sql: &Arc<str>,
        before: &str,
        after: &str,
        back: &str,
    ) -> Result<Ran, Trouble> {
        let done = each!(self.alone(sql, before, after, back));
        self.settled(done).await
    }

    /// Ends what `begin` began, without a change.
    pub(crate) async fn leave(&mut self) -> Result<(), Trouble> {
        each!(self.roll_back())
    }

    async fn settled<T>(&mut self, done: Result<T, Trouble>) -> Result<T, Trouble> {
        if done.is_err() {
            self.give_up().await;
        }
        done
    }

    /// After a failure: whatever it answers, the failure is what counts.
    async fn give_up(&mut self) {
        let ended: Result<(), Trouble> = each!(self.roll_back());
        if ended.is_err() {
            self.open.lane().discard();
        }
    }

    /// What a script's failure means.
    async fn refused(&mut self, said: ScriptFault) -> Trouble {
        if said.fault().code().is_none() {
            return Trouble::Fault(said.fault);
        }
        match self.still_ours().await {
            Ok(true) => Trouble::Refused(said),
            Ok(false) => Trouble::Left,
            Err(fault) => Trouble::Fault(fault),
        }
    }

    /// Whether the transaction is the one that `begin` began, also after an error in it.
    async fn still_ours(&mut self) -> Result<bool, Fault> {
        let back = format!("ROLLBACK TO SAVEPOINT t{}", self.nonce);
        match self.open.raw(&back).await {
            Ok(()) => Ok(true),
            Err(fault) if self.is_gone(0, &fault) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Whether it says, of a message's statement of this number, that there is no such savepoint.
    fn is_gone(&self, at: usize, fault: &Fault) -> bool {
        match self.kind() {
            // invalid_savepoint_specification, no_active_sql_transaction
            Kind::Postgres => matches!(fault.code(), Some("3B001" | "25P01")),
            Kind::Mysql | Kind::Sqlite => at == 0 && fault.code().is_some(),
        }
    }

    /// A message of our own that starts with the release of our savepoint, and may end with
    /// `COMMIT`.
    async fn sent_in_ours(&mut self, sql: String, ends: bool) -> Result<(), Trouble> {
        match self.sent(&Arc::from(sql)).await {
            (_, Ok(())) => Ok(()),
            (at, Err(said)) if self.is_gone(at, said.fault()) => Err(Trouble::Left),
            // The line would be one of ours.
            (_, Err(said)) if said.fault().code().is_some() => {
                Err(Trouble::Refused(said.nowhere()))
            }
            (_, Err(_)) if ends => Err(Trouble::Unknown),
            (_, Err(said)) => Err(said.fault.into()),
        }
    }

    /// How many of its statements were answered, and what stopped the one behind them.
    async fn sent(&mut self, sql: &Arc<str>) -> (usize, Result<(), ScriptFault>) {
        let came = self.open.lane().script(Arc::clone(sql), "").await;
        (came.count, came.end.map_err(|error| said(error, sql)))
    }
}
