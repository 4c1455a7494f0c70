//! A builder that says nothing about requests does not build.

use tenancy::{MemoryStore, Tenancy};

fn misuse() -> Tenancy {
    Tenancy::builder(MemoryStore::new([])).build()
}

fn main() {}
