//! There is no way to add a route that doesn't say what it gives access to.

use axum::{Router, routing::get};
use tenancy_tower::{Routes, TenancyLayer};

fn app(layer: TenancyLayer) -> Router {
    let routes: Routes = Routes::new(layer);
    routes.route("/notes", get(async || "")).finish()
}

fn main() {
    let _ = app;
}
