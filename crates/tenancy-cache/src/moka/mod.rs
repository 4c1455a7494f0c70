//! Tenants' values in this process's memory, over [`moka`](https://docs.rs/moka).
//!
//! All tenants share one bounded cache, so that memory has one bound; each has a *share* of it, so
//! that one tenant can't push out all the others' values. A tenant's entries lie in a drawer of its own
//! with a number that is given once, so no key of one can be another's, whatever its bytes are, and
//! clearing is one step that also what is being loaded at that moment doesn't survive.
//!
//! ```
//! use tenancy_cache::CacheError;
//! use tenancy_cache::moka::TenantCache;
//! use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope, Withdrawn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?), Tenant::new(TenantId::new("globex")?)]);
//! # let tenancy = Tenancy::builder(store).without_requests().build();
//! #[derive(Debug, thiserror::Error)]
//! enum AppError {
//!     #[error(transparent)]
//!     Tenancy(#[from] tenancy_core::Error),
//!     #[error(transparent)]
//!     Cache(#[from] CacheError),
//! }
//!
//! let plans: TenantCache<String> = TenantCache::builder().build();
//! tenancy.on_withdrawn({ let plans = plans.clone(); move |withdrawn| match withdrawn {
//!     Withdrawn::Tenant(tenant) => plans.evict(tenant),
//!     _ => plans.evict_all(),
//! }});
//! tenancy.run("acme", async |scope: &TenantScope| -> Result<_, AppError> {
//!     let plan = plans.get_with(scope, "plan", async { Ok::<_, AppError>("gold".to_owned()) }).await?;
//!     assert_eq!(plan, "gold");
//!     Ok(())
//! }).await?;
//! tenancy.run("globex", async |scope: &TenantScope| -> Result<_, AppError> {
//!     assert_eq!(plans.get(scope, "plan").await?, None);
//!     Ok(())
//! }).await?;
//! # Ok(()) }
//! ```
//! Without a scope there is no verb, and central work's is no tenant's:
//! ```compile_fail
//! # async fn example(plans: tenancy_cache::moka::TenantCache<String>) {
//! plans.get("plan").await;
//! # }
//! ```
//! ```compile_fail
//! # async fn example(plans: tenancy_cache::moka::TenantCache<String>, central: &tenancy_core::CentralScope) {
//! plans.get(central, "plan").await;
//! # }
//! ```

mod builder;
mod central_cache;
mod drawer;
mod store;
mod tenant_cache;

pub use builder::CacheBuilder;
pub use central_cache::CentralCache;
pub use tenant_cache::TenantCache;
