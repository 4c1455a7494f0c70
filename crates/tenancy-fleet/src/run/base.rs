//! What can be done to a fleet's base database.

use tokio::time::timeout;

use super::work::seeded;
use super::{Back, Outcome};
use crate::migrations::{Goal, MigrationError, MigrationSet, Resolution, drive, foresee, resolve};
use crate::script::Limits;
use crate::seeds::{SeedError, SeedSet, foresee as foresee_seeds, plant};
use crate::site::{Base, Open};

impl Base {
    /// Brings the base database to a version of the set, or to its last one.
    ///
    /// # Errors
    /// [`MigrationError`].
    pub async fn migrate(
        &self,
        set: &MigrationSet,
        to: Option<i64>,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        set.ensure(to)?;
        self.moved(set, Goal::Up(to), limits).await
    }

    /// Takes the base database back.
    ///
    /// # Errors
    /// [`MigrationError`].
    pub async fn rollback(
        &self,
        set: &MigrationSet,
        back: Back,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        self.moved(set, down(set, back)?, limits).await
    }

    /// What [`migrate`](Self::migrate) would do.
    ///
    /// # Errors
    /// [`MigrationError`].
    pub async fn foresee(
        &self,
        set: &MigrationSet,
        to: Option<i64>,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        set.ensure(to)?;
        self.foreseen(set, Goal::Up(to), limits).await
    }

    /// What [`rollback`](Self::rollback) would do.
    ///
    /// # Errors
    /// [`MigrationError`].
    pub async fn foresee_rollback(
        &self,
        set: &MigrationSet,
        back: Back,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        self.foreseen(set, down(set, back)?, limits).await
    }

    async fn foreseen(
        &self,
        set: &MigrationSet,
        goal: Goal,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        let mut open = self.entered(limits).await?;
        let moved = foresee(&mut open, set, limits, goal).await?;
        Ok(if moved.versions.is_empty() {
            Outcome::Current
        } else {
            Outcome::Would {
                from: moved.from,
                to: moved.to,
                versions: moved.versions,
            }
        })
    }

    /// Runs the seeds that have not run in the base database; `again`, all of them.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn seed(
        &self,
        seeds: &SeedSet,
        again: bool,
        limits: &Limits,
    ) -> Result<Outcome, SeedError> {
        let mut open = self.entered_to_seed(limits).await?;
        let seeds = plant(&mut open, seeds, limits, again).await?;
        Ok(seeded(seeds, false))
    }

    /// What [`seed`](Self::seed) would do.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn foresee_seed(
        &self,
        seeds: &SeedSet,
        again: bool,
        limits: &Limits,
    ) -> Result<Outcome, SeedError> {
        let mut open = self.entered_to_seed(limits).await?;
        let seeds = foresee_seeds(&mut open, seeds, limits, again).await?;
        Ok(seeded(seeds, true))
    }

    async fn entered_to_seed(&self, limits: &Limits) -> Result<Open, SeedError> {
        let entered = timeout(limits.connect, self.enter()).await;
        Ok(entered.map_err(|_| SeedError::Timeout)??)
    }

    /// Says of a migration of the base that was begun and not finished what an operator found of it.
    ///
    /// # Errors
    /// [`MigrationError`], above all [`MigrationError::NotUnfinished`].
    pub async fn resolve(
        &self,
        set: &MigrationSet,
        version: i64,
        resolution: Resolution,
    ) -> Result<(), MigrationError> {
        let limits = Limits::default();
        let mut open = self.entered(&limits).await?;
        resolve(&mut open, set, &limits, version, resolution).await
    }

    async fn moved(
        &self,
        set: &MigrationSet,
        goal: Goal,
        limits: &Limits,
    ) -> Result<Outcome, MigrationError> {
        let mut open = self.entered(limits).await?;
        let moved = drive(&mut open, set, limits, goal, None).await?;
        Ok(if moved.versions.is_empty() {
            Outcome::Current
        } else {
            Outcome::Moved {
                from: moved.from,
                to: moved.to,
                versions: moved.versions,
            }
        })
    }

    async fn entered(&self, limits: &Limits) -> Result<Open, MigrationError> {
        let entered = timeout(limits.connect, self.enter()).await;
        Ok(entered.map_err(|_| MigrationError::Timeout)??)
    }
}

/// So far back, in one place by itself.
fn down(set: &MigrationSet, back: Back) -> Result<Goal, MigrationError> {
    Ok(match back {
        Back::To(version) => {
            set.ensure(Some(version))?;
            Goal::Down(Some(version))
        }
        Back::Nothing => Goal::Down(None),
        Back::Steps(steps) => Goal::Steps(steps),
    })
}
