//! Caches that only a scope opens, for [`tenancy`](https://docs.rs/tenancy): [in memory](moka) and
//! [in Redis](redis).
//!
//! A cache is where a leak comes back from: the database refuses another tenant's row, and the cache
//! hands out the copy. So no verb here exists without a scope, every key is made from the scope's own
//! tenant, and the scope is asked first whether it may be used: a value is never read with one that has
//! ended. The two have the same verbs: `get`, `insert`, `get_with`, `remove`, `clear`, and `evict` for
//! a tenant whose right has ended; a `CentralCache` beside each takes a `CentralScope`, and reaches no
//! tenant's values.
//!
//! What keeps tenants apart is this crate. For another cache, [`tenancy_core::KeySpace`] makes the
//! beginning of its keys.

mod error;
#[cfg(feature = "moka")]
pub mod moka;
#[cfg(feature = "redis")]
pub mod redis;

pub use error::CacheError;
