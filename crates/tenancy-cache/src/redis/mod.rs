//! Tenants' values in Redis (6.2 or later) or Valkey, which processes share.
//!
//! A key is `NAME:{tenant=ID}:KEY`; the first two parts can't run into the key, whatever its bytes
//! are, and no verb takes them from anywhere but a scope. Beside its values each tenant has a *mark*,
//! `NAME:{tenant=ID}`: the tenant's id and a random number. Every value starts with the mark that it was
//! written under, and is read together with the one that is there now, so that
//!
//! - a tenant is cleared by removing one key: atomically, in one trip, however many values there are,
//!   and what another process is loading at that moment is not kept. (`SCAN` with `MATCH` looks at
//!   every tenant's keys, takes as long as that, and misses what is written meanwhile.) The bytes stay
//!   until their time to live is over;
//! - an answer that is somebody else's, of a connection that mixes them up, is found out and refused;
//! - a server that throws keys away for want of memory loses values, and brings back none.
//!
//! The braces are a cluster's hash tag: all keys of one tenant are in one slot. That makes the above one
//! step there too, at the price that one tenant's keys are on one node.
//!
//! What keeps tenants apart is this crate, not Redis: whoever has the connection can read every key.
//! Redis has one memory for all, so one tenant's values can push out another's there; in memory each
//! tenant has a [share](crate::moka).
//!
//! ```no_run
//! use tenancy_cache::CacheError;
//! use tenancy_cache::redis::{Json, TenantCache};
//! use tenancy_core::{Tenancy, TenantScope, Withdrawn};
//!
//! # async fn example(tenancy: Tenancy, scope: &TenantScope, url: &str) -> Result<(), CacheError> {
//! let reports: TenantCache<Json<Vec<u64>>> = TenantCache::builder("reports").connect(url).await?;
//! tenancy.on_withdrawn({ let reports = reports.clone(); move |withdrawn| {
//!     if let Withdrawn::Tenant(tenant) = withdrawn {
//!         reports.evict(tenant);
//!     }
//! }});
//! let Json(rows) = reports.get_with(scope, "today", async { Ok::<_, CacheError>(Json(vec![1, 2])) }).await?;
//! # Ok(()) }
//! ```
//! Without a scope there is no verb:
//! ```compile_fail
//! # async fn example(reports: tenancy_cache::redis::TenantCache<String>) {
//! reports.get("today").await;
//! # }
//! ```
//! ```compile_fail
//! # async fn example(reports: tenancy_cache::redis::TenantCache<String>, central: &tenancy_core::CentralScope) {
//! reports.get(central, "today").await;
//! # }
//! ```

mod builder;
mod central_cache;
mod evictions;
mod fault;
mod keys;
mod mark;
mod remote;
mod tenant_cache;
mod value;

pub use builder::CacheBuilder;
pub use central_cache::CentralCache;
pub use tenant_cache::TenantCache;
pub use value::{CacheValue, Json};
