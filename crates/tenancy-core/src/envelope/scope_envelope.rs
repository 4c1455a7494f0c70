//! The envelope's text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::EnvelopeError;

/// A signed, expiring statement of whose work this is, as text of URL-safe characters.
///
/// Whoever holds it can have that work run until it expires, as often as they like: treat it as a
/// credential. `Debug` hides it, and there is no `Display`. It holds the tenant's id, readable by
/// its holder, and nothing else of the tenant.
///
/// Reading it from text checks its form alone;
/// [`Tenancy::run_envelope`](crate::Tenancy::run_envelope) checks all the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct ScopeEnvelope(String);

impl ScopeEnvelope {
    /// The longest text, in bytes.
    pub const MAX_LEN: usize = 1024;

    /// Takes `text` as an envelope, by its form.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`] or [`EnvelopeError::Malformed`].
    pub fn new(text: impl Into<String> + AsRef<str>) -> Result<Self, EnvelopeError> {
        let form = text.as_ref();
        if form.len() > Self::MAX_LEN {
            return Err(EnvelopeError::TooLong);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if form.is_empty() || !form.bytes().all(allowed) {
            return Err(EnvelopeError::Malformed);
        }
        Ok(Self(text.into()))
    }

    /// The text to put into a queue or an environment variable.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScopeEnvelope {
    type Err = EnvelopeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl AsRef<str> for ScopeEnvelope {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<ScopeEnvelope> for String {
    fn from(envelope: ScopeEnvelope) -> Self {
        envelope.0
    }
}

impl fmt::Debug for ScopeEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeEnvelope(..)")
    }
}

impl Serialize for ScopeEnvelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ScopeEnvelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}
