//! Why an envelope could not be sealed or opened.

/// Why an envelope could not be sealed or opened. Nothing was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// No keys were given to the builder.
    #[error(
        "this tenancy has no envelope keys, so it seals and opens none: give the builder some with `.envelope_keys(..)`"
    )]
    NoKeys,
    /// The environment variable with the keys is not set, or is no text.
    #[error(
        "the environment variable for the envelope keys is not set, or is not UTF-8: set it to ID:BASE64, the signing key first"
    )]
    KeyVariable,
    /// This process was started without an envelope.
    #[error(
        "no scope was handed to this process, in TENANCY_SCOPE of its environment: start it with `tenancy run`"
    )]
    NotInEnvironment,
    /// A key's text is not of the form `ID:BASE64`.
    #[error(
        "an envelope key is malformed: write ID:BASE64, with an id of 1 to 16 characters of a-z, 0-9, - and _"
    )]
    MalformedKey,
    /// A key is too short, or one byte over and over.
    #[error(
        "an envelope key is too weak: take at least 32 random bytes, as from `openssl rand -base64 32`"
    )]
    WeakKey,
    /// Two keys have one id.
    #[error("two envelope keys have the same id: give each its own")]
    DuplicateKey,
    /// The system gave no randomness.
    #[error("no envelope key could be made, since the system gave no randomness")]
    NoRandomness,
    /// The time asked for is zero or too long.
    #[error(
        "an envelope must be valid for at least a millisecond and at most 7 days: give a time within that"
    )]
    Validity,
    /// The reason of central work is too long for an envelope.
    #[error("the reason of this central scope is too long for an envelope: keep it to 200 bytes")]
    ReasonTooLong,
    /// An audience's name is not valid.
    #[error("an audience is named with 1 to 64 characters of a-z, 0-9, -, _ and .")]
    InvalidAudience,
    /// The system's clock stands before 1970.
    #[error("the system's clock stands before 1970, so no expiry can be judged: set it")]
    Clock,
    /// The text is longer than any envelope.
    #[error("this is no envelope: it is too long")]
    TooLong,
    /// The text has not the form of an envelope, or not its one canonical form.
    #[error("this is no envelope: its form is not valid; it was cut off or changed on its way")]
    Malformed,
    /// The envelope is of a version that this one can't read.
    #[error(
        "this envelope is of another version: open it with the version that sealed it, or seal it again"
    )]
    UnknownVersion,
    /// It was sealed with a key that is not known here.
    #[error(
        "this envelope was sealed with a key that is not known here: accept that key, or seal it again"
    )]
    UnknownKey,
    /// Its signature does not hold.
    #[error(
        "this envelope's signature does not hold, so it was forged or changed, and nothing was run"
    )]
    Forged,
    /// Its time is over.
    #[error("this envelope has expired: seal a new one")]
    Expired,
    /// A tenant's envelope where a central one is opened, or the other way round.
    #[error(
        "this envelope is for the other kind of work: open a tenant's with `run_envelope` and central work with `run_central_envelope`"
    )]
    WrongMode,
    /// It was sealed for another audience than the one that opens it.
    #[error(
        "this envelope is for another audience: open it with the audience that it was sealed for"
    )]
    WrongAudience,
}
