//! The extractor is the integration's own `TenantScope`, not the core's.

use axum::Router;
use axum::routing::get;
use tenancy::TenantScope;

async fn handler(_scope: TenantScope) {}

fn misuse() -> Router<()> {
    Router::new().route("/", get(handler))
}

fn main() {}
