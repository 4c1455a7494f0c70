//! The keys that tokens are verified with.

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};

use super::{JwtAlgorithm, JwtKeysError};

/// The keys that tokens are verified with, each by its `kid`, and each for one algorithm.
///
/// ```
/// use tenancy_http::{JwtAlgorithm, JwtKeys};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let published = JwtKeys::from_jwks(jwks, &[JwtAlgorithm::EdDsa, JwtAlgorithm::Es256])?;
/// # let secret: Vec<u8> = (0..32).collect();
/// let own = JwtKeys::from_secret("internal", &secret)?;
/// let keys = published.and(own)?;
/// assert_eq!(format!("{keys:?}"), r#"JwtKeys { ids: ["2026-11", "internal"] }"#);
/// # Ok::<(), tenancy_http::JwtKeysError>(())
/// ```
#[derive(Clone)]
pub struct JwtKeys(BTreeMap<String, Key>);

#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl JwtKeys {
    /// The shortest secret, in bytes.
    pub const MIN_SECRET: usize = 32;

    /// The keys of a JSON Web Key Set that are for signatures by one of the `allowed` algorithms.
    /// The others are left out: an issuer publishes keys for more than one purpose.
    ///
    /// # Errors
    /// [`JwtKeysError`], for a set that can't be read, has a key twice, without an id, too weak or
    /// for more than one of `allowed`, or has none.
    pub fn from_jwks(
        set: impl AsRef<[u8]>,
        allowed: &[JwtAlgorithm],
    ) -> Result<Self, JwtKeysError> {
        let set: JwkSet =
            serde_json::from_slice(set.as_ref()).map_err(|_| JwtKeysError::Malformed)?;
        let mut keys = Self(BTreeMap::new());
        for jwk in set.keys.iter().filter(|jwk| is_for_signatures(jwk)) {
            let mut fitting = allowed.iter().filter(|allowed| allowed.fits(jwk));
            let Some(&algorithm) = fitting.next() else {
                continue;
            };
            if fitting.any(|other| *other != algorithm) {
                return Err(JwtKeysError::Ambiguous);
            }
            let id = jwk.common.key_id.clone().ok_or(JwtKeysError::NoId)?;
            let key = DecodingKey::from_jwk(jwk).map_err(|_| JwtKeysError::Weak)?;
            keys.add(id, algorithm.inner(), key)?;
        }
        if keys.is_empty() {
            return Err(JwtKeysError::Empty);
        }
        Ok(keys)
    }

    /// A secret that is shared with the issuer, for HS256: whoever has it can make tokens.
    ///
    /// # Errors
    /// [`JwtKeysError::Weak`] for under 32 bytes, or one byte over and over; [`JwtKeysError::NoId`]
    /// for an empty id.
    pub fn from_secret(
        id: impl Into<String>,
        secret: impl AsRef<[u8]>,
    ) -> Result<Self, JwtKeysError> {
        let secret = secret.as_ref();
        if secret.len() < Self::MIN_SECRET || secret.iter().all(|byte| *byte == secret[0]) {
            return Err(JwtKeysError::Weak);
        }
        let mut keys = Self(BTreeMap::new());
        keys.add(
            id.into(),
            Algorithm::HS256,
            DecodingKey::from_secret(secret),
        )?;
        Ok(keys)
    }

    /// These keys and those: the next ones beside the present ones, say.
    ///
    /// # Errors
    /// [`JwtKeysError::DuplicateId`] where both have a key of one id.
    pub fn and(mut self, others: Self) -> Result<Self, JwtKeysError> {
        for (id, key) in others.0 {
            self.add(id, key.algorithm, key.key)?;
        }
        Ok(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.0.get(id)
    }

    fn add(
        &mut self,
        id: String,
        algorithm: Algorithm,
        key: DecodingKey,
    ) -> Result<(), JwtKeysError> {
        if id.is_empty() {
            return Err(JwtKeysError::NoId);
        }
        // Length and form first: the library takes a short Ed25519 key apart without looking.
        let is_usable = has_good_form(algorithm, &key)
            && jsonwebtoken::crypto::verify("", b"", &key, algorithm).is_ok();
        if !is_usable {
            return Err(JwtKeysError::Weak);
        }
        match self.0.insert(id, Key { algorithm, key }) {
            None => Ok(()),
            Some(_) => Err(JwtKeysError::DuplicateId),
        }
    }
}

fn is_for_signatures(key: &Jwk) -> bool {
    let common = &key.common;
    let by_use = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = common.key_operations.as_ref();
    by_use && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

fn has_good_form(algorithm: Algorithm, key: &DecodingKey) -> bool {
    match (key.kind(), algorithm.family()) {
        (DecodingKeyKind::RsaModulusExponent { n, e }, AlgorithmFamily::Rsa) => {
            let bits = n.iter().skip_while(|byte| **byte == 0).count() * 8;
            let exponent = e.as_slice();
            let is_odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
            (2048..=4096).contains(&bits) && is_odd && exponent != [1] && exponent.len() <= 4
        }
        (DecodingKeyKind::SecretOrDer(point), AlgorithmFamily::Ed) => point.len() == 32,
        (DecodingKeyKind::SecretOrDer(point), AlgorithmFamily::Ec) => {
            point.len()
                == if algorithm == Algorithm::ES384 {
                    97
                } else {
                    65
                }
        }
        (DecodingKeyKind::SecretOrDer(_), AlgorithmFamily::Hmac) => true,
        _ => false,
    }
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&String> = self.0.keys().collect();
        f.debug_struct("JwtKeys").field("ids", &ids).finish()
    }
}
