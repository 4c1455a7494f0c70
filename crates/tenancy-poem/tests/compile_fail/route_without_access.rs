//! There is no way to add a route that doesn't say what it gives access to.

use tenancy_poem::{Routes, TenancyLayer};

fn app(layer: TenancyLayer) -> poem::Route {
    let route = Routes::new(layer).at("/notes", poem::endpoint::make_sync(|_| ""));
    route.finish()
}

fn main() {
    let _ = app;
}
