//! A connection that is bound to the request's scope already.

use std::any::type_name;
use std::fmt;
use std::ops::{Deref, DerefMut};

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};
use tenancy_core::{BoxError, ScopedDatabase};
use tenancy_http::Refused;

use super::{MissingLayer, has_no_routes, misconfigured, open_scope};
use crate::refusal;

/// A connection of the managed `P`, bound to the request's scope.
///
/// Checked out before the handler runs, and held as long as it is: where the handler first waits
/// for something else, ask for a [`TenantScope`](super::TenantScope) and acquire later.
///
/// Where no `P` is managed, the launch stops.
///
/// ```
/// use rocket::{get, routes};
/// use tenancy_rocket::Scoped;
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
/// #[get("/count")]
/// async fn count(mut db: Scoped<TenantPool>) -> String {
///     db.count().await.to_string()
/// }
/// let rocket = rocket::build().manage(TenantPool); // and attach `Routes`
/// # let _ = (rocket, routes![count]);
/// ```
pub struct Scoped<P: ScopedDatabase>(pub P::Connection);

#[rocket::async_trait]
impl<'r, P: ScopedDatabase> FromRequest<'r> for Scoped<P> {
    type Error = NoConnection;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, NoConnection> {
        match acquire::<P>(request).await {
            Ok(connection) => Outcome::Success(Self(connection)),
            Err(error) => {
                error.tell();
                Outcome::Error((error.status(), error))
            }
        }
    }
}

async fn acquire<P: ScopedDatabase>(request: &Request<'_>) -> Result<P::Connection, NoConnection> {
    let scope = open_scope(request)?;
    let database = request.rocket().state::<P>();
    let database = database.ok_or(NoConnection::NoDatabase(type_name::<P>()))?;
    let acquired = database.acquire_owned(scope).await;
    acquired.map_err(|error| NoConnection::Acquire(error.into()))
}

/// Stops the launch where nobody opens scopes, or no `P` is managed.
impl<P: ScopedDatabase> Sentinel for Scoped<P> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let missing = rocket.state::<P>().is_none();
        if missing {
            log::error!("{}", NoConnection::NoDatabase(type_name::<P>()));
        }
        has_no_routes(rocket) || missing
    }
}

/// Why [`Scoped`] has no connection. The client is answered by a catcher; the log has the cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// 500: the route has no scope.
    #[error(transparent)]
    MissingLayer(#[from] MissingLayer),
    /// 500: no such database is managed.
    #[error("no scoped database `{0}` is managed: add `.manage(pool)` with an adapter's pool")]
    NoDatabase(&'static str),
    /// 503: the database gave none.
    #[error("no connection for this request's scope: see its source for the database's reason")]
    Acquire(#[source] BoxError),
}

impl NoConnection {
    fn status(&self) -> rocket::http::Status {
        match self {
            Self::MissingLayer(_) | Self::NoDatabase(_) => misconfigured(),
            Self::Acquire(_) => refusal::status(Refused::TryLater),
        }
    }

    fn tell(&self) {
        match self {
            Self::MissingLayer(_) | Self::NoDatabase(_) => tracing::error!("{self}"),
            Self::Acquire(source) => tracing::error!(
                error = &**source as &dyn std::error::Error,
                "no connection for a request's scope"
            ),
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
