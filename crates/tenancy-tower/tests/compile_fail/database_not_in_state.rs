//! `Scoped` asks for a pool that the router's state doesn't hold.

use axum::extract::FromRequestParts;
use tenancy_core::{Error, ScopedDatabase, TenantScope};
use tenancy_tower::Scoped;

struct TenantPool;

impl ScopedDatabase for TenantPool {
    type Connection = ();
    type Error = Error;
    async fn acquire_owned(&self, scope: TenantScope) -> Result<(), Error> {
        scope.ensure_usable()
    }
}

#[derive(Clone)]
struct App;

fn argument_of_a_handler<T: FromRequestParts<App>>() {}

fn main() {
    argument_of_a_handler::<Scoped<TenantPool>>();
}
