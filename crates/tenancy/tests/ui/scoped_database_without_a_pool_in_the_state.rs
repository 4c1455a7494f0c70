//! The scoped database comes from a pool in the router's state.

use axum::Router;
use axum::routing::get;
use tenancy::axum::Scoped;
use tenancy::sqlx::postgres::TenantPool;

async fn handler(_db: Scoped<TenantPool>) {}

fn misuse() -> Router<()> {
    Router::new().route("/", get(handler))
}

fn main() {}
