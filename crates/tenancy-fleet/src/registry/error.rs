//! Why the registry refused, or could not answer.

use crate::db::Fault;
use crate::secrets::SecretsError;

/// Why the registry refused, or could not answer. After each of them but
/// [`Unknown`](Self::Unknown) nothing was changed.
///
/// No variant holds a secret, a row, an id, a domain or a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Somebody else changed the tenant in between.
    #[error(
        "the tenant is at revision {found}, and revision {expected} was expected: somebody else changed it in between; read it again, and decide again"
    )]
    Conflict {
        /// What the caller had read.
        expected: i64,
        /// What there is.
        found: i64,
    },
    /// There is no tenant of this id.
    #[error("no tenant has this id: create it first")]
    NoSuchTenant,
    /// The id is, or was, a tenant's.
    #[error(
        "a tenant has this id, or had it before it was archived: ids are never used again, take another"
    )]
    IdTaken,
    /// The domain is another tenant's.
    #[error(
        "this domain is another tenant's: remove it there first, if it has really changed hands"
    )]
    DomainTaken,
    /// The place is, or was, another tenant's.
    #[error(
        "this database or schema is, or was, another tenant's, or holds one: a place is one tenant's for ever, name another"
    )]
    PlaceTaken,
    /// The tenant has a placement already.
    #[error(
        "this tenant was placed elsewhere before: a placement is set once; move its data to a new tenant instead"
    )]
    PlacedElsewhere,
    /// A placement contradicts itself.
    #[error("this is no placement that can be recorded: {reason}")]
    Placement {
        /// What is wrong.
        reason: &'static str,
    },
    /// A tenant was to be active before it is whole.
    #[error(
        "a tenant is active only when it is placed and its place is ready: finish provisioning it first"
    )]
    NotReady,
    /// The tenant is archived.
    #[error("this tenant is archived, which is for ever: create a new one")]
    Archived,
    /// A text is too long, or empty.
    #[error("the {what} is empty or longer than {max} bytes: shorten it")]
    Length {
        /// Which text.
        what: &'static str,
        /// The longest that is taken.
        max: usize,
    },
    /// A text holds what it must not.
    #[error("the {what} holds a NUL byte or a control character: leave it out")]
    Character {
        /// Which text.
        what: &'static str,
    },
    /// The metadata can't be kept.
    #[error(
        "the metadata can't be written as JSON that can be read again: use a type with string keys, less than 100 levels deep"
    )]
    Metadata,
    /// A change without anything in it, or with one thing twice.
    #[error("this change is empty, or says one thing twice: say each thing once")]
    Change,
    /// The tenant has no credential in the registry.
    #[error("no credential of this tenant is in the registry: put one there first")]
    NoCredential,
    /// The registry was opened without keys.
    #[error(
        "the registry was opened without a keyring, so no credential can be kept or read: give it one with `keyring`"
    )]
    NoKeyring,
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The URL is none.
    #[error("the registry's URL can't be used: {reason}")]
    Url {
        /// What is wrong, and what to do.
        reason: &'static str,
    },
    /// The base database can't have this name.
    #[error(
        "the base database's name is empty, longer than 63 bytes, or one that the server keeps for itself: name another in its URL"
    )]
    BaseName,
    /// The prefix or the schema is none.
    #[error(
        "the {what} for the registry's tables is not 1 to {max} characters of a-z, 0-9 and _ that start with a letter: choose such a one"
    )]
    Name {
        /// Which of the two.
        what: &'static str,
        /// The longest that is taken.
        max: usize,
    },
    /// There is no registry.
    #[error("there is no registry under this prefix: install it (`RegistryBuilder::install`)")]
    NotInstalled,
    /// It is older than this program.
    #[error(
        "the registry is of version {found}, and this program needs {ours}: migrate it (`RegistryBuilder::install`)"
    )]
    Older {
        /// The registry's.
        found: i64,
        /// This program's.
        ours: i64,
    },
    /// It is newer than this program.
    #[error(
        "the registry is of version {found}, and this program knows {ours} at most: use a newer program; nothing was changed"
    )]
    Newer {
        /// The registry's.
        found: i64,
        /// This program's.
        ours: i64,
    },
    /// A record can't be read.
    #[error("the registry holds a record whose {what} is malformed, so it was refused: mend it")]
    Malformed {
        /// The part that is malformed.
        what: &'static str,
    },
    /// Whether a change was saved is not known.
    #[error(
        "the connection was lost while the change was being saved, so it is saved as a whole or not at all: read the tenant again to see"
    )]
    Unknown,
    /// The database failed, or refused.
    #[error("the base database could not do it, and nothing was changed: {0}")]
    Database(Fault),
}

impl From<Fault> for RegistryError {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}
