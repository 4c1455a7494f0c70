//! Who asks: the layer asks this before anything else, whatever the order of initializers.

use example_notes::Callers;
use tenancy::BoxError;
use tenancy::loco::{Authenticate, Authenticated, Headers, Principal, VerifiedClaims};

/// Tells the membership check whose token was shown. Without one, nobody is a member.
pub(crate) struct Tokens(pub(crate) Callers);

impl Authenticate for Tokens {
    fn authenticate(&self, headers: &dyn Headers) -> Result<Option<Authenticated>, BoxError> {
        let shown = headers.values("authorization");
        let [shown] = shown.as_slice() else {
            return Ok(None);
        };
        let caller = std::str::from_utf8(shown)
            .ok()
            .and_then(|shown| self.0.find(shown));
        Ok(caller.map(|caller| Authenticated {
            principal: Principal::new(caller),
            claims: VerifiedClaims::default(),
        }))
    }
}
