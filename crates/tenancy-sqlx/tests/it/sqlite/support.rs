//! Two tenants, and a judge that knows nothing of ours.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tenancy_core::{MemoryStore, Provisioner, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_sqlx::Error;
use tenancy_sqlx::sqlite::{Builder, SqliteTenantConnection, SqliteTenants};

pub(super) const SCHEMA: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) db: SqliteTenants,
    pub(super) tenancy: Tenancy,
    pub(super) store: MemoryStore,
}

pub(super) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

/// Provisions `ids`, and writes into each one's database a note with key 1 that names it.
pub(super) async fn world_with(ids: &[&str], settings: impl FnOnce(Builder) -> Builder) -> World {
    let folder = tempfile::tempdir().unwrap();
    let db = settings(SqliteTenants::builder(folder.path()).schema([SCHEMA]))
        .build()
        .unwrap();
    let mut tenants = Vec::new();
    for text in ids {
        let placement = db.provision(&id(text)).await.unwrap();
        tenants.push(Tenant::new(id(text)).with_placement(placement));
        let mut judge = judge(&folder.path().join(format!("{text}.db"))).await;
        sqlx::query("INSERT INTO notes VALUES (1, ?1)")
            .bind(format!("secret of {text}"))
            .execute(&mut judge)
            .await
            .unwrap();
        // So that the row is in the file itself, and not in a log beside it.
        judge.close().await.unwrap();
    }
    let store = MemoryStore::new(tenants);
    let tenancy = Tenancy::builder(store.clone()).without_requests().build();
    World {
        folder,
        db,
        tenancy,
        store,
    }
}

pub(super) async fn world() -> World {
    world_with(&["acme", "globex"], |builder| builder).await
}

impl World {
    pub(super) fn path(&self, tenant: &str) -> PathBuf {
        self.folder
            .path()
            .canonicalize()
            .unwrap()
            .join(format!("{tenant}.db"))
    }

    /// What the judge sees in `tenant`'s file.
    pub(super) async fn titles(&self, tenant: &str) -> Vec<String> {
        let mut judge = judge(&self.path(tenant)).await;
        sqlx::query_scalar("SELECT title FROM notes ORDER BY id")
            .fetch_all(&mut judge)
            .await
            .unwrap()
    }

    /// A checkout that outlives the scope it was made in.
    pub(super) async fn checkout(
        &self,
        tenant: &str,
    ) -> Result<SqliteTenantConnection<'static>, Error> {
        let db = self.db.clone();
        self.tenancy
            .run(tenant, async move |scope: &TenantScope| {
                db.acquire_owned(scope.ticket()).await
            })
            .await
    }

    /// Runs `sql` in a scope of `tenant`, however many statements it has.
    pub(super) async fn execute(&self, tenant: &str, sql: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.checkout(tenant).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map(drop)
    }

    pub(super) async fn count(&self, tenant: &str) -> i64 {
        let mut connection = self.checkout(tenant).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM notes")
            .fetch_one(&mut *connection)
            .await
            .unwrap()
    }
}

/// A connection of SQLx alone.
pub(super) async fn judge(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

/// Waits, within bounds, until `condition` holds.
pub(super) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}
