//! A text is no resolver.

use tenancy::{MemoryStore, Tenancy};

fn misuse() {
    let _ = Tenancy::builder(MemoryStore::new([])).resolve("x-tenant-id");
}

fn main() {}
