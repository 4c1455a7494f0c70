//! The layer.

use std::fmt;

use bytes::Bytes;
use http::request::Parts;
use tenancy_core::Tenancy;
use tenancy_http::{Authenticate, Central, Refused};
use tonic::Status;
use tower_layer::Layer;

use crate::{TenancyService, refusal};

/// Opens the tenant's scope around every call: resolves, authorizes, runs the handler and the
/// response's stream in it, and closes it. A call without a valid tenant never reaches the handler.
///
/// ```
/// use tenancy_core::{BoxError, Header, RequestView, Tenancy, TenantId};
/// use tenancy_tonic::{Principal, Routes, TenancyLayer};
/// use tonic::service::InterceptorLayer;
/// use tonic::{Request, Status};
/// # use tower::Layer as _;
///
/// # let store = tenancy_core::MemoryStore::default();
/// struct User { tenant: TenantId }
///
/// let tenancy = Tenancy::builder(store)
///     .resolve(Header::named("x-tenant-id"))
///     .authorize(|tenant: &TenantId, request: &dyn RequestView| {
///         // What authentication, an interceptor outside this layer, gave as `Principal::new(user)`.
///         let user = request.principal_as::<User>();
///         let own = user.is_some_and(|user| user.tenant == *tenant);
///         async move { Ok::<_, BoxError>(own) }
///     })
///     .build();
/// let routes = Routes::new(TenancyLayer::new(tenancy)); // and `.tenant(NotesServer::new(..))`
///
/// let authenticate = |mut request: Request<()>| -> Result<Request<()>, Status> {
///     // Check the token here; what it says about the caller goes on as the principal.
///     # let user = User { tenant: TenantId::new("acme").unwrap() };
///     request.extensions_mut().insert(Principal::new(user));
///     Ok(request)
/// };
/// // Server::builder().layer(InterceptorLayer::new(authenticate)).add_routes(routes.finish())
/// # let _ = InterceptorLayer::new(authenticate).layer(routes.finish());
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct TenancyLayer(tenancy_tower::TenancyLayer);

impl TenancyLayer {
    /// A layer that opens scopes of `tenancy`, and answers refusals with
    /// [`status`](crate::status).
    pub fn new(tenancy: Tenancy) -> Self {
        Self(tenancy_tower::TenancyLayer::new(tenancy))
            .on_refusal(|refused, _| refusal::status(refused))
    }

    /// A layer that opens the scope that another service has handed over, in the metadata
    /// [`SCOPE_HEADER`](crate::SCOPE_HEADER), to this one of the name `service`: see
    /// [`NextService`](crate::NextService). A call without an envelope names no tenant, whatever its
    /// other metadata say; with one, all that `tenancy`'s resolvers find must be of the same tenant.
    /// No membership is checked, for that was done where the scope was opened first; the tenant is
    /// looked up anew, and must be active. The handler doesn't see the envelope.
    ///
    /// A layer made with [`new`](Self::new) does not look at envelopes.
    ///
    /// # Errors
    /// [`Error::Envelope`](tenancy_core::Error::Envelope) for a name that is not valid, or a
    /// `tenancy` without envelope keys.
    pub fn from_envelopes(tenancy: Tenancy, service: &str) -> Result<Self, tenancy_core::Error> {
        let layer = tenancy_tower::TenancyLayer::from_envelopes(tenancy, service)?;
        Ok(Self(layer).on_refusal(|refused, _| refusal::status(refused)))
    }

    /// Asks `authenticate` who asks, of every call and before the tenant is resolved: tokens in the
    /// metadata `authorization` are verified by `Jwt`, with the feature `jwt`. What it finds, handlers
    /// find as the request extensions [`Principal`](crate::Principal) and
    /// [`VerifiedClaims`](crate::VerifiedClaims). Where they are there already, the application
    /// authenticates twice, and the call is an internal error.
    pub fn authenticate(self, authenticate: impl Authenticate) -> Self {
        Self(self.0.authenticate(authenticate))
    }

    /// Gives each call of a tenant's a transaction of its own, which the adapter pool's
    /// `request_transaction` begins at the first use and goes on with at the next. It is committed
    /// where the call ends with `OK`, behind its messages and before its status goes out, and rolled
    /// back with any other status, a panic, or a client that goes away. So a response stream may use
    /// it, too. Where it can't be committed, the status is `INTERNAL`. Central and open services have
    /// none.
    ///
    /// A transaction, with its connection and its locks, is open until its client has taken the
    /// call's messages, and one that doesn't read holds it: bound that with
    /// `idle_in_transaction_session_timeout`. What speaks gRPC-Web belongs outside this layer: inside
    /// it, a call that gets so far as to answer with messages is an internal error.
    pub fn transaction_per_request(self) -> Self {
        Self(self.0.transaction_per_request())
    }

    /// The same layer for central services: it asks `central` who may enter, and opens a central
    /// scope instead of a tenant's.
    pub fn central(self, central: Central) -> Self {
        Self(self.0.central(central))
    }

    /// Answers refusals with `answer` instead: to give details that the site's clients read, say.
    ///
    /// It sees the request's head, to choose a language, and a [`Refused`], which does not tell
    /// unknown, suspended and forbidden tenants apart. A status that says `Ok` would pass a refusal
    /// off as an empty stream: [`status`](crate::status) goes out in its place.
    ///
    /// ```
    /// # use tenancy_core::{MemoryStore, Tenancy};
    /// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
    /// let layer = tenancy_tonic::TenancyLayer::new(tenancy).on_refusal(|refused, _request| {
    ///     let mut status = tenancy_tonic::status(refused);
    ///     status.metadata_mut().insert("help", "https://example.com/tenants".parse().unwrap());
    ///     status
    /// });
    /// # let _ = layer;
    /// ```
    pub fn on_refusal<F>(self, answer: F) -> Self
    where
        F: Fn(Refused, &Parts) -> Status + Send + Sync + 'static,
    {
        Self(self.0.on_refusal(move |refused, request| {
            refusal::failing(answer(refused, request), refused).into_http::<Bytes>()
        }))
    }
}

impl<S> Layer<S> for TenancyLayer {
    type Service = TenancyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TenancyService::new(self.0.layer(inner))
    }
}

impl fmt::Debug for TenancyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
