//! `Supported` is what a passed run of the suite says, not what somebody claims.

use tenancy::{Capability, Enforcement, Strategy};

fn misuse() -> Capability {
    Capability::planned("sqlx", "PostgreSQL", Strategy::RowLevel, Enforcement::Database).supported()
}

fn main() {}
