//! There is no way to add a route that doesn't say what it gives access to.

use actix_web::web::{ServiceConfig, resource};
use tenancy_actix_web::{Routes, TenancyLayer};

fn configure(config: &mut ServiceConfig, layer: TenancyLayer) {
    Routes::of(config, layer).service(resource("/notes"));
}

fn main() {
    let _ = configure;
}
