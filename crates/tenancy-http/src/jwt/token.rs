//! A token that was verified.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::VerifiedClaims;

/// What a verified token says: the principal of a request whose layer verifies tokens with
/// [`Jwt`](super::Jwt).
///
/// ```
/// use tenancy_core::{RequestView, TenantId};
/// use tenancy_http::VerifiedToken;
///
/// fn is_member(tenant: &TenantId, request: &dyn RequestView) -> bool {
///     let token = request.principal_as::<VerifiedToken>();
///     token.is_some_and(|token| token.claim("tenant") == Some(tenant.as_str()))
/// }
/// ```
#[derive(Clone)]
pub struct VerifiedToken {
    subject: String,
    claims: Map<String, Value>,
}

/// What stands for a claim that is neither a text nor a whole number: no tenant's id.
const OTHER: &str = "(not a text)";

impl VerifiedToken {
    /// None without a subject.
    pub(super) fn of(claims: Map<String, Value>) -> Option<Self> {
        let subject = claims.get("sub")?.as_str()?;
        let subject = (!subject.is_empty()).then(|| subject.to_owned())?;
        Some(Self { subject, claims })
    }

    /// Who asks: the claim `sub`, unique for its issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The claim of this name, if it is a text.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// All claims, in the application's own type.
    ///
    /// # Errors
    /// Where they have not that form. The error may show a claim's value: keep it out of answers.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(Value::Object(self.claims.clone()))
    }

    /// A claim in another form is there, and names nobody: it is not passed over.
    pub(super) fn to_claims(&self) -> VerifiedClaims {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => OTHER.to_owned(),
        };
        let claims = self.claims.iter();
        claims
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }
}

impl fmt::Debug for VerifiedToken {
    /// The claims' names; values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.claims.keys().collect();
        f.debug_struct("VerifiedToken")
            .field("claims", &names)
            .finish_non_exhaustive()
    }
}
