//! The tenant's identifier: validated when made, so that everything below may trust it.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A tenant's identifier: 1 to 63 bytes of `a-z 0-9 - _` that start and end with a letter or
/// digit.
///
/// UUIDs, slugs and decimal ids fit, no two ids differ only by case, and an id is safe in a file
/// name, a DNS label and a PostgreSQL identifier (63 bytes is the limit of both
/// [DNS labels](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4) and
/// [PostgreSQL names](https://www.postgresql.org/docs/current/limits.html)).
///
/// ```
/// use tenancy_core::TenantId;
///
/// let acme: TenantId = "acme".parse()?;
/// assert_eq!(acme.as_str(), "acme");
/// assert_eq!(TenantId::from(42_u64).as_str(), "42");
/// assert!("Acme".parse::<TenantId>().is_err());
/// assert!("../acme".parse::<TenantId>().is_err());
/// # Ok::<(), tenancy_core::InvalidTenantId>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 63;

    /// Validates `text` as an id. It is taken as it is: never trimmed, never folded.
    ///
    /// # Errors
    /// [`InvalidTenantId`] says which rule is broken. It does not repeat the text.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidTenantId> {
        let text = text.as_ref();
        check(text.as_bytes())?;
        Ok(Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(bytes: &[u8]) -> Result<(), InvalidTenantId> {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(InvalidTenantId::Empty);
    };
    if bytes.len() > TenantId::MAX_LEN {
        return Err(InvalidTenantId::TooLong { bytes: bytes.len() });
    }
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if let Some(position) = bytes
        .iter()
        .position(|byte| !plain(byte) && *byte != b'-' && *byte != b'_')
    {
        return Err(InvalidTenantId::Character { position });
    }
    if plain(first) && plain(last) {
        Ok(())
    } else {
        Err(InvalidTenantId::Edge)
    }
}

/// Why a text is no [`TenantId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTenantId {
    /// There is nothing in it.
    #[error("a tenant id is empty: give 1 to 63 characters of a-z, 0-9, - and _")]
    Empty,
    /// It is longer than [`TenantId::MAX_LEN`].
    #[error("a tenant id has {bytes} bytes: at most 63 are allowed")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It holds a character outside `a-z 0-9 - _`.
    #[error(
        "a tenant id has a character that is not allowed at byte {position}: use a-z, 0-9, - and _ (upper case is refused, not folded)"
    )]
    Character {
        /// The offset of the first such byte, from 0.
        position: usize,
    },
    /// It starts or ends with `-` or `_`.
    #[error("a tenant id starts or ends with - or _: it must start and end with a letter or digit")]
    Edge,
    /// It was made from a number below zero.
    #[error("a tenant id was made from a negative number: use numbers from 0 up")]
    Negative,
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<&str> for TenantId {
    type Error = InvalidTenantId;
    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenantId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl TryFrom<&String> for TenantId {
    type Error = InvalidTenantId;
    fn try_from(text: &String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<&TenantId> for TenantId {
    fn from(id: &TenantId) -> Self {
        id.clone()
    }
}

impl From<u32> for TenantId {
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

impl From<u64> for TenantId {
    /// The canonical decimal form.
    fn from(number: u64) -> Self {
        Self(Arc::from(number.to_string()))
    }
}

impl TryFrom<i64> for TenantId {
    type Error = InvalidTenantId;
    /// The canonical decimal form; a negative number is refused.
    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u64::try_from(number)
            .map(Self::from)
            .map_err(|_| InvalidTenantId::Negative)
    }
}

#[cfg(feature = "uuid")]
impl From<uuid::Uuid> for TenantId {
    /// The canonical form: lower case, hyphenated.
    fn from(uuid: uuid::Uuid) -> Self {
        Self(Arc::from(uuid.hyphenated().to_string()))
    }
}

/// What may name a tenant in trusted code: text, a [`TenantId`], an integer, a UUID.
pub trait IntoTenantId {
    /// Validates it.
    ///
    /// # Errors
    /// [`InvalidTenantId`] says which rule is broken.
    fn into_tenant_id(self) -> Result<TenantId, InvalidTenantId>;
}

impl<I> IntoTenantId for I
where
    TenantId: TryFrom<I>,
    InvalidTenantId: From<<TenantId as TryFrom<I>>::Error>,
{
    fn into_tenant_id(self) -> Result<TenantId, InvalidTenantId> {
        TenantId::try_from(self).map_err(InvalidTenantId::from)
    }
}

impl From<Infallible> for InvalidTenantId {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl AsRef<str> for TenantId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TenantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_slugs_numbers_and_uuids() {
        for id in [
            "a",
            "0",
            "acme",
            "acme-2",
            "a_b",
            "018f3b1e-6d3a-7c3e-9d3b-0123456789ab",
        ] {
            assert_eq!(TenantId::new(id).unwrap().as_str(), id);
        }
        assert!(TenantId::new("a".repeat(63)).is_ok());
        assert_eq!(TenantId::from(u64::MAX).as_str(), "18446744073709551615");
        assert_eq!(TenantId::try_from(-1_i64), Err(InvalidTenantId::Negative));
    }

    #[test]
    fn refuses_everything_else() {
        assert_eq!(TenantId::new(""), Err(InvalidTenantId::Empty));
        assert_eq!(
            TenantId::new("a".repeat(64)),
            Err(InvalidTenantId::TooLong { bytes: 64 })
        );
        for id in ["-a", "a-", "_a", "a_", "-", "_"] {
            assert_eq!(TenantId::new(id), Err(InvalidTenantId::Edge), "{id}");
        }
        for id in [
            "Acme",
            "a b",
            " a",
            "a\n",
            "a\0",
            "a.b",
            "a/b",
            "a\\b",
            "..",
            "a'b",
            "a\"b",
            "a;b",
            "ä",
            "а",
            "ａ",
            "a\u{200b}",
            "a$1",
            "a%00",
            "a?",
        ] {
            assert!(
                matches!(TenantId::new(id), Err(InvalidTenantId::Character { .. })),
                "{id:?}"
            );
        }
    }

    #[test]
    fn deserialising_validates() {
        assert!(serde_json::from_str::<TenantId>("\"acme\"").is_ok());
        assert!(serde_json::from_str::<TenantId>("\"ac me\"").is_err());
    }
}
