//! Why a place can't be named or reached.

use crate::Fault;

/// Why a place can't be named or reached. No variant holds a name, an id or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The URL is none.
    #[error("the URL of the tenants' server can't be used: {reason}")]
    Url {
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// The folder can't be used.
    #[error("the tenants' folder can't be used: {reason}")]
    Folder {
        /// What is wrong.
        reason: String,
    },
    /// Tenants can't be kept apart in this way here.
    #[error("{reason}")]
    Strategy {
        /// What is not possible, and what is.
        reason: &'static str,
    },
    /// A name can't be made of the prefix and the id.
    #[error(
        "the prefix and the tenant's id together make no {what}: it has 1 to {max} bytes of a-z, 0-9, - and _, and is none that the server keeps for itself; take a shorter prefix, or another id"
    )]
    Name {
        /// Which name.
        what: &'static str,
        /// The longest that is taken, in bytes.
        max: usize,
    },
    /// The placement leads to a site that was not given.
    #[error(
        "the tenant is placed on a server of which nothing is known here: name it in the configuration"
    )]
    UnknownSite,
    /// The placement is none of this site's.
    #[error("the tenant's recorded place is none that this site can have: {reason}")]
    Placement {
        /// What does not fit.
        reason: &'static str,
    },
    /// There is nothing there.
    #[error("the tenant's place is not there: provision it, or restore it from a backup")]
    Missing,
    /// What is there is not marked as the tenant's.
    #[error(
        "what is in the tenant's place is not marked as this tenant's, so it was left alone: look at whose it is, and mark it if it is the tenant's own"
    )]
    NotOurs,
    /// The server is one that can't be worked with.
    #[error("{reason}")]
    Server {
        /// Why, and what to do.
        reason: &'static str,
    },
    /// The server failed, or refused.
    #[error("the tenants' server could not do it: {0}")]
    Database(Fault),
}

impl From<Fault> for SiteError {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}
