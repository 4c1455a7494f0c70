//! Why something could not be sealed or opened.

use std::io;

/// Why something could not be sealed or opened. No variant holds a key, a sealed value or what was
/// in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// A key's id is not in its form.
    #[error(
        "a sealing key's id is not 1 to 32 characters of a-z, 0-9, - and _: give it such an id"
    )]
    KeyId,
    /// A key is not in its form.
    #[error(
        "a sealing key is not of the form ID:BASE64 with exactly 32 bytes: make one with `SealingKey::generate`, or `openssl rand -base64 32`"
    )]
    MalformedKey,
    /// A key can be guessed.
    #[error("a sealing key is one byte repeated: take 32 random bytes")]
    WeakKey,
    /// Two keys have one id.
    #[error("two sealing keys have the same id: give each an id of its own")]
    DuplicateKey,
    /// There is no key at all.
    #[error(
        "there is no sealing key, so nothing can be sealed or opened: give one, in the environment or in a file"
    )]
    NoKey,
    /// The variable with the keys is not set, or is no text.
    #[error(
        "the environment variable for the sealing keys is not set, or is not UTF-8: set it to ID:BASE64, the current key first"
    )]
    Variable,
    /// The file with the keys can't be read.
    #[error("the file with the sealing keys can't be read ({0:?}): check its path and its owner")]
    File(io::ErrorKind),
    /// It is something else than a file.
    #[error("the path for the sealing keys is no regular file: name the file itself")]
    NotAFile,
    /// Others may read or change it.
    #[error(
        "the file with the sealing keys can be read or changed by others, so its keys are not trusted: `chmod 600` it, and replace the keys in it"
    )]
    OpenFile,
    /// There is more in it than keys.
    #[error("the sealing keys are longer than 64 KiB: that is no list of keys")]
    TooManyKeys,
    /// A purpose is not in its form.
    #[error("a purpose is not 1 to 32 characters of a-z and -: give it one word")]
    Purpose,
    /// A secret is too long to be sealed.
    #[error("a secret has more than {max} bytes: seal something shorter", max = super::MAX_PLAINTEXT)]
    TooLong,
    /// A text is no sealed value.
    #[error("that is no sealed value: it was cut, changed, or never sealed; seal the secret again")]
    Malformed,
    /// A value is of a version that this one can't open.
    #[error(
        "this value was sealed by another version: open it with that version, or seal the secret again"
    )]
    Version,
    /// It was sealed with a key that is not here.
    #[error(
        "this value was sealed with a key that is not in the keyring: add that key behind the current one"
    )]
    UnknownKey,
    /// It does not open.
    #[error(
        "this sealed value does not open: it was changed, is another tenant's or another purpose's, or was sealed with another key of the same id"
    )]
    Refused,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes, so nothing was made: see to its random source")]
    NoRandomness,
}
