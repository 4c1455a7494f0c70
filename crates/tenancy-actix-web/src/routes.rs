//! Routes that say what they give access to.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::web::ServiceConfig;
use actix_web::{Error, Resource};
use tenancy_http::Central;

use crate::TenancyLayer;

/// Adds resources to an application, each as a tenant's, as central, or as open: there is no way to
/// leave it out.
///
/// ```
/// use actix_web::{App, web};
/// use tenancy_actix_web::{Central, Routes, TenancyLayer, TenantScope};
/// # use tenancy_core::{MemoryStore, RequestView, Tenancy};
/// # struct User { is_administrator: bool }
///
/// async fn list(scope: TenantScope) -> String { scope.tenant_id().to_string() }
/// async fn count() -> String { String::new() }
/// async fn health() -> &'static str { "ok" }
///
/// # let tenancy = Tenancy::builder(MemoryStore::default()).without_requests().build();
/// let layer = TenancyLayer::new(tenancy);
/// let app = App::new().configure(|config| {
///     let administrators = |request: &dyn RequestView| {
///         request.principal_as::<User>().is_some_and(|user| user.is_administrator)
///     };
///     Routes::of(config, layer)
///         .tenant(web::resource("/notes").get(list))
///         .central(
///             Central::because("the administrator counts notes", administrators),
///             web::resource("/admin/count").get(count),
///         )
///         .open(web::resource("/health").get(health));
/// });
/// # let _ = app;
/// ```
#[derive(Debug)]
pub struct Routes<'a> {
    config: Config<'a>,
    layer: TenancyLayer,
}

struct Config<'a>(&'a mut ServiceConfig);

impl std::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceConfig").finish_non_exhaustive()
    }
}

impl<'a> Routes<'a> {
    /// Adds to `config`, with copies of `layer` around what needs a scope.
    pub fn of(config: &'a mut ServiceConfig, layer: TenancyLayer) -> Self {
        Self {
            config: Config(config),
            layer,
        }
    }

    /// Serves `resource` in the scope of the tenant that a request names.
    pub fn tenant<T, B>(self, resource: Resource<T>) -> Self
    where
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let layer = self.layer.clone();
        self.config.0.service(resource.wrap(layer));
        self
    }

    /// Serves `resource` in a central scope, to those whom `central` admits.
    pub fn central<T, B>(self, central: Central, resource: Resource<T>) -> Self
    where
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let layer = self.layer.clone().central(central);
        self.config.0.service(resource.wrap(layer));
        self
    }

    /// Serves `resource` to everybody, without any scope, and so without any tenant's data.
    pub fn open<T, B>(self, resource: Resource<T>) -> Self
    where
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        self.config.0.service(resource);
        self
    }
}
