//! Schema-per-tenant, both tiers.

mod bind;
mod identity;
mod logins;
mod make;
mod names;
mod shadow;
mod shared;
mod town;
