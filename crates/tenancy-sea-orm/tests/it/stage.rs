//! A database with walled tables, two tenants whose primary keys collide, and an admin who sees all.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tenancy_core::{Error as ScopeError, MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::wall::Wall;
use tenancy_sea_orm::{
    CentralPool, TenantKind, TenantPool, TenantPoolBuilder, apply_wall, install,
};
use tenancy_testkit::postgres::{Database, Major, Server, majors};

pub(super) const ACME: &str = "acme";
pub(super) const GLOBEX: &str = "globex";

pub(super) struct Stage {
    pub(super) server: &'static Server,
    pub(super) database: Database,
    pub(super) tenancy: Tenancy,
    pub(super) roles: Roles,
    pub(super) key: SealingKey,
    /// Independent of what is tested: a connection of its own, and a superuser.
    pub(super) admin: tokio_postgres::Client,
}

/// Runs a test on every major that this run covers fully.
pub(super) async fn each<F: AsyncFn(Stage)>(test: F) {
    for major in majors() {
        test(Stage::new(major).await).await;
    }
}

impl Stage {
    pub(super) async fn new(major: Major) -> Self {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let admin = database.admin().await.unwrap();
        let mut sqlx = PgConnection::connect(&database.admin_url()).await.unwrap();
        let role = |name: &str| name.parse().unwrap();
        let roles = Roles::new(
            role(database.runtime_role()),
            role(database.central_role()),
            role(database.owner_role()),
        )
        .unwrap();
        let key = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
        let plan = Install::new(roles.clone(), key.clone());
        for report in install(&mut sqlx, &plan).await.unwrap() {
            assert_eq!(report.refused, None, "{report:?}");
            assert_ne!(report.holds, Some(false), "{report:?}");
        }
        let owner = database.owner_role();
        admin
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
        for table in ["notes", "tags"] {
            let wall =
                Wall::new(table.parse().unwrap(), role("tenant_id"), TenantKind::Text).unwrap();
            apply_wall(&mut sqlx, &wall, &roles).await.unwrap();
        }
        admin
            .batch_execute(
                "INSERT INTO notes SELECT t, n, t || ' ' || n FROM unnest(ARRAY['acme', 'globex']) t, generate_series(1, 3) n;
                 INSERT INTO tags SELECT tenant_id, id, 'of ' || tenant_id FROM notes;",
            )
            .await
            .unwrap();
        let tenants = [ACME, GLOBEX].map(|id| Tenant::new(TenantId::new(id).unwrap()));
        let tenancy = Tenancy::builder(MemoryStore::new(tenants))
            .without_requests()
            .build();
        Self {
            server,
            database,
            tenancy,
            roles,
            key,
            admin,
        }
    }

    pub(super) fn builder(&self, url: &str) -> TenantPoolBuilder {
        TenantPool::builder(url)
            .sealing_key(self.key.clone())
            .roles(self.roles.clone())
            .max_per_tenant(u32::MAX)
            .acquire_timeout(Duration::from_secs(20))
    }

    pub(super) async fn pool(&self, connections: u32) -> TenantPool {
        let builder = self.builder(&self.database.runtime_url());
        TenantPool::connect_with(builder.max_connections(connections))
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) async fn central(&self) -> CentralPool {
        CentralPool::connect(&self.database.central_url())
            .await
            .unwrap()
    }

    /// Runs `work` in a tenant's scope.
    pub(super) async fn scope(&self, tenant: &str) -> Ticketed {
        let (give, take) = tokio::sync::oneshot::channel();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let tenancy = self.tenancy.clone();
        let tenant = tenant.to_owned();
        let open = tokio::spawn(async move {
            tenancy
                .run(
                    tenant.as_str(),
                    async |scope: &TenantScope| -> Result<(), ScopeError> {
                        let _given = give.send(scope.ticket());
                        let _over = ended.await;
                        Ok(())
                    },
                )
                .await
        });
        Ticketed {
            scope: take.await.unwrap(),
            end,
            open,
        }
    }

    /// What the admin sees of a tenant.
    pub(super) async fn titles(&self, tenant: &str) -> Vec<String> {
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
}

/// A scope that stays open until it is told to end.
pub(super) struct Ticketed {
    pub(super) scope: TenantScope,
    end: tokio::sync::oneshot::Sender<()>,
    open: tokio::task::JoinHandle<Result<(), ScopeError>>,
}

impl Ticketed {
    /// Ends the scope, and hands out the ticket that is left.
    pub(super) async fn end(self) -> TenantScope {
        drop(self.end);
        self.open.await.unwrap().unwrap();
        self.scope
    }
}

/// Polls until `done`, for what another task is about to do.
pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}

/// Waits until nothing is checked out, so that all of the capacity is back.
pub(super) async fn all_back(pool: &TenantPool) {
    until("capacity to come back", async || pool.status().in_use == 0).await;
    assert!(pool.status().idle <= pool.status().max);
}
