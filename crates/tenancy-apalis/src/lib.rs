//! Background jobs with [apalis](https://docs.rs/apalis) that stay their tenant's.
//!
//! [`TenantQueue::push`] seals the scope that is open into the job, and [`TenantQueue::run`] opens
//! it in the worker: looked up anew, so that a tenant that was suspended in between is refused. Who
//! can write to the queue can't change whose job it is, nor move a scope to another queue; who can
//! read it can have a job run again for as long as its envelope is valid.
//!
//! It works on any storage of apalis. A program that runs is `examples/jobs`.
//!
//! ```
//! # use apalis::prelude::*;
//! # use apalis_sqlite::{SqlitePool, SqliteStorage};
//! # use tenancy_apalis::{Job, TenantQueue};
//! # use tenancy_core::*;
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Digest {
//!     about: String,
//! }
//!
//! type Digests = TenantQueue<SqliteStorage<Job<Digest>>>;
//!
//! // The worker's function: there is no scope in it before the job's is open.
//! async fn digest(job: Job<Digest>, queue: Data<Digests>) -> Result<(), BoxDynError> {
//!     let work = async |scope: &TenantScope| -> Result<(), std::io::Error> {
//!         println!("{} for {}", job.work.about, scope.tenant_id());
//!         Ok(())
//!     };
//!     queue.run(&job.scope, work).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxDynError> {
//! # let pool = SqlitePool::connect("sqlite::memory:").await?;
//! # SqliteStorage::setup(&pool).await?;
//! # let keys = EnvelopeKeys::new(EnvelopeKey::random("k1")?);
//! # let tenancy = Tenancy::builder(MemoryStore::new([Tenant::new(TenantId::new("acme")?)]))
//! #     .without_requests().envelope_keys(keys).build();
//! let queue: Digests = TenantQueue::new(tenancy.clone(), "digests", SqliteStorage::new(&pool))?;
//!
//! // In a handler, where the tenant's scope is open:
//! # tenancy.run("acme", async |scope: &TenantScope| -> Result<(), BoxDynError> {
//! queue.push(scope, Digest { about: "weekly".into() }).await?;
//! # Ok(()) }).await?;
//!
//! let worker = WorkerBuilder::new("digests-1")
//!     .backend(queue.backend())
//!     .data(queue)
//!     .build(digest);
//! # drop(worker);
//! # Ok(()) }
//! ```

mod error;
mod job;
mod queue;

pub use error::QueueError;
pub use job::Job;
pub use queue::TenantQueue;
