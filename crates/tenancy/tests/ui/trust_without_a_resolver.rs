//! There is nothing to trust.

use tenancy::{MemoryStore, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([]))
        .trust_resolution()
        .build()
}

fn main() {}
