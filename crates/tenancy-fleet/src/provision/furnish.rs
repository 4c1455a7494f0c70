//! What is in a new place: the migrations, and behind them the seeds.

use tenancy_core::{Placement, TenantId};
use tokio::time::timeout;

use super::ProvisionError;
use super::hold::{Hold, Plan};
use crate::Fleet;
use crate::migrations::{Goal, MigrationError, MigrationSet, drive};
use crate::registry::{Change, Furnished};
use crate::seeds::{SeedSet, plant};

impl Fleet {
    /// What a place is to have, at the end.
    pub(super) fn wanted(&self) -> Furnished {
        let version = self.migrations.as_ref().map(MigrationSet::latest);
        Furnished {
            version,
            digest: version.and_then(|version| self.migrations.as_ref()?.digest(Some(version))),
            seeds: self.seeds.as_ref().map(SeedSet::digest),
        }
    }

    /// Makes a place in which nobody's data ever was, with all that is in it. One that a killed
    /// migration left behind, which could not be undone, is made anew.
    pub(super) async fn make_whole(
        &self,
        hold: &mut Hold<'_>,
        plan: &Plan<'_>,
    ) -> Result<Furnished, ProvisionError> {
        hold.make(plan).await?;
        match Box::pin(self.furnish(plan.tenant, plan.placement)).await {
            Err(ProvisionError::Migration(MigrationError::Unfinished { .. })) => {}
            done => return done,
        }
        hold.remove(plan, None).await?;
        hold.make(plan).await?;
        Box::pin(self.furnish(plan.tenant, plan.placement)).await
    }

    /// Migrates and seeds a place that is there and marked. What has been applied is not again.
    pub(super) async fn furnish(
        &self,
        tenant: &TenantId,
        placement: &Placement,
    ) -> Result<Furnished, ProvisionError> {
        let wanted = self.wanted();
        if wanted == Furnished::default() {
            return Ok(wanted);
        }
        let entering = self.sites.of(placement)?.enter(tenant, placement, None);
        let entered = timeout(self.limits.connect, entering).await;
        let mut open = entered.map_err(|_| ProvisionError::Timeout)??;
        let mut version = None;
        if let Some(set) = &self.migrations {
            let goal = Goal::Up(wanted.version);
            version = drive(&mut open, set, &self.limits, goal, None).await?.to;
        }
        if let Some(seeds) = &self.seeds {
            plant(&mut open, seeds, &self.limits, false).await?;
        }
        Ok(if version == wanted.version {
            wanted
        } else {
            // Somebody has a later set: the next run looks for itself.
            Furnished {
                version,
                digest: None,
                ..wanted
            }
        })
    }
}

/// Records what is in the place.
pub(super) fn furnished(furnished: &Furnished) -> Result<Change, ProvisionError> {
    Ok(match &furnished.digest {
        Some(digest) => Change::applied(furnished.version, digest.clone())?,
        None => Change::applied_version(furnished.version),
    })
}
