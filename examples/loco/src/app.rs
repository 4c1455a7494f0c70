//! The application, and what each of its routes gives access to.

use async_trait::async_trait;
use example_notes::{Service, administrators};
use loco_rs::Result;
use loco_rs::app::{AppContext, Hooks, Initializer};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode, create_app};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::task::Tasks;
use tenancy::loco::{Central, TenancyInitializer, TenancyLayer, tenancy};

use crate::auth::Tokens;
use crate::controllers::{faults, notes, status};

pub(crate) struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::with_default_routes()
            .add_route(notes::routes())
            .add_route(notes::administration())
            .add_route(status::routes())
            .add_route(faults::routes())
            .add_route(faults::open())
    }

    async fn initializers(ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        let callers = ctx
            .shared_store
            .get::<Service>()
            .map(|service| service.callers);
        let layer = TenancyLayer::new(tenancy(ctx)?)
            .authenticate(Tokens(callers.unwrap_or_default()))
            .transaction_per_request();
        let counting = Central::because("an administrator counts the notes", administrators);
        Ok(vec![Box::new(
            TenancyInitializer::<Self>::new(layer)
                .tenant("/notes")
                .tenant("/whoami")
                .tenant("/faults")
                .central("/admin", counting)
                .open("/health")
                .open("/open-scopes")
                .open("/faults/maintenance")
                .open("/faults/read-only")
                .open("/faults/available")
                .open("/faults/waiting")
                .open("/faults/release")
                .open("/faults/kept")
                .open("/faults/ambient")
                .open("/faults/forgotten")
                .open_monitoring(),
        )])
    }

    async fn boot(
        mode: StartMode,
        environment: &Environment,
        config: Config,
    ) -> Result<BootResult> {
        create_app::<Self>(mode, environment, config).await
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}
