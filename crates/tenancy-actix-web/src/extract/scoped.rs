//! A connection that is bound to the request's scope already.

use std::any::type_name;
use std::fmt;
use std::ops::{Deref, DerefMut};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use tenancy_core::{BoxError, ScopedDatabase};
use tenancy_http::Refused;

use super::{MissingLayer, open_scope};
use crate::refusal;

/// A connection of the application's `Data<P>`, bound to the request's scope.
///
/// Checked out before the handler runs, and held as long as it is: where the handler first waits
/// for something else, ask for a [`TenantScope`](super::TenantScope) and acquire later.
///
/// That the application has a `Data<P>` is seen when a request comes, not by the compiler: without
/// one the answer is 500, and the log says what to add.
///
/// ```
/// use actix_web::{App, web};
/// use tenancy_actix_web::Scoped;
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
/// async fn count(Scoped(mut db): Scoped<TenantPool>) -> String {
///     db.count().await.to_string()
/// }
/// let app = App::new().app_data(web::Data::new(TenantPool)).route("/count", web::get().to(count));
/// # let _ = app;
/// ```
pub struct Scoped<P: ScopedDatabase>(pub P::Connection);

impl<P: ScopedDatabase> FromRequest for Scoped<P> {
    type Error = NoConnection;
    type Future = LocalBoxFuture<'static, Result<Self, NoConnection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let scope = open_scope(request);
        let database = request.app_data::<Data<P>>().cloned();
        Box::pin(async move {
            let scope = scope?;
            let database = database.ok_or(NoConnection::NoDatabase(type_name::<P>()))?;
            match database.acquire_owned(scope).await {
                Ok(connection) => Ok(Self(connection)),
                Err(error) => Err(NoConnection::Acquire(error.into())),
            }
        })
    }
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
        "the application holds no scoped database `{0}`: add `.app_data(web::Data::new(pool))` with an adapter's pool"
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
    fn status_code(&self) -> StatusCode {
        refusal::response(self.refused()).status()
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::MissingLayer(missing) => return missing.error_response(),
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
