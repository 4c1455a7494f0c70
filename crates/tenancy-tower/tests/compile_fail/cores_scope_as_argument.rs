//! Core's `TenantScope` is no extractor: the integration's is.

use axum::{Router, routing::get};
use tenancy_core::TenantScope;

async fn handler(_: TenantScope) {}

fn main() {
    let _: Router = Router::new().route("/", get(handler));
}
