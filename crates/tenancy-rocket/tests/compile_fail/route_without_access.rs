//! There is no way to mount a route that doesn't say what it gives access to.

use tenancy_rocket::{Routes, TenancyLayer};

fn routes(layer: TenancyLayer) -> Routes {
    Routes::new(layer).mount("/", Vec::new())
}

fn main() {
    let _ = routes;
}
