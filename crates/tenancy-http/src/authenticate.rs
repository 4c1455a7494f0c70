//! Who asks, where the layer itself finds out.

use std::fmt;
use std::sync::Arc;

use tenancy_core::BoxError;

use crate::{Headers, Principal, Refused, VerifiedClaims};

/// Finds out who asks, from a request's headers: what a layer's `authenticate` takes.
///
/// It runs in the layer, before the tenant is resolved and the membership check asked, so there is
/// no wrong order to put it in. With the feature `jwt`, `Jwt` is one.
///
/// ```
/// use tenancy_core::BoxError;
/// use tenancy_http::{Authenticate, Authenticated, Headers, Principal, VerifiedClaims};
///
/// struct User { id: u64 }
/// struct Sessions; // the application's own, by cookie
///
/// impl Authenticate for Sessions {
///     fn authenticate(&self, headers: &dyn Headers) -> Result<Option<Authenticated>, BoxError> {
///         match headers.values("cookie").as_slice() {
///             [] => Ok(None), // nobody
///             [b"session=7"] => Ok(Some(Authenticated {
///                 principal: Principal::new(User { id: 7 }),
///                 claims: VerifiedClaims::default(),
///             })),
///             _ => Err("no such session".into()),
///         }
///     }
/// }
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// Who asks, by these headers; `None` where they say nothing of it, so that nobody asks.
    ///
    /// # Errors
    /// Any, for headers that say something bad: the request is refused, as one for an unknown
    /// tenant, and the error goes to the log alone. It must hold no secret.
    fn authenticate(&self, headers: &dyn Headers) -> Result<Option<Authenticated>, BoxError>;
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// What the membership check reads.
    pub principal: Principal,
    /// What the resolver `Claim` reads.
    pub claims: VerifiedClaims,
}

/// A layer's own authentication, if it has one. The default is none: the application's runs outside
/// the layer.
#[derive(Clone, Default)]
pub struct Authentication(Option<Arc<dyn Authenticate>>);

impl Authentication {
    /// Asks `authenticate` about every request.
    pub fn new(authenticate: impl Authenticate) -> Self {
        Self(Some(Arc::new(authenticate)))
    }

    /// Who asks, by these headers. `told` where another authentication, outside the layer, has said
    /// so already: of two answers none can be right, so that is refused.
    ///
    /// # Errors
    /// [`Refused::NotFound`] for headers that say something bad; [`Refused::Misconfigured`] where
    /// two authentications are at work.
    pub fn find(
        &self,
        headers: &dyn Headers,
        told: bool,
    ) -> Result<Option<Authenticated>, Refused> {
        let Some(authenticate) = &self.0 else {
            return Ok(None);
        };
        if told {
            tracing::error!(
                "who asks was said twice, by the layer's `authenticate` and outside the layer, or by a layer around this one: remove one of the two"
            );
            return Err(Refused::Misconfigured);
        }
        authenticate.authenticate(headers).map_err(|error| {
            let cause = &*error as &(dyn std::error::Error + 'static);
            // What any client can cause at will fills no log by default.
            tracing::debug!(
                error = cause,
                "the request was refused: nobody could be authenticated"
            );
            Refused::NotFound
        })
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("by_the_layer", &self.0.is_some())
            .finish()
    }
}
