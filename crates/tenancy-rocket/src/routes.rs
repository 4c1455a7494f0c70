//! Routes that say what they give access to.

use std::collections::BTreeSet;

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::{Build, Data, Orbit, Phase, Request, Rocket, Route};
use tenancy_http::Central;

use crate::TenancyLayer;
use crate::handler::asked_with;

/// A fairing that mounts routes, each as a tenant's, as central, or as open. A route that was
/// mounted without it stops the launch: nobody forgets to say which.
///
/// Attach it once, with all routes. Another fairing that mounts routes at ignition can't be used
/// beside it: give its routes to [`open`](Self::open).
///
/// ```
/// use rocket::{get, routes};
/// use tenancy_rocket::{Central, Routes, TenancyLayer, TenantScope};
/// # use tenancy_core::{MemoryStore, RequestView, Tenancy};
/// # struct User { is_administrator: bool }
///
/// #[get("/notes")] fn list(scope: TenantScope) -> String { scope.tenant_id().to_string() }
/// #[get("/count")] fn count() -> String { String::new() }
/// #[get("/health")] fn health() -> &'static str { "ok" }
///
/// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
/// let administrators = |request: &dyn RequestView| {
///     request.principal_as::<User>().is_some_and(|user| user.is_administrator)
/// };
/// let central = Central::because("the administrator counts notes", administrators);
/// let rocket = rocket::build()
///     // Before it, attach the fairing that authenticates.
///     .attach(
///         Routes::new(TenancyLayer::new(tenancy))
///             .tenant("/", routes![list])
///             .central("/admin", central, routes![count])
///             .open("/", routes![health]),
///     );
/// # let _ = rocket;
/// ```
#[derive(Debug)]
#[must_use = "nothing is mounted before it is attached"]
pub struct Routes {
    layer: TenancyLayer,
    mounted: Vec<(String, Vec<Route>)>,
}

/// What was mounted by [`Routes`], in the managed state.
pub(crate) struct Marked(BTreeSet<String>);

impl Routes {
    /// No routes yet; copies of `layer` go around what needs a scope.
    pub fn new(layer: TenancyLayer) -> Self {
        Self {
            layer,
            mounted: Vec::new(),
        }
    }

    /// Mounts `routes` at `base`, to be served in the scope of the tenant that a request names.
    pub fn tenant(self, base: &str, routes: impl Into<Vec<Route>>) -> Self {
        let layer = self.layer.clone();
        self.add(base, routes, |route| layer.around(route))
    }

    /// Mounts `routes` at `base`, to be served in a central scope, to those whom `central` admits.
    pub fn central(self, base: &str, central: Central, routes: impl Into<Vec<Route>>) -> Self {
        let layer = self.layer.clone().central(central);
        self.add(base, routes, |route| layer.around(route))
    }

    /// Mounts `routes` at `base`, to be served to everybody, without any scope, and so without any
    /// tenant's data.
    pub fn open(self, base: &str, routes: impl Into<Vec<Route>>) -> Self {
        self.add(base, routes, |route| route)
    }

    fn add(
        mut self,
        base: &str,
        routes: impl Into<Vec<Route>>,
        make: impl Fn(Route) -> Route,
    ) -> Self {
        let routes = routes.into().into_iter().map(make).collect();
        self.mounted.push((base.to_owned(), routes));
        self
    }
}

#[rocket::async_trait]
impl Fairing for Routes {
    fn info(&self) -> Info {
        Info {
            name: "tenancy: routes",
            kind: Kind::Ignite | Kind::Liftoff | Kind::Request,
        }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        if rocket.state::<Marked>().is_some() {
            log::error!("tenancy: `Routes` is attached twice: give all routes to one");
            return Err(rocket);
        }
        let forgotten: Vec<String> = names_of(&rocket).collect();
        if !forgotten.is_empty() {
            complain(&forgotten);
            return Err(rocket);
        }
        let mounted = self.mounted.iter().cloned();
        let rocket = mounted.fold(rocket, |rocket, (base, routes)| rocket.mount(base, routes));
        let marked = Marked(names_of(&rocket).collect());
        Ok(rocket.manage(marked))
    }

    /// What other fairings have mounted since.
    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        let marked = rocket.state::<Marked>();
        let known = |name: &String| marked.is_some_and(|marked| marked.0.contains(name));
        let forgotten: Vec<String> = names_of(rocket).filter(|name| !known(name)).collect();
        if !forgotten.is_empty() {
            complain(&forgotten);
            rocket.shutdown().notify();
        }
    }

    /// Remembers what Rocket forgets: that a `HEAD` was one.
    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        asked_with(request);
    }
}

/// Unique, since Rocket refuses routes that collide.
fn names_of<P: Phase>(rocket: &Rocket<P>) -> impl Iterator<Item = String> {
    rocket.routes().map(ToString::to_string)
}

fn complain(forgotten: &[String]) {
    log::error!(
        "tenancy: these routes say nothing of what they give access to; mount them with \
         `Routes::tenant`, `Routes::central` or `Routes::open`: {}",
        forgotten.join(", ")
    );
}
