//! A database with walled tables, two tenants whose primary keys collide, and an admin who sees all.

use std::fmt;
use std::time::Duration;

use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId};
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::wall::Wall;
use tenancy_postgres_pool::{Adapter, TenantPoolBuilder};
use tenancy_testkit::postgres::{Database, Major, Server};

use crate::OpenScope;

/// A tenant of every [`Walled`] database.
pub const ACME: &str = "acme";
/// The other one.
pub const GLOBEX: &str = "globex";

/// A database of one test's own, with the tables `notes` and `tags` behind the wall.
pub struct Walled {
    /// What it is on.
    pub server: &'static Server,
    /// Its name, its logins and their URLs.
    pub database: Database,
    /// Knows both tenants.
    pub tenancy: Tenancy,
    /// Of the installation.
    pub roles: Roles,
    /// What scopes are sealed with.
    pub key: SealingKey,
    /// Independent of what is tested: a connection of its own, and a superuser.
    pub admin: tokio_postgres::Client,
}

impl Walled {
    /// A fresh one, on a server of this major. `install` has the adapter install the plan and apply
    /// the walls.
    ///
    /// # Panics
    /// Where a server can't be had, or anything else goes wrong.
    pub async fn new(major: Major, install: impl AsyncFnOnce(&Self, &Install, &[Wall])) -> Self {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let admin = database.admin().await.unwrap();
        let role = |name: &str| name.parse().unwrap();
        let roles = Roles::new(
            role(database.runtime_role()),
            role(database.central_role()),
            role(database.owner_role()),
        )
        .unwrap();
        let key = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
        let tenants = [ACME, GLOBEX].map(|id| Tenant::new(TenantId::new(id).unwrap()));
        let walled = Self {
            server,
            database,
            tenancy: Tenancy::builder(MemoryStore::new(tenants))
                .without_requests()
                .build(),
            roles,
            key,
            admin,
        };
        walled.tables().await;
        let walls = ["notes", "tags"].map(|table| {
            Wall::new(table.parse().unwrap(), role("tenant_id"), TenantKind::Text).unwrap()
        });
        let plan = Install::new(walled.roles.clone(), walled.key.clone());
        install(&walled, &plan, &walls).await;
        walled
            .admin
            .batch_execute(
                "INSERT INTO notes SELECT t, n, t || ' ' || n FROM unnest(ARRAY['acme', 'globex']) t, generate_series(1, 3) n;
                 INSERT INTO tags SELECT tenant_id, id, 'of ' || tenant_id FROM notes;",
            )
            .await
            .unwrap();
        walled
    }

    async fn tables(&self) {
        let owner = self.database.owner_role();
        self.admin
            .batch_execute(&format!(
                "SET ROLE {owner};
                 CREATE TABLE notes (tenant_id text COLLATE \"C\" NOT NULL, id bigint NOT NULL, title text NOT NULL,
                   PRIMARY KEY (tenant_id, id));
                 CREATE TABLE tags (tenant_id text COLLATE \"C\" NOT NULL, note bigint NOT NULL, tag text NOT NULL,
                   PRIMARY KEY (tenant_id, note, tag),
                   FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id));
                 RESET ROLE;"
            ))
            .await
            .unwrap();
    }

    /// An adapter's builder with this installation's settings, and without a cap for each tenant.
    pub fn settle<D: Adapter>(&self, builder: TenantPoolBuilder<D>) -> TenantPoolBuilder<D> {
        builder
            .sealing_key(self.key.clone())
            .roles(self.roles.clone())
            .max_per_tenant(u32::MAX)
            .acquire_timeout(Duration::from_secs(20))
    }

    /// Opens a tenant's scope.
    ///
    /// # Panics
    /// Where the tenant is refused.
    pub async fn scope(&self, tenant: &str) -> OpenScope {
        OpenScope::of(&self.tenancy, tenant).await
    }

    /// What the admin sees of a tenant.
    ///
    /// # Panics
    /// Where the admin can't look.
    pub async fn titles(&self, tenant: &str) -> Vec<String> {
        self.admin
            .query(
                "SELECT title FROM notes WHERE tenant_id = $1 ORDER BY id",
                &[&tenant],
            )
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The server's processes of the runtime role.
    ///
    /// # Panics
    /// Where the admin can't look.
    pub async fn backends(&self) -> Vec<i32> {
        self.admin
            .query(
                "SELECT pid FROM pg_stat_activity WHERE usename = $1",
                &[&self.database.runtime_role()],
            )
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// Ends the server's processes of the runtime role, and waits for that.
    ///
    /// # Panics
    /// Where the admin may not.
    pub async fn kill_all(&self) {
        self.admin
            .execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1",
                &[&self.database.runtime_role()],
            )
            .await
            .unwrap();
    }
}

impl fmt::Debug for Walled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walled").finish_non_exhaustive()
    }
}

/// Polls until `done`, for what another task is about to do.
///
/// # Panics
/// Where that takes longer than 15 s.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}
