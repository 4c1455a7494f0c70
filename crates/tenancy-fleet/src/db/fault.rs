//! What a database said, without its words: those may show a row.

use std::fmt;

/// What the database said, without its words: those may show a row.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A key is taken.
    Unique,
    /// What is referred to is not there.
    Reference,
    /// It may go well when it is tried again.
    Passing,
    /// The server refused.
    Refused,
    /// No connection was free in time.
    Busy,
    /// The server can't be reached, or was lost.
    Lost,
    /// The driver can't go on.
    Driver,
}

impl Fault {
    pub(crate) fn of(kind: FaultKind) -> Self {
        Self { kind, code: None }
    }

    /// The code of the database: an SQLSTATE, or `SQLite`'s result code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether the database could not be reached, or was lost.
    pub fn is_lost(&self) -> bool {
        self.kind == FaultKind::Lost
    }

    pub(crate) fn is(&self, kind: FaultKind) -> bool {
        self.kind == kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FaultKind::Unique => "a key is taken",
            FaultKind::Reference => "what is referred to is not there",
            FaultKind::Passing => "others were in the way for too long; try again",
            FaultKind::Refused => "it refused a statement; see its log",
            FaultKind::Busy => "no connection was free in time; allow more, or try again",
            FaultKind::Lost => "it can't be reached, or the connection was lost; see that it is up",
            FaultKind::Driver => "the driver gave up on the connection; try again",
        })?;
        match &self.code {
            Some(code) => write!(f, " (code {code})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .finish()
    }
}

/// What went wrong, in a word and a code.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    let kind = match &error {
        sqlx::Error::Database(said) => {
            let code = said.code().map(std::borrow::Cow::into_owned);
            let kind = if said.is_unique_violation() {
                FaultKind::Unique
            } else if said.is_foreign_key_violation() {
                FaultKind::Reference
            } else if is_passing(said.as_ref()) {
                FaultKind::Passing
            } else {
                FaultKind::Refused
            };
            return Fault { kind, code };
        }
        sqlx::Error::PoolTimedOut => FaultKind::Busy,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => FaultKind::Lost,
        _ => FaultKind::Driver,
    };
    Fault::of(kind)
}

/// Whether the database rolled back for the others' sake.
fn is_passing(error: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return super::mysql::is_passing(error.number());
    }
    let code = error.code().unwrap_or_default();
    #[cfg(feature = "sqlite")]
    if error
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_some()
    {
        return super::sqlite::is_passing(&code);
    }
    // serialization_failure, deadlock_detected, lock_not_available
    matches!(code.as_ref(), "40001" | "40P01" | "55P03")
}
