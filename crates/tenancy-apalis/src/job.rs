//! What is stored in the queue.

use serde::{Deserialize, Serialize};
use tenancy_core::ScopeEnvelope;

/// Work, and whose it is. A worker's function takes it, and hands `scope` to
/// [`TenantQueue::run`](crate::TenantQueue::run).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job<W> {
    /// Whose: signed, and for one queue alone. It is `String`'s text in JSON.
    pub scope: ScopeEnvelope,
    /// What is to be done. It should name no tenant: the scope does.
    pub work: W,
}
