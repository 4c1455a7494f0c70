//! The secret that opens scopes: shared by the application and a table that only `tenancy_owner`
//! can read.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::Error;

/// The number of a sealing key, 1 to 2,147,483,647. Two keys live at a time while one is rotated
/// out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(i32);

impl KeyId {
    /// Checks a number.
    ///
    /// # Errors
    /// [`Error::KeyId`] for 0 and for what PostgreSQL's `integer` can't hold.
    pub fn new(number: u32) -> Result<Self, Error> {
        match i32::try_from(number) {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(Error::KeyId),
        }
    }

    /// The number as PostgreSQL's `integer`.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key of 32 bytes that proves which tenant a connection may enter.
///
/// Whoever holds it can enter every tenant: keep it where the application keeps its other
/// secrets, and never in the database's reach. `Debug` prints the id alone, and the bytes are
/// wiped when it is dropped.
///
/// ```
/// use tenancy_postgres::key::{KeyId, SealingKey};
///
/// let key = SealingKey::new(KeyId::new(1)?, [7; 32]);
/// assert_eq!(format!("{key:?}"), "SealingKey { id: 1, .. }");
/// let text = key.to_secret_string(); // for a secret store; `"1:BwcH..".parse()` reads it back
/// # use secrecy::ExposeSecret;
/// assert_eq!(text.expose_secret().parse::<SealingKey>()?.id(), key.id());
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Clone)]
pub struct SealingKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl SealingKey {
    /// A fresh key from the operating system's random source.
    ///
    /// # Errors
    /// [`Error::Random`] when that source fails.
    pub fn generate(id: KeyId) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| Error::Random)?;
        Ok(Self { id, secret })
    }

    /// A key from its bytes.
    pub fn new(id: KeyId, secret: [u8; 32]) -> Self {
        Self {
            id,
            secret: Zeroizing::new(secret),
        }
    }

    /// Its number.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The text form, `ID:BASE64`, for a secret store.
    pub fn to_secret_string(&self) -> SecretString {
        let base64 = Zeroizing::new(STANDARD.encode(*self.secret));
        SecretString::from(format!("{}:{}", self.id, base64.as_str()))
    }

    /// Reads the text form of a secret store.
    ///
    /// # Errors
    /// As [`SealingKey::from_str`].
    pub fn from_secret_string(text: &SecretString) -> Result<Self, Error> {
        text.expose_secret().parse()
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The key as HMAC wants it, padded to SHA-256's block of 64 bytes: what the server keeps, so
    /// that it pads nothing at each `enter`.
    pub(crate) fn padded(&self, pad: u8) -> Zeroizing<[u8; 64]> {
        let mut block = Zeroizing::new([pad; 64]);
        for (byte, secret) in block.iter_mut().zip(*self.secret) {
            *byte ^= secret;
        }
        block
    }
}

impl FromStr for SealingKey {
    type Err = Error;

    /// Reads `ID:BASE64`.
    ///
    /// # Errors
    /// [`Error::KeyText`] says which part is wrong, and repeats none of it.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::KeyText { reason };
        let (id, base64) = text.split_once(':').ok_or(wrong("there is no colon"))?;
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { id.parse().ok() } else { None };
        let id = number
            .and_then(|number| KeyId::new(number).ok())
            .ok_or(wrong("its id is no number from 1 up"))?;
        let bytes = STANDARD
            .decode(base64)
            .map_err(|_| wrong("it is not standard base64"))?;
        let bytes = Zeroizing::new(bytes);
        let secret = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| wrong("it does not hold 32 bytes"))?;
        Ok(Self::new(id, secret))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id.0)
            .finish_non_exhaustive()
    }
}
