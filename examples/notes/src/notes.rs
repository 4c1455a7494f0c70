//! The data: a SQLite file for each tenant. No query names a tenant.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::try_unfold;
use futures_util::{Stream, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tenancy::sqlx::sqlite::SqliteTenants;
use tenancy::{CentralScope, Provisioner as _, Tenancy, Tenant, TenantId, TenantScope};

use crate::Problem;

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Unique within its tenant.
    pub id: i64,
    /// What it says.
    pub title: String,
}

/// What a caller writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What it says.
    pub title: String,
}

/// The notes of all tenants, one tenant at a time: every method wants to see a scope.
#[derive(Debug, Clone)]
pub struct Notes {
    tenants: SqliteTenants,
}

/// How often a listener hears of its notes.
const BEAT: Duration = Duration::from_millis(50);

impl Notes {
    pub(crate) fn open(folder: &Path) -> Result<Self, Problem> {
        let schema = "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
        let tenants = SqliteTenants::builder(folder).schema([schema]).build()?;
        Ok(Self { tenants })
    }

    pub(crate) async fn provision(&self, id: &TenantId) -> Result<Tenant, Problem> {
        let placement = self.tenants.provision(id).await?;
        Ok(Tenant::new(id.clone()).with_placement(placement))
    }

    /// What hands out a tenant's connections.
    pub fn database(&self) -> &SqliteTenants {
        &self.tenants
    }

    /// All notes.
    ///
    /// # Errors
    /// [`Problem`] where there is no scope, or the database fails.
    pub async fn list(&self, scope: &TenantScope) -> Result<Vec<Note>, Problem> {
        let mut db = self.tenants.acquire(scope).await?;
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, title FROM notes ORDER BY id")
            .fetch_all(&mut *db)
            .await?;
        let note = |(id, title)| Note { id, title };
        Ok(rows.into_iter().map(note).collect())
    }

    /// Stores a note.
    ///
    /// # Errors
    /// [`Problem`] where there is no scope, or the database fails.
    pub async fn add(&self, scope: &TenantScope, draft: Draft) -> Result<Note, Problem> {
        let Draft { title } = draft;
        let mut db = self.tenants.acquire(scope).await?;
        let (id,) = sqlx::query_as("INSERT INTO notes (title) VALUES ($1) RETURNING id")
            .bind(&title)
            .fetch_one(&mut *db)
            .await?;
        Ok(Note { id, title })
    }

    /// Stores all of these notes, or none: each in the request's transaction, which is saved with a
    /// success and taken back with anything else. So nothing is cleaned up here.
    ///
    /// # Errors
    /// [`Problem::NoTitle`] where a draft has none; else [`Problem`] where there is no scope, its
    /// request has no transaction, or the database fails.
    pub async fn import(
        &self,
        scope: &TenantScope,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Note>, Problem> {
        let mut notes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            notes.push(self.import_one(scope, draft).await?);
        }
        Ok(notes)
    }

    /// How many notes there are.
    ///
    /// # Errors
    /// [`Problem`] where there is no scope, or the database fails.
    pub async fn count(&self, scope: &TenantScope) -> Result<i64, Problem> {
        let mut db = self.tenants.acquire(scope).await?;
        let (count,) = sqlx::query_as("SELECT count(*) FROM notes")
            .fetch_one(&mut *db)
            .await?;
        Ok(count)
    }

    /// Each note, read from the database as it is sent. A body is polled in its request's scope, so
    /// this asks for the ambient one.
    pub fn each(self) -> impl Stream<Item = Result<Note, Problem>> + Send + 'static {
        try_unfold((self, 0), async |(notes, last)| {
            let scope = TenantScope::current()?;
            let next = notes.after(&scope, last).await?;
            Ok(next.map(|note| {
                let last = note.id;
                (note, (notes, last))
            }))
        })
    }

    /// The same, a line for each.
    pub fn export(self) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
        let line = |note: Note| Bytes::from(format!("{}\t{}\n", note.id, note.title));
        self.each().map_ok(line)
    }

    /// How many notes there are, now and again, until nobody listens any more.
    pub fn counts(self) -> impl Stream<Item = Result<i64, Problem>> + Send + 'static {
        try_unfold((self, false), async |(notes, again)| {
            if again {
                tokio::time::sleep(BEAT).await;
            }
            let scope = TenantScope::current()?;
            let count = notes.count(&scope).await?;
            Ok(Some((count, (notes, true))))
        })
    }

    /// The notes of all tenants, counted: central work, tenant by tenant.
    ///
    /// # Errors
    /// [`Problem`] where the central scope has ended, or a database fails.
    pub async fn count_everywhere(
        &self,
        tenancy: &Tenancy,
        scope: &CentralScope,
        tenants: &[TenantId],
    ) -> Result<i64, Problem> {
        scope.ensure_usable()?;
        let mut sum = 0;
        for tenant in tenants {
            sum += tenancy
                .run(tenant, async |scope: &TenantScope| self.count(scope).await)
                .await?;
        }
        Ok(sum)
    }

    pub(crate) async fn close(&self) {
        self.tenants.close().await;
    }

    /// Nobody handed it a transaction: whoever asks in one request gets the same one.
    async fn import_one(&self, scope: &TenantScope, draft: Draft) -> Result<Note, Problem> {
        let Draft { title } = draft;
        if title.is_empty() {
            return Err(Problem::NoTitle);
        }
        let mut tx = self.tenants.request_transaction(scope).await?;
        let (id,) = sqlx::query_as("INSERT INTO notes (title) VALUES ($1) RETURNING id")
            .bind(&title)
            .fetch_one(&mut **tx)
            .await?;
        Ok(Note { id, title })
    }

    async fn after(&self, scope: &TenantScope, last: i64) -> Result<Option<Note>, Problem> {
        let mut db = self.tenants.acquire(scope).await?;
        let query = "SELECT id, title FROM notes WHERE id > $1 ORDER BY id LIMIT 1";
        let row: Option<(i64, String)> = sqlx::query_as(query)
            .bind(last)
            .fetch_optional(&mut *db)
            .await?;
        Ok(row.map(|(id, title)| Note { id, title }))
    }
}
