//! Central work is asked for by name, with a reason.

use tenancy::CentralScope;

fn misuse() -> CentralScope {
    CentralScope::default()
}

fn main() {}
