//! Core's `TenantScope` is no extractor: the integration's is.

use tenancy_core::TenantScope;

#[poem::handler]
async fn handler(_: TenantScope) -> &'static str {
    ""
}

fn main() {
    let _ = poem::get(handler);
}
