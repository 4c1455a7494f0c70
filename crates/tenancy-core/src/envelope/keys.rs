//! The keys that envelopes are signed with.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::EnvelopeError;

/// As `openssl rand -base64 32` writes it, also without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret of at least 32 bytes with a public id. `Debug` shows the id alone; the secret is wiped
/// from memory when it is dropped.
pub struct EnvelopeKey {
    id: String,
    secret: SecretSlice<u8>,
}

impl EnvelopeKey {
    /// The shortest secret, in bytes.
    pub const MIN_BYTES: usize = 32;
    const MAX_ID: usize = 16;

    /// A key of this id and secret.
    ///
    /// # Errors
    /// [`EnvelopeError::MalformedKey`] for an id that is not 1 to 16 characters of `a-z 0-9 - _`;
    /// [`EnvelopeError::WeakKey`] for a secret of under 32 bytes, or of one byte repeated.
    pub fn new(
        id: impl Into<String>,
        secret: impl Into<SecretSlice<u8>>,
    ) -> Result<Self, EnvelopeError> {
        let (id, secret) = (id.into(), secret.into());
        if !is_key_id(&id) {
            return Err(EnvelopeError::MalformedKey);
        }
        let bytes = secret.expose_secret();
        if bytes.len() < Self::MIN_BYTES || bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(EnvelopeError::WeakKey);
        }
        Ok(Self { id, secret })
    }

    /// A key with a random secret: for tests, and for envelopes that needn't outlive this process.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`EnvelopeError::NoRandomness`].
    pub fn random(id: impl Into<String>) -> Result<Self, EnvelopeError> {
        let mut secret = Zeroizing::new(vec![0; Self::MIN_BYTES]);
        getrandom::fill(&mut secret).map_err(|_| EnvelopeError::NoRandomness)?;
        Self::new(id, std::mem::take(&mut *secret))
    }

    /// The id, which every envelope of this key shows.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn mac(&self) -> Result<Hmac<Sha256>, EnvelopeError> {
        // Any length is taken.
        Hmac::new_from_slice(self.secret.expose_secret()).map_err(|_| EnvelopeError::WeakKey)
    }
}

pub(super) fn is_key_id(id: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    (1..=EnvelopeKey::MAX_ID).contains(&id.len()) && id.bytes().all(allowed)
}

impl FromStr for EnvelopeKey {
    type Err = EnvelopeError;

    /// Reads `ID:BASE64`, the form in a configuration.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, secret) = text.split_once(':').ok_or(EnvelopeError::MalformedKey)?;
        let secret = BASE64
            .decode(secret)
            .map_err(|_| EnvelopeError::MalformedKey)?;
        Self::new(id, secret)
    }
}

impl fmt::Debug for EnvelopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopeKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The keys of one service: one that signs, and others whose envelopes are still opened.
///
/// To rotate: accept the new key everywhere, then sign with it and accept the old one, then drop
/// the old one once its last envelope has expired (at most 7 days).
///
/// ```
/// use tenancy_core::{EnvelopeKey, EnvelopeKeys};
///
/// let new: EnvelopeKey = "2026-11:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=".parse()?;
/// let old = EnvelopeKey::random("2026-10")?;
/// let keys = EnvelopeKeys::new(new).accept(old)?;
/// assert_eq!(format!("{keys:?}"), r#"EnvelopeKeys { ids: ["2026-11", "2026-10"], .. }"#);
/// # Ok::<(), tenancy_core::EnvelopeError>(())
/// ```
pub struct EnvelopeKeys {
    signing: EnvelopeKey,
    accepted: Vec<EnvelopeKey>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl EnvelopeKeys {
    /// Seals with this key, and opens what it sealed.
    pub fn new(signing: EnvelopeKey) -> Self {
        Self {
            signing,
            accepted: Vec::new(),
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Opens what this key sealed, too.
    ///
    /// # Errors
    /// [`EnvelopeError::DuplicateKey`] where its id is taken.
    pub fn accept(mut self, key: EnvelopeKey) -> Result<Self, EnvelopeError> {
        if self.find(key.id()).is_ok() {
            return Err(EnvelopeError::DuplicateKey);
        }
        self.accepted.push(key);
        Ok(self)
    }

    /// Judges expiry by this clock in place of the system's, for tests.
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(super) fn signing(&self) -> &EnvelopeKey {
        &self.signing
    }

    pub(super) fn find(&self, id: &str) -> Result<&EnvelopeKey, EnvelopeError> {
        std::iter::once(&self.signing)
            .chain(&self.accepted)
            .find(|key| key.id == id)
            .ok_or(EnvelopeError::UnknownKey)
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> Result<u64, EnvelopeError> {
        let since = (self.clock)()
            .duration_since(UNIX_EPOCH)
            .map_err(|_| EnvelopeError::Clock)?;
        u64::try_from(since.as_millis()).map_err(|_| EnvelopeError::Clock)
    }
}

impl fmt::Debug for EnvelopeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = std::iter::once(&self.signing).chain(&self.accepted);
        f.debug_struct("EnvelopeKeys")
            .field("ids", &keys.map(EnvelopeKey::id).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
