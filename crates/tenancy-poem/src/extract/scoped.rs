//! A connection that is bound to the request's scope already.

use std::any::type_name;
use std::fmt;
use std::ops::{Deref, DerefMut};

use poem::error::ResponseError;
use poem::http::StatusCode;
use poem::{FromRequest, Request, RequestBody, Response, Result};
use tenancy_core::{BoxError, ScopedDatabase};
use tenancy_http::Refused;

use super::{MissingLayer, open_scope};
use crate::refusal;

/// A connection of the pool `P` that was added with `.data(pool)`, bound to the request's scope.
///
/// Checked out before the handler runs, and held as long as it is: where the handler first waits
/// for something else, ask for a [`TenantScope`](super::TenantScope) and acquire later.
///
/// That the pool was added is seen when a request comes, not by the compiler: without it the
/// answer is 500, and the log says what to add.
///
/// ```
/// use poem::{EndpointExt as _, Route, get, handler};
/// use tenancy_poem::Scoped;
/// # use tenancy_core::{Error, ScopedDatabase, TenantScope};
/// # #[derive(Clone)] struct TenantPool;
/// # struct Connection;
/// # impl Connection { async fn count(&mut self) -> u64 { 3 } }
/// # impl ScopedDatabase for TenantPool {
/// #     type Connection = Connection;
/// #     type Error = Error;
/// #     async fn acquire_owned(&self, scope: TenantScope) -> Result<Connection, Error> { scope.ensure_usable().map(|()| Connection) }
/// # }
///
/// #[handler]
/// async fn count(Scoped(mut db): Scoped<TenantPool>) -> String {
///     db.count().await.to_string()
/// }
/// let app = Route::new().at("/count", get(count)).data(TenantPool);
/// # let _ = app;
/// ```
pub struct Scoped<P: ScopedDatabase>(pub P::Connection);

impl<'a, P: ScopedDatabase> FromRequest<'a> for Scoped<P> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self(acquire::<P>(request).await?))
    }
}

async fn acquire<P: ScopedDatabase>(request: &Request) -> Result<P::Connection, NoConnection> {
    let scope = open_scope(request)?;
    let database = request.extensions().get::<P>();
    let database = database.ok_or(NoConnection::NoDatabase(type_name::<P>()))?;
    let acquired = database.acquire_owned(scope).await;
    acquired.map_err(|error| NoConnection::Acquire(error.into()))
}

/// Why [`Scoped`] has no connection. The client is told of no cause; the log is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// 500: no layer, so no scope.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// 500: the application holds no such database.
    #[error(
        "the application holds no scoped database `{0}`: add `.data(pool)` with an adapter's pool"
    )]
    NoDatabase(&'static str),
    /// 503: the database gave none.
    #[error("no connection for this request's scope: see its source for the database's reason")]
    Acquire(#[source] BoxError),
}

impl NoConnection {
    fn refused(&self) -> Refused {
        match self {
            Self::MissingLayer(_) | Self::NoDatabase(_) => Refused::Misconfigured,
            Self::Acquire(_) => Refused::TryLater,
        }
    }
}

impl ResponseError for NoConnection {
    fn status(&self) -> StatusCode {
        self.refused().status()
    }

    fn as_response(&self) -> Response {
        match self {
            Self::MissingLayer(missing) => return missing.as_response(),
            Self::NoDatabase(_) => tracing::error!("{self}"),
            Self::Acquire(source) => tracing::error!(
                error = &**source as &dyn std::error::Error,
                "no connection for a request's scope"
            ),
        }
        refusal::response(self.refused())
    }
}

impl<P: ScopedDatabase> Deref for Scoped<P> {
    type Target = P::Connection;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<P: ScopedDatabase> DerefMut for Scoped<P> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<P: ScopedDatabase> fmt::Debug for Scoped<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("database", &type_name::<P>())
            .finish_non_exhaustive()
    }
}
