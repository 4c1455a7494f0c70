//! How a transaction begins, and how to tell that it is still the same one at its end.

use tenancy_postgres::isolation::Isolation;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres::seal::Proof;
use tenancy_postgres::sqlstate;

use crate::{Driver, DriverError, Error, Opening, Row};

/// What begins a transaction and opens a scope in it, in one message.
#[derive(Debug)]
#[must_use = "the connection is not used again before this was sent, and answered"]
pub struct Begin {
    /// `None` where the transaction is begun already.
    isolation: Option<Isolation>,
    opening: Opening,
    still_open: StillOpen,
    read_only: bool,
}

impl Begin {
    pub(crate) fn new(isolation: Isolation, opening: Opening) -> Result<Self, Error> {
        let still_open = match &opening {
            Opening::Proof(_) => StillOpen::Scope,
            Opening::Schema { .. } | Opening::Nothing => StillOpen::Mark(Nonce::random()?),
        };
        Ok(Self {
            isolation: Some(isolation),
            opening,
            still_open,
            read_only: false,
        })
    }

    /// In a transaction that a message of its own has begun.
    pub(crate) fn within(proof: Proof) -> Self {
        Self {
            isolation: None,
            opening: Opening::Proof(proof),
            still_open: StillOpen::Scope,
            read_only: false,
        }
    }

    /// The same, to read alone.
    pub(crate) fn reading(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// What begins the transaction, without the scope. `None` where the transaction is begun
    /// already, and only the opening is to be sent.
    pub fn begin_sql(&self) -> Option<&'static str> {
        self.isolation.map(Isolation::begin_sql)
    }

    /// The opening, where a driver sends it by itself.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What is sent behind the opening where the transaction may only read. A proof is taken by a
    /// transaction that writes, so it can't come first; and behind a query, which the opening is,
    /// SQL can't take it back: the server refuses that (but 15, to `RESET transaction_read_only`).
    pub fn read_only_sql(&self) -> Option<&'static str> {
        self.read_only.then_some("SET TRANSACTION READ ONLY")
    }

    /// With the transaction ends a sealed scope. A connection that is the tenant's own is that also
    /// behind a raw `COMMIT` or `ROLLBACK`, and reads alone there too, until SQL asks by name to
    /// write. The scrub takes it away.
    fn session_sql(&self) -> Option<&'static str> {
        let outlives = matches!(self.opening, Opening::Schema { .. } | Opening::Nothing);
        // In a transaction of its own, or a ROLLBACK would undo it.
        (self.read_only && outlives)
            .then_some("BEGIN; SET default_transaction_read_only = on; COMMIT")
    }

    /// The message. Nothing behind its opening answers with a row.
    pub fn sql(&self) -> String {
        let mark = match &self.still_open {
            StillOpen::Mark(nonce) => Some(StillOpen::mark_sql(nonce)),
            StillOpen::Scope => None,
        };
        let parts = [
            self.session_sql().map(str::to_owned),
            self.begin_sql().map(str::to_owned),
            mark,
            self.opening.sql(),
            self.read_only_sql().map(str::to_owned),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Whether this is the answer to this very message.
    pub fn is_answered_by(&self, rows: &[Row]) -> bool {
        let marked = match &self.still_open {
            StillOpen::Scope => true,
            StillOpen::Mark(nonce) => rows
                .first()
                .and_then(|row| row.first()?.as_deref())
                .is_some_and(|echo| echo == nonce.as_str()),
        };
        marked && self.opening.is_answered_by(rows)
    }

    /// How to tell, at its end, that the transaction is still this one.
    pub fn into_still_open(self) -> StillOpen {
        self.still_open
    }
}

/// How to tell, before its end, that a transaction is the one that was begun.
#[derive(Debug)]
pub enum StillOpen {
    /// The scope is bound to the transaction, so it is gone where SQL has ended it.
    Scope,
    /// A setting that is local to the transaction.
    Mark(Nonce),
}

/// The end of a transaction: one message, and what its answer says.
#[derive(Debug)]
pub struct End {
    nonce: Nonce,
    sql: String,
}

impl StillOpen {
    fn mark_sql(nonce: &Nonce) -> String {
        format!("SELECT pg_catalog.set_config('tenancy.open', '{nonce}', true)")
    }

    /// An expression that raises, or is false or NULL, where the transaction is over.
    fn condition(&self) -> String {
        match self {
            Self::Scope => "tenancy.current_tenant() IS NOT NULL".to_owned(),
            Self::Mark(nonce) => format!(
                "1 OPERATOR(pg_catalog./) (pg_catalog.current_setting('tenancy.open', true) \
                 OPERATOR(pg_catalog.=) '{nonce}'::pg_catalog.text)::pg_catalog.int4 IS NOT NULL"
            ),
        }
    }

    /// What ends the transaction: `COMMIT` or `ROLLBACK`. In the same message it asks whether this is
    /// still the transaction that was begun, and whether it is sound: PostgreSQL answers `COMMIT` to
    /// a failed transaction, or to none, as if all were well.
    ///
    /// # Errors
    /// Where the operating system's random source fails.
    pub fn end(&self, how: &'static str) -> Result<End, Error> {
        let nonce = Nonce::random()?;
        let condition = self.condition();
        let sql =
            format!("SELECT '{nonce}'::pg_catalog.text, ({condition})::pg_catalog.text; {how}");
        Ok(End { nonce, sql })
    }
}

impl End {
    /// The message.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What its answer says.
    ///
    /// # Errors
    /// [`Error::TransactionOver`], [`Error::TransactionFailed`], [`Error::Commit`] or
    /// [`Error::CommitUnknown`].
    pub fn judge<D: Driver>(
        &self,
        driver: &D,
        answer: Result<Vec<Row>, D::Error>,
    ) -> Result<(), Error> {
        let rows = answer.map_err(|error| refused(DriverError::new(driver, error)))?;
        // Answered by another message's answer: what became of this one is not known.
        let [row] = rows.as_slice() else {
            return Err(Error::CommitUnknown(None));
        };
        let column = |at: usize| row.get(at).and_then(Option::as_deref);
        if column(0) != Some(self.nonce.as_str()) {
            return Err(Error::CommitUnknown(None));
        }
        if column(1) != Some("true") {
            return Err(Error::TransactionOver);
        }
        Ok(())
    }
}

fn refused(error: DriverError) -> Error {
    if error.is_lost() {
        return Error::CommitUnknown(Some(error));
    }
    match error.code() {
        // The mark divides by zero where it is gone.
        Some(sqlstate::NO_SCOPE | sqlstate::NO_SCOPE_YET | "22012") => Error::TransactionOver,
        Some("25P02") => Error::TransactionFailed,
        Some(_) => Error::Commit(error),
        None => Error::CommitUnknown(Some(error)),
    }
}
