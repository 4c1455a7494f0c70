//! Records outcomes in the registry, many in one transaction.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::registry::{Actor, Record, Registry};

const MOST: usize = 250;
const LONGEST: Duration = Duration::from_millis(300);

/// Records what comes, until nobody is left who could send; answers with how many it could not.
pub(super) async fn record(
    registry: &Registry,
    actor: &Actor,
    mut coming: Receiver<Record>,
) -> u64 {
    let mut unrecorded = 0;
    while let Some(first) = coming.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + LONGEST;
        while batch.len() < MOST
            && let Ok(Some(next)) = timeout_at(until, coming.recv()).await
        {
            batch.push(next);
        }
        // The tenant's own ledger is the truth: who is not recorded is looked at again.
        if let Err(error) = registry.record(&batch, actor).await {
            tracing::warn!(%error, tenants = batch.len(), "outcomes were not recorded");
            unrecorded += u64::try_from(batch.len()).unwrap_or(u64::MAX);
        }
    }
    unrecorded
}
