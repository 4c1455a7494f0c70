//! What an adapter needs to run the cases for one tenant.

use tenancy_core::TenantScope;
use tenancy_postgres::install::Roles;
use tenancy_postgres::key::SealingKey;
use tenancy_postgres_pool::{Adapter, Separation, TenantPoolBuilder};
use tenancy_testkit::proxy::Proxy;

use crate::Failed;
use crate::case::{Setting, Statements};
use crate::key::Key;

/// Where one tenant's rows are, and how they are reached.
#[derive(Debug)]
pub struct Place {
    /// The tenant pool's URL, of the runtime role. Where tenants have logins, the pool takes theirs.
    pub runtime_url: String,
    /// The URL of what is compared with: the owner's for shared tables, and the tenant's own login
    /// or path for what is its own.
    pub plain_url: String,
    /// The roles of the installation.
    pub roles: Roles,
    /// Opens sealed scopes.
    pub sealing_key: SealingKey,
    /// How the tenants are kept apart.
    pub separation: Separation,
    /// The type of the tenant column.
    pub key: Key,
    /// The tenant's scope, open.
    pub scope: TenantScope,
    /// Through the tenant pool.
    pub scoped: Statements,
    /// Unscoped.
    pub plain: Statements,
    /// The usual way.
    pub usual: Statements,
    /// What the usual way sets in each transaction. `None` where the connection is the tenant's own.
    pub setting: Option<Setting>,
}

impl Place {
    /// The same place, reached through this proxy.
    ///
    /// # Errors
    /// For a URL that is none.
    pub fn through(&self, proxy: &Proxy) -> Result<Self, Failed> {
        Ok(Self {
            runtime_url: proxy.url(&self.runtime_url)?,
            plain_url: proxy.url(&self.plain_url)?,
            roles: self.roles.clone(),
            sealing_key: self.sealing_key.clone(),
            separation: self.separation.clone(),
            scope: self.scope.ticket(),
            ..*self
        })
    }

    /// A tenant pool's settings, the same for every adapter.
    pub fn settle<D: Adapter>(&self, builder: TenantPoolBuilder<D>) -> TenantPoolBuilder<D> {
        builder
            .roles(self.roles.clone())
            .sealing_key(self.sealing_key.clone())
            .kind(self.key.kind())
            .separation(self.separation.clone())
    }
}
