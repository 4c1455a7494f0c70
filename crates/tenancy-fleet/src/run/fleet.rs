//! What can be done to all tenants of a fleet.

use tenancy_core::TenantId;
use tokio::time::timeout;

use super::engine;
use super::feed::Feed;
use super::work::Work;
use super::{Event, Report, Run, RunError};
use crate::Fleet;
#[cfg(feature = "postgres")]
use crate::libraries::TenantMigrations;
use crate::migrations::{Goal, MigrationError, MigrationSet, Resolution, resolve};
use crate::registry::{Actor, Change, Expected, List, Provisioning};
use crate::script::Limits;
use crate::seeds::SeedSet;

/// How far back a rollback goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// To this version: what is above it is undone.
    To(i64),
    /// By so many migrations, counted from the highest version that any tenant is known to be at,
    /// and to the same version for all: so it may be run again after it was interrupted. The base
    /// counts from its own.
    Steps(usize),
    /// To before the first.
    Nothing,
}

impl Fleet {
    /// Brings tenants to a version of the set, or to its last one. A tenant that is above it stays.
    /// Who is there already, as the registry knows, is not looked at: if that is everybody, it costs
    /// one query.
    ///
    /// # Errors
    /// [`RunError::NotInSet`], [`RunError::Registry`]. What happens to tenants is in the report.
    pub async fn migrate(
        &self,
        set: &MigrationSet,
        to: Option<i64>,
        how: &Run,
    ) -> Result<Report, RunError> {
        let target = to.unwrap_or(set.latest());
        let digest = digest(set, Some(target))?;
        let (all, behind) = self.registry.tally(Some(target), &digest).await?;
        let mut list = List::default();
        let (coming, current) = match &how.only {
            Some(ids) => (count(ids.len()), 0),
            None if how.everyone => (all, 0),
            None => {
                list = list.not_at(Some(target), digest);
                (behind, all.saturating_sub(behind))
            }
        };
        let work = Work::Migrate {
            set,
            goal: Goal::Up(Some(target)),
            dry: how.dry,
        };
        Ok(self.run(how, &work, list, (coming, current), false).await)
    }

    /// Takes tenants back, with the down files, the latest first. Each of them is looked at.
    ///
    /// # Errors
    /// [`RunError::NotInSet`], [`RunError::Registry`]. What happens to tenants is in the report.
    pub async fn rollback(
        &self,
        set: &MigrationSet,
        back: Back,
        how: &Run,
    ) -> Result<Report, RunError> {
        let to = match back {
            Back::To(version) => Some(version),
            Back::Nothing => None,
            Back::Steps(steps) => self.below(set, steps, how).await?,
        };
        let (all, _) = self.registry.tally(to, &digest(set, to)?).await?;
        let coming = how.only.as_ref().map_or(all, |ids| count(ids.len()));
        let work = Work::Migrate {
            set,
            goal: Goal::Down(to),
            dry: how.dry,
        };
        Ok(self
            .run(how, &work, List::default(), (coming, 0), !how.dry)
            .await)
    }

    /// Runs the seeds that have not run in each tenant's place; `again`, all of them.
    ///
    /// # Errors
    /// [`RunError::Registry`]. What happens to tenants is in the report.
    pub async fn seed(&self, seeds: &SeedSet, again: bool, how: &Run) -> Result<Report, RunError> {
        let (all, _) = self.registry.tally(None, "").await?;
        let coming = how.only.as_ref().map_or(all, |ids| count(ids.len()));
        let work = Work::Seed {
            seeds,
            again,
            dry: how.dry,
        };
        Ok(self
            .run(how, &work, List::default(), (coming, 0), false)
            .await)
    }

    /// Brings tenants to the last of another library's migrations. Who is there already, as the
    /// registry knows, is not looked at.
    ///
    /// # Errors
    /// [`RunError::Registry`]. What happens to tenants is in the report.
    #[cfg(feature = "postgres")]
    pub async fn migrate_with(
        &self,
        migrations: &dyn TenantMigrations,
        how: &Run,
    ) -> Result<Report, RunError> {
        let target = migrations.target();
        let (all, behind) = self
            .registry
            .tally(Some(target.version), &target.digest)
            .await?;
        let mut list = List::default();
        let (coming, current) = match &how.only {
            Some(ids) => (count(ids.len()), 0),
            None if how.everyone => (all, 0),
            None => {
                list = list.not_at(Some(target.version), target.digest);
                (behind, all.saturating_sub(behind))
            }
        };
        let work = Work::Theirs {
            migrations,
            steps: None,
            dry: how.dry,
        };
        Ok(self.run(how, &work, list, (coming, current), false).await)
    }

    /// Takes each tenant back by so many of another library's migrations. Unlike
    /// [`rollback`](Self::rollback) it counts from where each tenant is: run again, it goes further
    /// back.
    ///
    /// # Errors
    /// [`RunError::Registry`]. What happens to tenants is in the report.
    #[cfg(feature = "postgres")]
    pub async fn rollback_with(
        &self,
        migrations: &dyn TenantMigrations,
        steps: u32,
        how: &Run,
    ) -> Result<Report, RunError> {
        let (all, _) = self.registry.tally(None, "").await?;
        let coming = how.only.as_ref().map_or(all, |ids| count(ids.len()));
        let work = Work::Theirs {
            migrations,
            steps: Some(steps),
            dry: how.dry,
        };
        Ok(self
            .run(how, &work, List::default(), (coming, 0), !how.dry)
            .await)
    }

    /// Says of a tenant's migration that was begun and not finished what an operator found of it.
    ///
    /// # Errors
    /// [`RunError::NoPlace`], [`RunError::Registry`]; [`RunError::Place`], above all with
    /// [`MigrationError::NotUnfinished`].
    pub async fn resolve(
        &self,
        tenant: &TenantId,
        set: &MigrationSet,
        version: i64,
        resolution: Resolution,
        actor: &Actor,
    ) -> Result<(), RunError> {
        let entry = self.registry.get(tenant).await?.ok_or(RunError::NoPlace)?;
        let placement = entry.placement().ok_or(RunError::NoPlace)?;
        if entry.provisioning() != Provisioning::Ready {
            return Err(RunError::NoPlace);
        }
        let limits = Limits::default();
        let site = self.sites.of(placement).map_err(MigrationError::from)?;
        let entered = timeout(limits.connect, site.enter(tenant, placement, None)).await;
        let mut open = entered
            .map_err(|_| MigrationError::Timeout)?
            .map_err(MigrationError::from)?;
        resolve(&mut open, set, &limits, version, resolution).await?;
        let what = match resolution {
            Resolution::Applied => "applied",
            Resolution::NotApplied => "not applied",
        };
        // The next run looks into the ledger.
        let change = Change::applied_version(entry.applied_version()).and(Change::outcome(Some(
            format!("migration {version} was resolved as {what}"),
        ))?);
        self.registry
            .update(tenant, Expected::Any, change, actor)
            .await?;
        Ok(())
    }

    /// The version that lies so many below the highest that any of the tenants is known to be at.
    async fn below(
        &self,
        set: &MigrationSet,
        steps: usize,
        how: &Run,
    ) -> Result<Option<i64>, RunError> {
        let highest = match &how.only {
            None => self.registry.highest().await?,
            Some(ids) => {
                let mut highest = None;
                for id in ids {
                    let entry = self.registry.get(id).await?;
                    highest = highest.max(entry.and_then(|entry| entry.applied_version()));
                }
                highest
            }
        };
        let applied: Vec<_> = set
            .versions()
            .into_iter()
            .take_while(|version| Some(*version) <= highest)
            .collect();
        let kept = applied.len().saturating_sub(steps);
        Ok(kept.checked_sub(1).and_then(|at| applied.get(at).copied()))
    }

    async fn run(
        &self,
        how: &Run,
        work: &Work<'_>,
        list: List,
        (coming, current): (u64, u64),
        forget: bool,
    ) -> Report {
        if let Some(observer) = &how.observer {
            observer.on(&Event::Planned {
                tenants: coming,
                current,
            });
        }
        let only = how.only.as_deref();
        if only.is_none() && coming == 0 {
            return Report {
                current,
                ..Report::default()
            };
        }
        let feed = Feed::of(&self.registry, only, list, forget.then_some(&how.actor));
        engine::run(&self.registry, &self.sites, how, work, feed, current).await
    }
}

fn digest(set: &MigrationSet, version: Option<i64>) -> Result<String, RunError> {
    set.digest(version).ok_or(RunError::NotInSet {
        version: version.unwrap_or_default(),
    })
}

fn count(tenants: usize) -> u64 {
    u64::try_from(tenants).unwrap_or(u64::MAX)
}
