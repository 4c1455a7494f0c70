//! The text of a sealed value.

use std::fmt;
use std::str::FromStr;

use super::key::is_key_id;
use super::{SecretsError, encoding};

/// The longest secret that can be sealed, in bytes.
pub const MAX_PLAINTEXT: usize = 4096;

pub(super) const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;

/// What every sealed value starts with: the form, and its version.
pub(super) const VERSION: &str = "ts1";
const MAX_TEXT: usize = VERSION.len() + 34 + (NONCE_BYTES + MAX_PLAINTEXT + TAG_BYTES) * 4 / 3 + 4;

/// A sealed value: `ts1.KEY-ID.BASE64`, in one spelling, with nonce, ciphertext and tag in the last
/// part. To be [opened](super::Keyring::open) with its key, for its tenant and purpose.
///
/// `Debug` shows the key's id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    key_id: String,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// Ciphertext and tag.
    pub(super) body: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(key_id: &str, nonce: [u8; NONCE_BYTES], body: Vec<u8>) -> Self {
        Self {
            key_id: key_id.to_owned(),
            nonce,
            body,
        }
    }

    /// What every text sealed with this key starts with.
    pub(crate) fn prefix(key_id: &str) -> String {
        format!("{VERSION}.{key_id}.")
    }

    /// The id of the key that it was sealed with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.nonce[..], &self.body].concat();
        write!(
            f,
            "{VERSION}.{}.{}",
            self.key_id,
            encoding::sealed_text(&bytes)
        )
    }
}

impl FromStr for Sealed {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        if text.len() > MAX_TEXT {
            return Err(SecretsError::Malformed);
        }
        let mut parts = text.split('.');
        let (Some(version), Some(key_id), Some(bytes), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SecretsError::Malformed);
        };
        if version != VERSION {
            return Err(match version.strip_prefix("ts") {
                Some(number) if number.parse::<u16>().is_ok() => SecretsError::Version,
                _ => SecretsError::Malformed,
            });
        }
        if !is_key_id(key_id) {
            return Err(SecretsError::Malformed);
        }
        let bytes = encoding::sealed_bytes(bytes).ok_or(SecretsError::Malformed)?;
        let (nonce, body) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SecretsError::Malformed)?;
        if !(TAG_BYTES..=MAX_PLAINTEXT + TAG_BYTES).contains(&body.len()) {
            return Err(SecretsError::Malformed);
        }
        Ok(Self::new(key_id, *nonce, body.to_vec()))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
