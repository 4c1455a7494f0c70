//! The client layer that hands the scope over to the next service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use tenancy_core::BoxError;
use tenancy_http::{NextService, NotSent, SCOPE_HEADER};
use tower_layer::Layer;
use tower_service::Service;

/// Puts the ambient scope into every request of an HTTP client, in a signed envelope for one
/// [`NextService`], which opens it with
/// [`TenancyLayer::from_envelopes`](crate::TenancyLayer::from_envelopes).
///
/// It goes around any client that is a tower service over [`http::Request`]: those of hyper-util,
/// and tonic's channels (made `with_origin`, so that requests say where they go).
///
/// - Without an open scope, and to an origin that is not the next service's, **nothing is sent**:
///   the call fails with [`NotSent`].
/// - An envelope that the request has already, such as the one that this service was called with, is
///   replaced; one in the response is taken out.
/// - The scope is the one in whose task the call is made. A `Buffer` outside this layer calls from a
///   task of its own, where no scope is open: put it inside.
/// - What follows redirects belongs outside, so that each hop is looked at.
///
/// ```
/// use http::{Request, Response};
/// # use tenancy_core::{EnvelopeKey, EnvelopeKeys, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
/// use tenancy_tower::{CarryScopeLayer, NextService, NotSent};
/// use tower::{Layer as _, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?)]);
/// # let keys = EnvelopeKeys::new(EnvelopeKey::random("k1")?);
/// # let tenancy = Tenancy::builder(store).without_requests().envelope_keys(keys).build();
/// # let client = service_fn(async |request: Request<String>| {
/// #     assert!(request.headers().contains_key("tenancy-scope"));
/// #     Ok::<_, std::io::Error>(Response::new(String::new()))
/// # });
/// let notes = NextService::new(&tenancy, "notes", ["https://notes.internal"])?;
/// let client = CarryScopeLayer::to(notes).layer(client);
/// let list = || Request::get("https://notes.internal/list").body(String::new()).unwrap();
///
/// tenancy.run("acme", async |_: &TenantScope| -> Result<(), tenancy_core::Error> {
///     client.clone().oneshot(list()).await.unwrap();
///     Ok(())
/// }).await?;
/// assert!(client.oneshot(list()).await.unwrap_err().is::<NotSent>());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is put around a client"]
pub struct CarryScopeLayer {
    next: NextService,
}

impl CarryScopeLayer {
    /// Hands scopes over to `next`, and to nobody else.
    pub fn to(next: NextService) -> Self {
        Self { next }
    }
}

impl<S> Layer<S> for CarryScopeLayer {
    type Service = CarryScope<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CarryScope {
            inner,
            next: self.next.clone(),
        }
    }
}

/// The client that [`CarryScopeLayer`] makes.
#[derive(Clone)]
pub struct CarryScope<S> {
    inner: S,
    next: NextService,
}

impl<S, B, R> Service<Request<B>> for CarryScope<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = CarryScopeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let kind = match self.next.header(request.uri()) {
            Ok((name, envelope)) => {
                request.headers_mut().insert(name, envelope);
                Kind::Sent {
                    future: self.inner.call(request),
                }
            }
            Err(why) => Kind::NotSent { why: Some(why) },
        };
        CarryScopeFuture { kind }
    }
}

pin_project_lite::pin_project! {
    /// What [`CarryScope`] answers with in the end.
    #[must_use = "futures do nothing unless polled"]
    pub struct CarryScopeFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = KindProj]
    enum Kind<F> {
        Sent { #[pin] future: F },
        NotSent { why: Option<NotSent> },
    }
}

impl<F, R, E> Future for CarryScopeFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Sent { future } => {
                let answer = ready!(future.poll(cx)).map_err(Into::into);
                Poll::Ready(answer.map(|mut response| {
                    response.headers_mut().remove(SCOPE_HEADER);
                    response
                }))
            }
            // Polled again after its end, it has no answer any more.
            KindProj::NotSent { why } => match why.take() {
                Some(why) => Poll::Ready(Err(why.into())),
                None => Poll::Pending,
            },
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for CarryScope<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CarryScope")
            .field("inner", &self.inner)
            .field("next", &self.next)
            .finish()
    }
}

impl<F> fmt::Debug for CarryScopeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CarryScopeFuture").finish_non_exhaustive()
    }
}
