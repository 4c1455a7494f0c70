//! `Scoped` asks for a pool that knows no tenant.

use tenancy_rocket::Scoped;

struct DriversOwnPool;

async fn handler(_: Scoped<DriversOwnPool>) {}

fn main() {
    let _ = handler;
}
