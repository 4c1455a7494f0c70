//! Why a request names no tenant that could be looked up.

/// Why a request names no tenant that could be looked up. It depends on the request alone, and not
/// on which tenants exist, so it may be told outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolutionError {
    /// No resolver found anything.
    #[error("the request names no tenant: send what one of the resolvers reads")]
    NoIdentifier,
    /// A resolver found something that is not valid. No other resolver was asked instead.
    #[error(
        "the request names a tenant in a form that is not valid, as the {resolver} resolver says: {what}"
    )]
    Invalid {
        /// The resolver's name.
        resolver: &'static str,
        /// What is wrong. It repeats nothing of the request.
        what: &'static str,
    },
    /// Two resolvers found different tenants.
    #[error(
        "the request names more than one tenant: name the same one in every place, or in one place only"
    )]
    Ambiguous,
}
