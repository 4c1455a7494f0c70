//! A connection that is bound to the request's scope already.

use std::any::type_name;
use std::fmt;
use std::ops::{Deref, DerefMut};

use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tenancy_core::{BoxError, ScopedDatabase};

use super::{MissingLayer, open_scope};
use tenancy_http::Refused;

/// A connection of the router state's `P`, bound to the request's scope.
///
/// Checked out before the handler runs, and held as long as it is: where the handler first waits
/// for something else, ask for a [`TenantScope`](super::TenantScope) and acquire later.
///
/// ```
/// use axum::{Router, extract::FromRef, routing::get};
/// use tenancy_tower::Scoped;
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
/// #[derive(Clone)]
/// struct App { db: TenantPool }
///
/// impl FromRef<App> for TenantPool {
///     fn from_ref(app: &App) -> Self { app.db.clone() }
/// }
///
/// async fn count(Scoped(mut db): Scoped<TenantPool>) -> String {
///     db.count().await.to_string()
/// }
/// # let _: Router = Router::new().route("/count", get(count)).with_state(App { db: TenantPool });
/// ```
pub struct Scoped<P: ScopedDatabase>(pub P::Connection);

/// A router state `S` that holds this database: every [`ScopedDatabase`] that axum's `FromRef` can
/// take from it. Nobody implements it by hand.
#[diagnostic::on_unimplemented(
    message = "the router's state `{S}` holds no scoped database `{Self}`",
    label = "`Scoped` can't take this from the state",
    note = "write `impl FromRef<{S}> for {Self}`, or derive `FromRef` for the state, and give the state with `.with_state(..)`",
    note = "`{Self}` must be an adapter's pool, such as `tenancy::sqlx::TenantPool`; a driver's own pool knows no tenant"
)]
pub trait DatabaseIn<S>: ScopedDatabase {
    /// The database that `state` holds.
    fn of(state: &S) -> Self;
}

// So that the compiler names this trait, with its notes, rather than axum's.
#[diagnostic::do_not_recommend]
impl<S, P: ScopedDatabase + FromRef<S>> DatabaseIn<S> for P {
    fn of(state: &S) -> Self {
        P::from_ref(state)
    }
}

impl<S: Sync, P: DatabaseIn<S>> FromRequestParts<S> for Scoped<P> {
    type Rejection = NoConnection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoConnection> {
        let ticket = open_scope(parts)?.ticket();
        match P::of(state).acquire_owned(ticket).await {
            Ok(connection) => Ok(Self(connection)),
            Err(error) => Err(NoConnection::Acquire(error.into())),
        }
    }
}

/// Why [`Scoped`] has no connection. The client is told of no cause; the log is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// 500: no layer, so no scope.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// 503: the database gave none.
    #[error("no connection for this request's scope: see its source for the database's reason")]
    Acquire(#[source] BoxError),
}

impl IntoResponse for NoConnection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(missing) => missing.into_response(),
            Self::Acquire(source) => {
                tracing::error!(
                    error = &*source as &dyn std::error::Error,
                    "no connection for a request's scope"
                );
                Refused::TryLater.response().map(Body::from)
            }
        }
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
        write!(f, "Scoped<{}>", type_name::<P>())
    }
}
