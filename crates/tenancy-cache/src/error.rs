use tenancy_core::Error;

/// What can go wrong between a scope and its cached values. No variant holds a key, a value, an
/// address, a password or a tenant's id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// No scope that may be used here: no value.
    #[error(transparent)]
    Scope(#[from] Error),

    /// A cache's name may not stand in front of keys.
    #[cfg(feature = "redis")]
    #[error(
        "a cache's name has 1 to 63 characters of a-z, 0-9, - and _: this one has others, or none"
    )]
    Name,

    /// The server can't be connected to.
    #[cfg(feature = "redis")]
    #[error(
        "the cache's server can't be used: {reason}. Look at its URL (redis://USER:PASSWORD@HOST:PORT/DB) and \
         whether it answers"
    )]
    Connect {
        /// What kind of reason it is.
        reason: String,
    },

    /// The server did not answer, or the connection was lost. What was to be written may be there or
    /// not; what was to be removed may still be there.
    #[cfg(feature = "redis")]
    #[error("the cache's server did not answer: {reason}")]
    Unanswered {
        /// What kind of reason it is.
        reason: String,
    },

    /// The server refused the command.
    #[cfg(feature = "redis")]
    #[error("the cache's server refused a command with {code}")]
    Refused {
        /// The first word of its error, such as `OOM` or `NOPERM`.
        code: String,
    },

    /// What came back is not this tenant's. Nothing of it was handed out.
    #[cfg(feature = "redis")]
    #[error(
        "the cache's server answered with what is not of this scope, and nothing of it was handed out: \
         something else writes under this cache's name, or the connection mixes up its answers"
    )]
    Foreign,

    /// A value could not be made of what is there, or the other way.
    #[cfg(feature = "redis")]
    #[error(
        "a cached value could not be {doing}: if its type has changed, give the cache another name or remove \
         the key"
    )]
    Value {
        /// `read` or `written`.
        doing: &'static str,
    },

    /// The system gave no randomness.
    #[cfg(feature = "redis")]
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}
