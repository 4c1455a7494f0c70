//! Why a job was not queued.

use apalis_core::error::BoxDynError;
use tenancy_core::Error;

/// Why a job was not queued. In each case nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The scope could not be sealed.
    #[error("the scope could not be sealed, and nothing was queued: {0}")]
    Scope(#[from] Error),
    /// The storage did not take the job.
    #[error("the storage did not take the job: see the source for the cause")]
    Push(#[source] BoxDynError),
}
