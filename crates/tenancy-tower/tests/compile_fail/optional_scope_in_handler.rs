//! The same, where a handler is routed.

use axum::{Router, routing::get};
use tenancy_tower::TenantScope;

async fn handler(_: Option<TenantScope>) {}

fn main() {
    let _: Router = Router::new().route("/", get(handler));
}
