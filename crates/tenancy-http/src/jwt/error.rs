//! Why a token, or a key, will not do.

use jsonwebtoken::errors::{Error, ErrorKind};

/// Why a token was refused. For the application's log: outside, it is as good as an unknown tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// There is more than one `Authorization` header.
    #[error("the request has more than one Authorization header: send one")]
    Twice,
    /// It is no bearer token.
    #[error("the Authorization header holds no bearer token: send `Bearer`, a space and the token")]
    NotBearer,
    /// It is longer than any token should be.
    #[error("this token is longer than 8 KiB: leave claims out of it")]
    TooLong,
    /// It has not the form of a signed token.
    #[error("this is no signed token: its form or its algorithm is not valid")]
    Malformed,
    /// Its header asks for what is not known here.
    #[error("this token's header has `crit`: an extension that is not known here")]
    Critical,
    /// No key here has its `kid`, or it has none.
    #[error(
        "this token names no key that is known here: let the issuer write `kid`, and rotate to its present keys"
    )]
    UnknownKey,
    /// Its algorithm is not its key's.
    #[error("this token's algorithm is not the one that its key is for, so it was not looked at")]
    WrongAlgorithm,
    /// Its signature does not hold.
    #[error("this token's signature does not hold: it was forged or changed")]
    Forged,
    /// Its time is over.
    #[error("this token has expired: get a new one")]
    Expired,
    /// Its time has not begun.
    #[error("this token is not valid yet: compare the issuer's clock with this machine's")]
    NotYetValid,
    /// It is another issuer's.
    #[error("this token is another issuer's")]
    WrongIssuer,
    /// It is for another service.
    #[error("this token is for another audience")]
    WrongAudience,
    /// A claim that must be there is not, or has not its form.
    #[error(
        "this token lacks one of exp, nbf, aud, iss and sub, or has it in another form: see `Jwt::without_not_before` for an issuer that writes no nbf"
    )]
    MissingClaim,
}

impl JwtError {
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Forged,
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::NotYetValid,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => {
                Self::MissingClaim
            }
            ErrorKind::InvalidAlgorithm => Self::WrongAlgorithm,
            _ => Self::Malformed,
        }
    }
}

/// Why keys, or what else tokens are verified by, will not do. Found at start-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtKeysError {
    /// It is no JSON Web Key Set.
    #[error("this is no JSON Web Key Set: give the text that the issuer publishes")]
    Malformed,
    /// Nothing to verify tokens with, or by.
    #[error(
        "there is no key of the allowed algorithms, or the issuer or the audience is empty: nothing could be verified"
    )]
    Empty,
    /// A key has no id.
    #[error("a key has no `kid`: give each key its own, and let the issuer write it into tokens")]
    NoId,
    /// Two keys have one id.
    #[error("two keys have the same `kid`: give each its own")]
    DuplicateId,
    /// A key could be used with more than one of the allowed algorithms.
    #[error(
        "a key fits more than one of the allowed algorithms: write its `alg`, or allow one of them"
    )]
    Ambiguous,
    /// A key is malformed or too weak.
    #[error(
        "a key is malformed or too weak: RSA needs 2048 to 4096 bits, a secret at least 32 random bytes"
    )]
    Weak,
    /// The leeway is too long.
    #[error("the leeway is longer than 5 minutes: set the clocks instead")]
    Leeway,
}
