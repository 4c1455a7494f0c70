//! What became of a request, for metrics and tests.

use crate::{Error, Refusal, ResolutionError};

/// What became of a request at the gate, for metrics and tests. Never show it outside: to the
/// caller, [`Unknown`](Self::Unknown), [`NotActive`](Self::NotActive) and
/// [`Forbidden`](Self::Forbidden) are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A tenant was found, and the caller admitted.
    Resolved,
    /// No resolver found anything.
    NoIdentifier,
    /// An identifier was there, and bad.
    Invalid,
    /// Two identifiers disagreed.
    Ambiguous,
    /// The store knows no such tenant.
    Unknown,
    /// The tenant is suspended, being provisioned or archived.
    NotActive,
    /// The caller is not a member.
    Forbidden,
    /// The caller is a member, and the tenant is in maintenance, or read-only.
    Unavailable,
}

impl Outcome {
    /// The outcome that this result of [`Tenancy::open_request`](crate::Tenancy::open_request)
    /// tells of; `None` where nothing was decided, since the store, the membership check or the
    /// scope itself failed.
    ///
    /// ```
    /// use tenancy_core::{Error, Outcome, Refusal};
    /// assert_eq!(Outcome::of::<()>(&Err(Error::Refused(Refusal::Unknown))), Some(Outcome::Unknown));
    /// ```
    pub fn of<T>(result: &Result<T, Error>) -> Option<Self> {
        Some(match result {
            Ok(_) => Self::Resolved,
            Err(Error::Resolution(ResolutionError::NoIdentifier)) => Self::NoIdentifier,
            Err(Error::Resolution(ResolutionError::Invalid { .. })) => Self::Invalid,
            Err(Error::Resolution(ResolutionError::Ambiguous)) => Self::Ambiguous,
            Err(Error::Refused(Refusal::Unknown)) => Self::Unknown,
            Err(Error::Refused(Refusal::NotActive(_))) => Self::NotActive,
            Err(Error::Refused(Refusal::Forbidden)) => Self::Forbidden,
            Err(Error::Unavailable(_)) => Self::Unavailable,
            Err(_) => return None,
        })
    }

    /// A label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::NoIdentifier => "no_identifier",
            Self::Invalid => "invalid",
            Self::Ambiguous => "ambiguous",
            Self::Unknown => "unknown",
            Self::NotActive => "not_active",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
        }
    }
}
