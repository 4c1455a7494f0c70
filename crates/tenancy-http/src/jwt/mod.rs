//! Bearer tokens: JSON Web Tokens that are verified before a tenant is resolved.

mod algorithm;
mod error;
mod keys;
mod token;

pub use algorithm::JwtAlgorithm;
pub use error::{JwtError, JwtKeysError};
pub use keys::JwtKeys;
pub use token::VerifiedToken;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};
use tenancy_core::BoxError;

use crate::{Authenticate, Authenticated, Headers, Principal};

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// Verifies the token in `Authorization: Bearer`, for a layer's `authenticate`.
///
/// What holds for every token that is let through:
/// - its `kid` names one of the [`JwtKeys`], and it was signed with that key, by the algorithm that
///   the key is for. What its header says of the algorithm chooses nothing: it must agree;
/// - `exp` is to come and `nbf` is past, but for the [leeway](Self::leeway); `iss` is the issuer,
///   and `aud` holds the audience; there is a `sub`. All five must be there;
/// - it came in the only `Authorization` header of its request.
///
/// A request without that header has no principal, so that nobody asks and nobody is a member. One
/// with a header that holds anything else is refused as one for an unknown tenant is. The membership
/// check finds a [`VerifiedToken`] as the principal, and the resolver `Claim` finds the claims that
/// are texts or whole numbers.
///
/// ```
/// use tenancy_core::{BoxError, Claim, RequestView, Subdomain, Tenancy, TenantId};
/// use tenancy_http::{Jwt, JwtAlgorithm, JwtKeys, VerifiedToken};
///
/// # let store = tenancy_core::MemoryStore::default();
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// // What the issuer publishes; fetching it, and again when it changes, is the application's.
/// let keys = JwtKeys::from_jwks(jwks, &[JwtAlgorithm::EdDsa])?;
/// let jwt = Jwt::new("https://login.example.com", "notes", keys)?;
///
/// let tenancy = Tenancy::builder(store)
///     .resolve(Claim::named("tenant"))          // a token without it names no tenant ..
///     .resolve(Subdomain::of("example.com"))    // .. and both must name the same one
///     .authorize(|tenant: &TenantId, request: &dyn RequestView| {
///         let token = request.principal_as::<VerifiedToken>();
///         let member = token.is_some_and(|token| token.claim("tenant") == Some(tenant.as_str()));
///         async move { Ok::<_, BoxError>(member) }
///     })
///     .build();
/// // `TenancyLayer::new(tenancy).authenticate(jwt.clone())`, in every integration.
/// // Later, when the issuer has new keys: `jwt.rotate(keys)`.
/// # let _ = (tenancy, jwt);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Jwt {
    issuer: String,
    audience: String,
    leeway: Duration,
    needs_not_before: bool,
    keys: Arc<RwLock<Arc<JwtKeys>>>,
}

impl Jwt {
    /// The longest leeway.
    pub const MAX_LEEWAY: Duration = Duration::from_mins(5);

    /// Tokens that `issuer` has signed with one of `keys` for `audience`, which is this service.
    ///
    /// # Errors
    /// [`JwtKeysError::Empty`] where one of the three is.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: JwtKeys,
    ) -> Result<Self, JwtKeysError> {
        let (issuer, audience) = (issuer.into(), audience.into());
        if issuer.is_empty() || audience.is_empty() || keys.is_empty() {
            return Err(JwtKeysError::Empty);
        }
        Ok(Self {
            issuer,
            audience,
            leeway: Duration::from_secs(30),
            needs_not_before: true,
            keys: Arc::new(RwLock::new(Arc::new(keys))),
        })
    }

    /// How far the issuer's clock and this machine's may be apart: 30 seconds by default, at most
    /// [`MAX_LEEWAY`](Self::MAX_LEEWAY). Whole seconds count.
    ///
    /// # Errors
    /// [`JwtKeysError::Leeway`] for a longer one.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, JwtKeysError> {
        if leeway > Self::MAX_LEEWAY {
            return Err(JwtKeysError::Leeway);
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// Takes tokens without `nbf` too, for an issuer that writes none. One that is there is checked
    /// all the same.
    pub fn without_not_before(mut self) -> Self {
        self.needs_not_before = false;
        self
    }

    /// Takes these keys in place of the former, in this value and all its clones. A token of a key
    /// that is gone is refused from here on.
    pub fn rotate(&self, keys: JwtKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Verifies the text of one token.
    ///
    /// # Errors
    /// [`JwtError`], which repeats nothing of the token.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, JwtError> {
        if token.len() > MAX_TOKEN {
            return Err(JwtError::TooLong);
        }
        // `none`, and what else is no algorithm of a signature, has no form here.
        let header = decode_header(token).map_err(|_| JwtError::Malformed)?;
        if header.crit.is_some() {
            return Err(JwtError::Critical);
        }
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let key = header.kid.as_deref().and_then(|kid| keys.find(kid));
        let key = key.ok_or(JwtError::UnknownKey)?;
        if header.alg != key.algorithm {
            return Err(JwtError::WrongAlgorithm);
        }
        let mut rules = Validation::new(key.algorithm);
        rules.leeway = self.leeway.as_secs();
        rules.validate_nbf = true;
        rules.set_audience(&[&self.audience]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        if !self.needs_not_before {
            rules.required_spec_claims.remove("nbf");
        }
        let claims: Map<String, Value> = decode(token, &key.key, &rules)
            .map_err(|error| JwtError::of(&error))?
            .claims;
        // The library takes a list of issuers, too.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(JwtError::WrongIssuer);
        }
        VerifiedToken::of(claims).ok_or(JwtError::MissingClaim)
    }
}

impl Authenticate for Jwt {
    fn authenticate(&self, headers: &dyn Headers) -> Result<Option<Authenticated>, BoxError> {
        let values = headers.values("authorization");
        let value = match values.as_slice() {
            [] => return Ok(None),
            [value] => value,
            // Whoever stands in front may have read the other one.
            _ => return Err(JwtError::Twice.into()),
        };
        let token = bearer(value).ok_or(JwtError::NotBearer)?;
        let token = self.verify(token)?;
        Ok(Some(Authenticated {
            claims: token.to_claims(),
            principal: Principal::new(token),
        }))
    }
}

/// The token behind `Bearer `, whose name is of any case.
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
