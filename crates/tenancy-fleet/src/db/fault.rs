//! What a database said, without its words: those may show a row.

use std::fmt;
use std::io::ErrorKind;

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
    /// It can't be spoken to in secret, as the URL asks.
    Tls(TlsFault),
    /// The driver can't go on.
    Driver,
}

/// Why not in secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFault {
    /// This program can't.
    NotBuilt,
    /// The server can't, or won't.
    NotOffered,
    /// The server's certificate is not trusted, or is another host's.
    Untrusted,
    /// The two could not agree.
    Failed,
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

    /// Whether the connection could not be encrypted, or not with whom the URL asks for.
    pub fn is_tls(&self) -> bool {
        matches!(self.kind, FaultKind::Tls(_))
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
            FaultKind::Tls(TlsFault::NotBuilt) => {
                "its URL asks for TLS (sslmode), and this program was built without: build it with the feature `tls`"
            }
            FaultKind::Tls(TlsFault::NotOffered) => {
                "its URL asks for TLS (sslmode), and the server offers none: turn it on there"
            }
            FaultKind::Tls(TlsFault::Untrusted) => {
                "its certificate is not to be trusted: it is for another host, or signed by none of the roots of this machine or of the URL (sslrootcert, ssl-ca)"
            }
            FaultKind::Tls(TlsFault::Failed) => {
                "no TLS could be agreed on with it, as its URL asks (sslmode); see its log"
            }
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
        sqlx::Error::Tls(error) => FaultKind::Tls(tls(&error.to_string())),
        // What the TLS library says of its own comes as the source of such an error.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            let said = error.get_ref().map(ToString::to_string);
            said.map_or(FaultKind::Lost, |said| FaultKind::Tls(tls(&said)))
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed => FaultKind::Lost,
        _ => FaultKind::Driver,
    };
    Fault::of(kind)
}

fn tls(said: &str) -> TlsFault {
    if said.contains("built without TLS") {
        TlsFault::NotBuilt
    } else if said.contains("does not support") {
        TlsFault::NotOffered
    } else if said.contains("invalid peer certificate") {
        TlsFault::Untrusted
    } else {
        TlsFault::Failed
    }
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
