//! Claims that the application has verified.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What the application's authentication has verified about the caller: a request extension that
/// the resolver `Claim` reads.
///
/// Its presence is the application's word that these claims can't be forged. Insert it after the
/// signature of a token or session was checked, never straight from a header.
///
/// ```
/// use tenancy_http::VerifiedClaims;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(VerifiedClaims::from_iter([("tenant", "acme")]));
/// # assert_eq!(request.extensions().get::<VerifiedClaims>().unwrap().get("tenant"), Some("acme"));
/// ```
#[derive(Clone, Default)]
pub struct VerifiedClaims(Arc<BTreeMap<String, String>>);

impl VerifiedClaims {
    /// The claim of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for VerifiedClaims {
    /// Of two claims with one name the last one stands, so give each name once.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(claims: I) -> Self {
        let claims = claims
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(Arc::new(claims.collect()))
    }
}

impl fmt::Debug for VerifiedClaims {
    /// The names; values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedClaims")
            .field(&self.0.keys())
            .finish()
    }
}
