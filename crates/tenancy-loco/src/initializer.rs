//! The initializer.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use axum::Router;
use loco_rs::app::{AppContext, Hooks, Initializer};
use loco_rs::doctor::{Check, CheckStatus};
use tenancy_tower::{Central, TenancyLayer};

use crate::Undeclared;
use crate::access::{Access, Said};
use crate::doors::Doors;

/// What Loco's `_ping`, `_health` and `_readiness` are called.
const MONITORING: [&str; 3] = ["/_ping", "/_health", "/_readiness"];

/// Puts the layer around the routes of the application `H`, each of which has to be a tenant's,
/// central, or open. See the [crate](crate).
#[must_use = "nothing is served in a scope before it is among `Hooks::initializers`"]
pub struct TenancyInitializer<H> {
    layer: TenancyLayer,
    said: Said,
    application: PhantomData<fn() -> H>,
}

impl<H> TenancyInitializer<H> {
    /// Nothing is said of any route yet; copies of `layer` go around what needs a scope.
    pub fn new(layer: TenancyLayer) -> Self {
        Self {
            layer,
            said: Said::default(),
            application: PhantomData,
        }
    }

    /// The routes at this path and below it are served in the scope of the tenant that a request
    /// names. What is said of a longer path counts.
    pub fn tenant(mut self, path: &str) -> Self {
        self.said.add(path, Access::Tenant);
        self
    }

    /// The routes at this path and below it are served in a central scope, to those whom `central`
    /// admits.
    pub fn central(mut self, path: &str, central: Central) -> Self {
        self.said.add(path, Access::Central(central));
        self
    }

    /// The routes at this path and below it are served to everybody, without any scope, and so
    /// without any tenant's data.
    pub fn open(mut self, path: &str) -> Self {
        self.said.add(path, Access::Open);
        self
    }

    /// Loco's own `/_ping`, `/_health` and `/_readiness` are [open](Self::open).
    pub fn open_monitoring(self) -> Self {
        MONITORING.into_iter().fold(self, Self::open)
    }
}

impl<H: Hooks> TenancyInitializer<H> {
    fn doors(&self, context: &AppContext) -> Result<Doors, Undeclared> {
        let routes = H::routes(context).collect().into_iter();
        let accesses = self.said.of_all(routes.map(|route| route.uri))?;
        Ok(Doors::new(&self.layer, accesses))
    }
}

#[async_trait]
impl<H: Hooks> Initializer for TenancyInitializer<H> {
    fn name(&self) -> String {
        "tenancy".to_owned()
    }

    async fn after_routes(&self, router: Router, context: &AppContext) -> loco_rs::Result<Router> {
        Ok(router.layer(self.doors(context)?))
    }

    async fn check(&self, context: &AppContext) -> loco_rs::Result<Option<Check>> {
        let (status, message, description) = match self.doors(context) {
            Ok(_) => (
                CheckStatus::Ok,
                "every route is a tenant's, central or open".to_owned(),
                None,
            ),
            Err(undeclared) => (
                CheckStatus::NotOk,
                "the application would not start".to_owned(),
                Some(undeclared.to_string()),
            ),
        };
        Ok(Some(Check {
            status,
            message,
            description,
        }))
    }
}

impl From<Undeclared> for loco_rs::Error {
    fn from(error: Undeclared) -> Self {
        Self::Any(Box::new(error))
    }
}

impl<H> fmt::Debug for TenancyInitializer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenancyInitializer")
            .field("layer", &self.layer)
            .field("said", &self.said)
            .finish_non_exhaustive()
    }
}
