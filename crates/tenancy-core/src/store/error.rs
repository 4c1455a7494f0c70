//! Why a store's answer could not be had, or was refused.

use std::error::Error;
use std::sync::Arc;

/// Why a look-up gave neither a tenant nor a plain "unknown". Nobody is let in, and nothing is
/// cached.
///
/// No variant holds an id, a domain or a record. It is `Clone`, since all who waited for one
/// look-up get the same answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store failed.
    #[error(
        "the tenant store could not answer, so nobody was let in: see the source for the cause, and mend the store"
    )]
    Unavailable {
        /// What the store said.
        #[source]
        source: Arc<dyn Error + Send + Sync + 'static>,
    },
    /// The store panicked.
    #[error(
        "the tenant store panicked, so nobody was let in: mend the store, which should return an error instead"
    )]
    Panicked,
    /// The store answered with another tenant than the one that was asked for.
    #[error(
        "the tenant store answered with another tenant than the one that was asked for, so the answer was refused: check its query"
    )]
    WrongTenant,
    /// The store answered with more than one record.
    #[error(
        "the tenant store holds more than one record for one id or domain, so all of them were refused: make ids and domains unique in the store"
    )]
    Duplicate,
    /// A record can't be read.
    #[error(
        "the tenant store holds a record whose {what} is malformed, so it was refused: mend that record"
    )]
    Malformed {
        /// The part that is malformed.
        what: &'static str,
    },
    /// The look-ups by domain and by id contradict each other.
    #[error(
        "the tenant store gives a tenant for a domain that the same tenant, looked up by id, does not list: both look-ups must give the same record with all its domains"
    )]
    Inconsistent,
}

impl StoreError {
    pub(super) fn unavailable(source: crate::BoxError) -> Self {
        Self::Unavailable {
            source: Arc::from(source),
        }
    }
}
