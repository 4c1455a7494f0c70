//! Core's `TenantScope` is no extractor: the integration's is.

use tenancy_core::TenantScope;

async fn handler(_: TenantScope) -> &'static str {
    ""
}

fn main() {
    let _ = actix_web::web::get().to(handler);
}
