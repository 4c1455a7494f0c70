//! How a case ends.

use std::fmt;

/// Why a case stopped before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    Skipped(String),
    /// The harness does not have the verb.
    NotOffered,
}

/// What a case returns.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

impl Stop {
    pub(crate) fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }

    pub(crate) fn skipped(why: impl fmt::Display) -> Self {
        Self::Skipped(why.to_string())
    }
}

impl From<tokio_postgres::Error> for Stop {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(format!(
            "the judge could not look: {}",
            crate::direct::sql_error(&error)
        ))
    }
}

/// Fails the case with a message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err($crate::verdict::Stop::Failed(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;
