//! Core's `TenantScope` is no request guard: the integration's is.

use tenancy_core::TenantScope;

#[rocket::get("/")]
fn handler(_scope: TenantScope) -> &'static str {
    ""
}

fn main() {
    let _ = rocket::routes![handler];
}
