//! What a handler asks its request for.

use std::future::Future;

use tenancy_core::{BoxError, CentralScope, ScopedDatabase, Tenant, TenantScope};
use tenancy_http::{Refused, Ticket};
use tonic::{Request, Status};

use crate::refusal;

/// A request's scope. Every [`tonic::Request`] has it, whatever its message or stream; ask before
/// `into_inner`.
///
/// The scopes are tickets: after the call and its response stream have ended they open nothing.
/// The errors become a [`Status`] with `?`, which tells the client no cause, and the log what to do.
///
/// ```
/// use tenancy_tonic::TenancyRequest as _;
/// use tonic::{Request, Response, Status};
///
/// async fn whoami(request: Request<()>) -> Result<Response<String>, Status> {
///     let scope = request.tenant_scope()?;
///     Ok(Response::new(scope.tenant_id().to_string()))
/// }
/// ```
pub trait TenancyRequest: sealed::Sealed {
    /// The tenant's scope: what adapters want to see before they hand out a connection.
    ///
    /// # Errors
    /// [`MissingLayer`] where the service was not added with
    /// [`Routes::tenant`](crate::Routes::tenant).
    fn tenant_scope(&self) -> Result<TenantScope, MissingLayer>;

    /// The tenant, as the store knew it when the scope was opened. It opens nothing.
    ///
    /// # Errors
    /// [`MissingLayer`] where the service was not added with
    /// [`Routes::tenant`](crate::Routes::tenant).
    fn tenant(&self) -> Result<Tenant, MissingLayer>;

    /// The central scope: what adapters want to see before they hand out a central connection.
    ///
    /// # Errors
    /// [`MissingLayer`] where the service was not added with
    /// [`Routes::central`](crate::Routes::central).
    fn central_scope(&self) -> Result<CentralScope, MissingLayer>;

    /// A connection of `database`, bound to the tenant's scope. It does not borrow the scope, so a
    /// response stream can own it.
    ///
    /// # Errors
    /// [`NoConnection`] where there is no scope, or the database gave no connection.
    ///
    /// ```
    /// use tenancy_tonic::TenancyRequest as _;
    /// use tonic::{Request, Response, Status};
    /// # use tenancy_core::{Error, ScopedDatabase, TenantScope};
    /// # struct TenantPool;
    /// # struct Connection;
    /// # impl Connection { async fn count(&mut self) -> u64 { 3 } }
    /// # impl ScopedDatabase for TenantPool {
    /// #     type Connection = Connection;
    /// #     type Error = Error;
    /// #     async fn acquire_owned(&self, scope: TenantScope) -> Result<Connection, Error> { scope.ensure_usable().map(|()| Connection) }
    /// # }
    ///
    /// async fn count(db: &TenantPool, request: Request<()>) -> Result<Response<u64>, Status> {
    ///     let mut db = request.scoped(db).await?;
    ///     Ok(Response::new(db.count().await))
    /// }
    /// ```
    fn scoped<P: ScopedDatabase>(
        &self,
        database: &P,
    ) -> impl Future<Output = Result<P::Connection, NoConnection>> + Send;
}

impl<T> TenancyRequest for Request<T> {
    fn tenant_scope(&self) -> Result<TenantScope, MissingLayer> {
        let scope = ticket(self).and_then(Ticket::tenant);
        scope.map(TenantScope::ticket).ok_or(MissingLayer)
    }

    fn tenant(&self) -> Result<Tenant, MissingLayer> {
        let scope = ticket(self).and_then(Ticket::tenant);
        Ok(scope.ok_or(MissingLayer)?.tenant().clone())
    }

    fn central_scope(&self) -> Result<CentralScope, MissingLayer> {
        let scope = ticket(self).and_then(Ticket::central);
        scope.map(CentralScope::ticket).ok_or(MissingLayer)
    }

    fn scoped<P: ScopedDatabase>(
        &self,
        database: &P,
    ) -> impl Future<Output = Result<P::Connection, NoConnection>> + Send {
        let scope = self.tenant_scope();
        async move {
            let acquired = database.acquire_owned(scope?).await;
            acquired.map_err(|error| NoConnection::Acquire(error.into()))
        }
    }
}

fn ticket<T>(request: &Request<T>) -> Option<&Ticket> {
    request.extensions().get::<Ticket>()
}

/// A handler asked for a scope that is not open around its service. The client is told of an
/// internal error, the log what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this handler needs a scope that is not open around its service: add the service with `Routes::tenant` (or `Routes::central` for a CentralScope), or put `TenancyLayer::new(tenancy)` around it"
)]
pub struct MissingLayer;

impl From<MissingLayer> for Status {
    fn from(missing: MissingLayer) -> Self {
        tracing::error!("{missing}");
        refusal::status(Refused::Misconfigured)
    }
}

/// Why [`TenancyRequest::scoped`] has no connection. The client is told of no cause; the log is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// `INTERNAL`: no layer, so no scope.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// `UNAVAILABLE`: the database gave none.
    #[error("no connection for this call's scope: see its source for the database's reason")]
    Acquire(#[source] BoxError),
}

impl From<NoConnection> for Status {
    fn from(error: NoConnection) -> Self {
        match error {
            NoConnection::MissingLayer(missing) => missing.into(),
            NoConnection::Acquire(source) => {
                tracing::error!(
                    error = &*source as &dyn std::error::Error,
                    "no connection for a call's scope"
                );
                refusal::status(Refused::TryLater)
            }
        }
    }
}

mod sealed {
    pub trait Sealed {}

    impl<T> Sealed for tonic::Request<T> {}
}
