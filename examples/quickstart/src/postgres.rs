//! Notes on PostgreSQL: one table for all tenants, and a wall in it that the database keeps.

use sqlx::{AssertSqlSafe, Row as _};
use tenancy::sqlx::postgres::{BulkInsert, TenantPool};
use tenancy::{Placement, TenantId, TenantScope};

use crate::notes::{AppError, Notes, Row};
use crate::service::Note;

/// Notes on PostgreSQL.
#[derive(Debug, Clone)]
pub(crate) struct PostgresNotes {
    pool: TenantPool,
}

impl PostgresNotes {
    /// Serves from `pool`.
    pub(crate) fn new(pool: TenantPool) -> Self {
        Self { pool }
    }
}

impl Notes for PostgresNotes {
    async fn provision(&self, _: &TenantId) -> Result<Placement, AppError> {
        Ok(Placement::shared()) // the table is there, and every tenant's rows are in it
    }

    async fn fill(&self, scope: &TenantScope, notes: &[Note]) -> Result<(), AppError> {
        let (ids, titles) = notes
            .iter()
            .map(|note| (note.id, note.title.clone()))
            .unzip();
        let mut db = self.pool.acquire(scope).await?;
        BulkInsert::into("notes")
            .column::<i64>("id", ids)
            .column::<String>("title", titles)
            .execute(&mut db)
            .await?;
        Ok(())
    }

    async fn list(&self, scope: &TenantScope) -> Result<Vec<Note>, AppError> {
        let mut db = self.pool.acquire(scope).await?;
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
            .fetch_all(&mut *db)
            .await?;
        Ok(rows.into_iter().map(Note::from).collect())
    }

    async fn read(&self, scope: &TenantScope, id: i64) -> Result<Option<Note>, AppError> {
        let mut db = self.pool.acquire(scope).await?;
        let row: Option<(i64, String)> =
            sqlx::query_as("SELECT id, title FROM notes WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *db)
                .await?;
        Ok(row.map(Note::from))
    }

    async fn add(&self, scope: &TenantScope, title: String) -> Result<Note, AppError> {
        let mut db = self.pool.acquire(scope).await?;
        let (id,) = sqlx::query_as("INSERT INTO notes (title) VALUES ($1) RETURNING id")
            .bind(&title)
            .fetch_one(&mut *db)
            .await?;
        Ok(Note { id, title })
    }

    async fn write(&self, scope: &TenantScope, note: &Note) -> Result<(), AppError> {
        self.pool
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
        let mut db = self.pool.acquire(scope).await?;
        let removed = sqlx::query("DELETE FROM notes WHERE id = $1")
            .bind(id)
            .execute(&mut *db)
            .await?;
        Ok(removed.rows_affected() > 0)
    }

    async fn run_raw(&self, scope: &TenantScope, sql: String) -> Result<Vec<Row>, AppError> {
        let mut db = self.pool.acquire(scope).await?;
        // Nobody has audited this text: that is the point.
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut *db)
            .await?;
        Ok(rows.iter().map(as_text).collect())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

fn as_text(row: &sqlx::postgres::PgRow) -> Row {
    (0..row.len())
        .map(|column| row.try_get_unchecked(column).ok())
        .collect()
}
