use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use http_body_util::BodyExt as _;
use loco_rs::app::{AppContext, Hooks, Initializer as _};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode};
use loco_rs::config::Config;
use loco_rs::controller::{AppRoutes, Routes};
use loco_rs::environment::Environment;
use loco_rs::task::Tasks;
use tenancy_loco::{TenancyInitializer, TenancyLayer};
use tower::{Service as _, ServiceExt};

use super::{OK, ensure_ok, tenancy};
use crate::Failed;

pub(super) struct Served(Router);

/// Bare, and layered. Both without Loco's own middlewares.
pub(super) async fn services() -> Result<(Served, Served), Failed> {
    let config: Config = serde_json::from_value(serde_json::json!({
        "logger": { "enable": false, "level": "off", "format": "compact" },
        "server": { "port": 0, "host": "http://localhost" },
    }))?;
    let context = AppContext::builder(Environment::Test, config).build();
    let bare = App::routes(&context).to_router::<App>(context.clone(), Router::new())?;
    let layered = TenancyInitializer::<App>::new(TenancyLayer::new(tenancy()))
        .tenant("/")
        .after_routes(bare.clone(), &context)
        .await?;
    Ok((Served(bare), Served(layered)))
}

impl Served {
    pub(super) async fn ask(&mut self, host: &str) -> Result<(), Failed> {
        let request = Request::get("/").header("host", host).body(Body::empty())?;
        let answer = ServiceExt::<Request<Body>>::ready(&mut self.0)
            .await?
            .call(request)
            .await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        ensure_ok(status)
    }
}

struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        "bench"
    }

    fn routes(_: &AppContext) -> AppRoutes {
        // The scope is asked for nowhere: the bare application has none.
        AppRoutes::empty().add_route(Routes::new().add("/", get(async || OK)))
    }

    async fn boot(_: StartMode, _: &Environment, _: Config) -> loco_rs::Result<BootResult> {
        Err(loco_rs::Error::string("nothing is booted here"))
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> loco_rs::Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}
