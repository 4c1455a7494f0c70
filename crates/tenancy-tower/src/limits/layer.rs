//! The layer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tenancy_core::Tenant;
use tower_layer::Layer;

use super::usage::Usage;
use super::{LimitService, Limited, Limits};

/// Holds each tenant to its [`Limits`], inside a [`TenancyLayer`](crate::TenancyLayer). One tenant
/// that has used up its own is told so; no other notices.
///
/// The tenant is that of the request's scope, which was resolved and admitted, and not what a header
/// says: an unknown one, or somebody else's, uses up nothing and is not remembered. Without a
/// tenant's scope (no [`TenancyLayer`](crate::TenancyLayer) around this, or a central route) every
/// request is an internal error.
///
/// Copies of one layer count together, and so do all routes that they are around. What it remembers
/// is bounded by the tenants that are active: one that has gone quiet is forgotten. It counts in
/// this process alone.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use http::{Request, Response};
/// use tenancy_core::{Tenancy, Tenant};
/// use tenancy_tower::{LimitLayer, Limits, TenancyLayer};
/// use tower::{ServiceBuilder, service_fn};
///
/// # let tenancy = Tenancy::builder(tenancy_core::MemoryStore::default()).without_requests().build();
/// # async fn handler(_: Request<String>) -> Result<Response<String>, std::io::Error> { Ok(Response::default()) }
/// let (ten, hundred) = (NonZeroU32::new(10).unwrap(), NonZeroU32::new(100).unwrap());
/// let limits = LimitLayer::new(move |tenant: &Tenant| {
///     let minute = Duration::from_mins(1);
///     // The plan stands in the tenant's metadata.
///     match tenant.metadata::<String>().as_deref() {
///         Ok("large") => Limits::none().rate(hundred, minute).at_once(50),
///         _ => Limits::none().rate(ten, minute).at_once(5),
///     }
/// });
/// let service = ServiceBuilder::new()
///     .layer(TenancyLayer::new(tenancy)) // the outermost here
///     .layer(limits)
///     .service(service_fn(handler));
/// # let _ = service;
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct LimitLayer {
    pub(super) limits: Arc<dyn Fn(&Tenant) -> Limits + Send + Sync>,
    pub(super) answer: Answer,
    pub(super) usage: Arc<Usage>,
}

/// Makes the response to a request that was not served.
type Answer = Arc<dyn Fn(Limited, &Parts) -> Response<Bytes> + Send + Sync>;

impl LimitLayer {
    /// Holds each tenant to what `limits` says of it. It is asked for every request, so a plan that
    /// changes holds from the next one on; let it look at the tenant it is given, and nowhere that
    /// takes time.
    pub fn new(limits: impl Fn(&Tenant) -> Limits + Send + Sync + 'static) -> Self {
        let start = Instant::now();
        Self {
            limits: Arc::new(limits),
            answer: Arc::new(|limited, _| limited.response()),
            usage: Usage::new(move || start.elapsed()),
        }
    }

    /// Answers with `answer` what is over a limit, in place of [`Limited::response`].
    pub fn on_limited<F>(mut self, answer: F) -> Self
    where
        F: Fn(Limited, &Parts) -> Response<Bytes> + Send + Sync + 'static,
    {
        self.answer = Arc::new(answer);
        self
    }

    /// Counts anew, by this clock in place of the system's, for tests: the time since some moment.
    pub fn with_clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.usage = Usage::new(clock);
        self
    }

    /// How many tenants are remembered now, for what they run and for what they ran: a measure of
    /// memory. Forgets, first, whoever has gone quiet.
    pub fn remembered(&self) -> usize {
        self.usage.remembered()
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = LimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitService::new(inner, self.clone())
    }
}

impl fmt::Debug for LimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitLayer").finish_non_exhaustive()
    }
}
