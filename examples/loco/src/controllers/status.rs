//! Who one is, and how the service does.

use axum::routing::get;
use example_notes::{Service, whoami};
use loco_rs::controller::Routes;
use loco_rs::controller::extractor::shared_store::SharedStore;
use tenancy::loco::TenantScope;

use crate::problem::Answered;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .add("/whoami", get(own_name))
        .add("/health", get(async || "ok\n"))
        .add("/open-scopes", get(open_scopes))
}

async fn own_name(scope: TenantScope) -> Result<String, Answered> {
    Ok(whoami(&scope)?)
}

async fn open_scopes(SharedStore(service): SharedStore<Service>) -> String {
    format!("{}\n", service.open_scopes.count())
}
