use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tenancy_core::BoxError;

/// What can lie in Redis: bytes, text, and with [`Json`] whatever `serde` knows.
///
/// ```
/// use std::borrow::Cow;
/// use tenancy_cache::redis::CacheValue;
/// use tenancy_core::BoxError;
///
/// struct Visits(u64);
///
/// impl CacheValue for Visits {
///     fn to_bytes(&self) -> Result<Cow<'_, [u8]>, BoxError> {
///         Ok(self.0.to_be_bytes().to_vec().into())
///     }
///
///     fn from_bytes(bytes: Vec<u8>) -> Result<Self, BoxError> {
///         Ok(Self(u64::from_be_bytes(bytes.as_slice().try_into()?)))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't lie in Redis as it is",
    note = "put it into `Json(..)`, or implement `CacheValue` for it"
)]
pub trait CacheValue: Sized + Send + Sync {
    /// The bytes that are kept.
    ///
    /// # Errors
    /// Whatever is in the way. It is not shown, for it may hold a part of the value.
    fn to_bytes(&self) -> Result<Cow<'_, [u8]>, BoxError>;

    /// The value that these bytes were made of.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, BoxError>;
}

impl CacheValue for Vec<u8> {
    fn to_bytes(&self) -> Result<Cow<'_, [u8]>, BoxError> {
        Ok(self.into())
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, BoxError> {
        Ok(bytes)
    }
}

impl CacheValue for String {
    fn to_bytes(&self) -> Result<Cow<'_, [u8]>, BoxError> {
        Ok(self.as_bytes().into())
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, BoxError> {
        Ok(Self::from_utf8(bytes)?)
    }
}

/// A value that is kept as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned + Send + Sync> CacheValue for Json<T> {
    fn to_bytes(&self) -> Result<Cow<'_, [u8]>, BoxError> {
        Ok(serde_json::to_vec(&self.0)?.into())
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, BoxError> {
        Ok(Self(serde_json::from_slice(&bytes)?))
    }
}
