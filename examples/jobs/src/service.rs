//! A service with notes, and its background work: a digest of a tenant's notes.

use std::future::Future;

use apalis::prelude::{BoxDynError, Data, WorkerBuilder, WorkerError};
use apalis_postgres::PostgresStorage;
use serde::{Deserialize, Serialize};
use tenancy::TenantScope;
use tenancy::apalis::{Job, TenantQueue};
use tenancy::sqlx::Error as DatabaseError;
use tenancy::sqlx::postgres::TenantPool;

/// The queue's name, and who its envelopes are for.
pub const QUEUE: &str = "digests";

/// The tables, as in any migration. The walls are around both.
pub const TABLES: &str = "
    CREATE TABLE notes (tenant_id text NOT NULL, id bigint NOT NULL, title text NOT NULL,
        PRIMARY KEY (tenant_id, id));
    CREATE TABLE digests (tenant_id text NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, about text NOT NULL,
        notes bigint NOT NULL, PRIMARY KEY (tenant_id, id));";

/// The work: count the notes, and write it down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Digest {
    /// What the digest is called.
    pub about: String,
}

/// The queue, in apalis's tables.
pub type Digests = TenantQueue<PostgresStorage<Job<Digest>>>;

/// What handlers and workers share.
#[derive(Debug, Clone)]
pub struct Service {
    /// The tenants' data.
    pub db: TenantPool,
    /// Digests that are to be made.
    pub digests: Digests,
}

impl Service {
    /// Makes a digest in this scope. No statement names a tenant: the database knows.
    ///
    /// # Errors
    /// The database's.
    pub async fn digest(&self, scope: &TenantScope, work: &Digest) -> Result<i64, DatabaseError> {
        let mut db = self.db.acquire(scope).await?;
        let digest =
            "INSERT INTO digests (about, notes) SELECT $1, count(*) FROM notes RETURNING notes";
        let (notes,) = sqlx::query_as(digest)
            .bind(&work.about)
            .fetch_one(&mut *db)
            .await?;
        Ok(notes)
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// apalis's, where the queue can't be reached.
    pub async fn work(
        self,
        name: &str,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), WorkerError> {
        let worker = WorkerBuilder::new(name)
            .backend(self.digests.backend())
            .data(self)
            .build(handle);
        let stop = async {
            stop.await;
            Ok::<(), WorkerError>(())
        };
        worker.run_until(stop).await
    }
}

/// One job. There is no scope here before the envelope's is open.
async fn handle(job: Job<Digest>, service: Data<Service>) -> Result<i64, BoxDynError> {
    let Job { scope, work } = &job;
    let run = service.digests.run(scope, async |scope: &TenantScope| {
        service.digest(scope, work).await
    });
    run.await
}
