//! Notes on SQLite: a database file for each tenant.

use std::path::Path;

use sqlx::{AssertSqlSafe, Row as _};
use tenancy::sqlx::sqlite::SqliteTenants;
use tenancy::{Placement, Provisioner as _, TenantId, TenantScope};

use crate::notes::{AppError, Notes, Row};
use crate::service::Note;

const SCHEMA: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";

/// Notes on SQLite.
#[derive(Debug, Clone)]
pub(crate) struct SqliteNotes {
    tenants: SqliteTenants,
}

impl SqliteNotes {
    /// Keeps the tenants' files in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self, tenancy::sqlx::Error> {
        let tenants = SqliteTenants::builder(folder).schema([SCHEMA]).build()?;
        Ok(Self { tenants })
    }
}

impl Notes for SqliteNotes {
    async fn provision(&self, tenant: &TenantId) -> Result<Placement, AppError> {
        Ok(self.tenants.provision(tenant).await?)
    }

    async fn fill(&self, scope: &TenantScope, notes: &[Note]) -> Result<(), AppError> {
        self.tenants
            .transaction(scope, async |tx| -> Result<(), AppError> {
                for note in notes {
                    sqlx::query("INSERT INTO notes (id, title) VALUES ($1, $2)")
                        .bind(note.id)
                        .bind(&note.title)
                        .execute(&mut *tx)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    async fn list(&self, scope: &TenantScope) -> Result<Vec<Note>, AppError> {
        let mut db = self.tenants.acquire(scope).await?;
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
            .fetch_all(&mut *db)
            .await?;
        Ok(rows.into_iter().map(Note::from).collect())
    }

    async fn read(&self, scope: &TenantScope, id: i64) -> Result<Option<Note>, AppError> {
        let mut db = self.tenants.acquire(scope).await?;
        let row: Option<(i64, String)> =
            sqlx::query_as("SELECT id, title FROM notes WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *db)
                .await?;
        Ok(row.map(Note::from))
    }

    async fn add(&self, scope: &TenantScope, title: String) -> Result<Note, AppError> {
        let mut db = self.tenants.acquire(scope).await?;
        let (id,) = sqlx::query_as("INSERT INTO notes (title) VALUES ($1) RETURNING id")
            .bind(&title)
            .fetch_one(&mut *db)
            .await?;
        Ok(Note { id, title })
    }

    async fn write(&self, scope: &TenantScope, note: &Note) -> Result<(), AppError> {
        self.tenants
            .transaction(scope, async |tx| -> Result<(), AppError> {
                let there = sqlx::query("UPDATE notes SET title = $2 WHERE id = $1")
                    .bind(note.id)
                    .bind(&note.title)
                    .execute(&mut *tx)
                    .await?;
                if there.rows_affected() == 0 {
                    sqlx::query("INSERT INTO notes (id, title) VALUES ($1, $2)")
                        .bind(note.id)
                        .bind(&note.title)
                        .execute(&mut *tx)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    async fn remove(&self, scope: &TenantScope, id: i64) -> Result<bool, AppError> {
        let mut db = self.tenants.acquire(scope).await?;
        let removed = sqlx::query("DELETE FROM notes WHERE id = $1")
            .bind(id)
            .execute(&mut *db)
            .await?;
        Ok(removed.rows_affected() > 0)
    }

    async fn run_raw(&self, scope: &TenantScope, sql: String) -> Result<Vec<Row>, AppError> {
        let mut db = self.tenants.acquire(scope).await?;
        // Nobody has audited this text: that is the point.
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut *db)
            .await?;
        Ok(rows.iter().map(as_text).collect())
    }

    async fn close(&self) {
        self.tenants.close().await;
    }
}

fn as_text(row: &sqlx::sqlite::SqliteRow) -> Row {
    (0..row.len())
        .map(|column| row.try_get_unchecked(column).ok())
        .collect()
}
