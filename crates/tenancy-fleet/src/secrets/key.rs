//! One key.

use std::fmt;
use std::str::FromStr;

use aes_gcm::{Aes256Gcm, KeyInit as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use zeroize::Zeroizing;

use super::{SecretsError, encoding};

const KEY_BYTES: usize = 32;
const MAX_ID: usize = 32;

/// 32 secret bytes with a public id, which every value sealed with them shows.
///
/// Written `ID:BASE64`. `Debug` shows the id alone; the bytes are wiped from memory when this is
/// dropped.
#[derive(Clone)]
pub struct SealingKey {
    id: String,
    bytes: SecretSlice<u8>,
}

impl SealingKey {
    /// A key of this id and these bytes.
    ///
    /// # Errors
    /// [`SecretsError::KeyId`]; [`SecretsError::MalformedKey`] when they are not 32;
    /// [`SecretsError::WeakKey`] when they are all the same.
    pub fn new(
        id: impl Into<String>,
        bytes: impl Into<SecretSlice<u8>>,
    ) -> Result<Self, SecretsError> {
        let (id, bytes) = (id.into(), bytes.into());
        if !is_key_id(&id) {
            return Err(SecretsError::KeyId);
        }
        let plain = bytes.expose_secret();
        if plain.len() != KEY_BYTES {
            return Err(SecretsError::MalformedKey);
        }
        if plain.iter().all(|byte| *byte == plain[0]) {
            return Err(SecretsError::WeakKey);
        }
        Ok(Self { id, bytes })
    }

    /// A new key from the system's random source.
    ///
    /// # Errors
    /// [`SecretsError::KeyId`]; [`SecretsError::NoRandomness`].
    pub fn generate(id: impl Into<String>) -> Result<Self, SecretsError> {
        let mut bytes = Zeroizing::new(vec![0; KEY_BYTES]);
        getrandom::fill(&mut bytes).map_err(|_| SecretsError::NoRandomness)?;
        Self::new(id, std::mem::take(&mut *bytes))
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as it is kept in a file or a variable: `ID:BASE64`.
    pub fn to_secret_text(&self) -> SecretString {
        let bytes = encoding::key_text(self.bytes.expose_secret());
        // Never grown, so that no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(self.id.len() + 1 + bytes.len()));
        text.push_str(&self.id);
        text.push(':');
        text.push_str(&bytes);
        SecretString::from(text.as_str())
    }

    pub(super) fn cipher(&self) -> Result<Aes256Gcm, SecretsError> {
        // The length was checked when the key was made.
        Aes256Gcm::new_from_slice(self.bytes.expose_secret())
            .map_err(|_| SecretsError::MalformedKey)
    }
}

pub(super) fn is_key_id(id: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(allowed)
}

impl FromStr for SealingKey {
    type Err = SecretsError;

    fn from_str(text: &str) -> Result<Self, SecretsError> {
        let (id, bytes) = text.split_once(':').ok_or(SecretsError::MalformedKey)?;
        let mut bytes = encoding::key_bytes(bytes).ok_or(SecretsError::MalformedKey)?;
        Self::new(id, std::mem::take(&mut *bytes))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
