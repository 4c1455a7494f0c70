//! What is done to each tenant.

use tokio::time::timeout;

#[cfg(feature = "postgres")]
use super::theirs;

use super::Outcome;
use crate::migrations::{Goal, Known, MigrationError, MigrationSet, Moved, drive, foresee};
use crate::registry::Entry;
use crate::script::Limits;
use crate::seeds::{SeedError, SeedSet, foresee as foresee_seeds, plant};
use crate::site::{Open, SiteError, Sites};

/// What is done to each tenant.
pub(super) enum Work<'a> {
    Migrate {
        set: &'a MigrationSet,
        goal: Goal,
        dry: bool,
    },
    Seed {
        seeds: &'a SeedSet,
        again: bool,
        dry: bool,
    },
    #[cfg(feature = "postgres")]
    Theirs {
        migrations: &'a dyn crate::libraries::TenantMigrations,
        /// Backwards, by so many.
        steps: Option<u32>,
        dry: bool,
    },
}

/// What has become of one.
pub(super) struct Did {
    pub(super) outcome: Outcome,
    /// Version and digest, where they are known now.
    pub(super) applied: Option<(Option<i64>, Option<String>)>,
}

/// Why not.
#[derive(Debug)]
pub(super) enum Undone {
    Site(SiteError),
    Migration(MigrationError),
    Seed(SeedError),
    #[cfg(feature = "postgres")]
    Theirs(crate::libraries::LibraryError),
    Timeout,
    Panic,
}

/// After so many places a backend has remembered enough tables: another connection then.
const RECYCLE: u32 = 300;

impl Work<'_> {
    /// In the tenant's place. `kept` is a connection that may lead there, and comes back where it
    /// may be used again.
    pub(super) async fn on(
        &self,
        sites: &Sites,
        entry: &Entry,
        limits: &Limits,
        kept: Option<Open>,
    ) -> (Result<Did, Undone>, Option<Open>) {
        let kept = kept.filter(|open| open.used() < RECYCLE);
        let mut open = match enter(sites, entry, limits, kept).await {
            Ok(open) => open,
            Err(undone) => return (Err(undone), None),
        };
        let was_kept = open.used() > 1;
        let mut done = self.inside(sites, entry, &mut open, limits).await;
        // The connection may have been lost while it was kept: nobody's fault here. And where it was
        // lost while all was being saved, another look tells.
        let again = done
            .as_ref()
            .is_err_and(|undone| undone.is_unsure() || (was_kept && undone.is_lost()));
        if again {
            open = match enter(sites, entry, limits, None).await {
                Ok(open) => open,
                Err(undone) => return (Err(undone), None),
            };
            done = self.inside(sites, entry, &mut open, limits).await;
        }
        let kept = done.is_ok().then_some(open);
        (done, kept)
    }

    async fn inside(
        &self,
        sites: &Sites,
        entry: &Entry,
        open: &mut Open,
        limits: &Limits,
    ) -> Result<Did, Undone> {
        #[cfg(not(feature = "postgres"))]
        let _ = (sites, entry);
        match self {
            #[cfg(feature = "postgres")]
            Self::Theirs {
                migrations,
                steps,
                dry,
            } => theirs::run(*migrations, (*steps, *dry), sites, entry, open, limits).await,
            Self::Migrate { set, goal, dry } => {
                let moved = if *dry {
                    foresee(open, set, limits, *goal).await
                } else {
                    drive(open, set, limits, *goal, Known::of(entry).as_ref()).await
                };
                Ok(migrated(set, moved.map_err(Undone::Migration)?, *dry))
            }
            Self::Seed { seeds, again, dry } => {
                let seeds = if *dry {
                    foresee_seeds(open, seeds, limits, *again).await
                } else {
                    plant(open, seeds, limits, *again).await
                };
                Ok(Did {
                    outcome: seeded(seeds.map_err(Undone::Seed)?, *dry),
                    applied: None,
                })
            }
        }
    }
}

pub(super) fn seeded(seeds: Vec<String>, dry: bool) -> Outcome {
    match (seeds.is_empty(), dry) {
        (true, _) => Outcome::Current,
        (false, true) => Outcome::WouldSeed { seeds },
        (false, false) => Outcome::Seeded { seeds },
    }
}

fn migrated(set: &MigrationSet, moved: Moved, dry: bool) -> Did {
    let Moved { from, to, versions } = moved;
    let digest = set.digest(to);
    let outcome = match (versions.is_empty(), dry) {
        (true, _) => Outcome::Current,
        (false, true) => Outcome::Would { from, to, versions },
        (false, false) => Outcome::Moved { from, to, versions },
    };
    Did {
        outcome,
        applied: (!dry).then_some((to, digest)),
    }
}

async fn enter(
    sites: &Sites,
    entry: &Entry,
    limits: &Limits,
    kept: Option<Open>,
) -> Result<Open, Undone> {
    let placement = entry.placement().ok_or(Undone::Site(SiteError::Missing))?;
    let site = sites.of(placement).map_err(Undone::Site)?;
    let entered = timeout(limits.connect, site.enter(entry.id(), placement, kept)).await;
    entered.map_err(|_| Undone::Timeout)?.map_err(Undone::Site)
}

impl Undone {
    fn is_unsure(&self) -> bool {
        matches!(self, Self::Migration(MigrationError::Unsure))
    }

    fn is_lost(&self) -> bool {
        match self {
            Self::Site(SiteError::Database(fault))
            | Self::Migration(
                MigrationError::Database(fault) | MigrationError::Site(SiteError::Database(fault)),
            )
            | Self::Seed(SeedError::Database(fault)) => fault.is_lost(),
            _ => false,
        }
    }

    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Site(SiteError::Database(fault)) => fault.code(),
            Self::Migration(error) => error.code(),
            Self::Seed(error) => error.code(),
            #[cfg(feature = "postgres")]
            Self::Theirs(error) => error.code(),
            Self::Site(_) | Self::Timeout | Self::Panic => None,
        }
    }
}

impl std::fmt::Display for Undone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Site(error) => error.fmt(f),
            Self::Migration(error) => error.fmt(f),
            Self::Seed(error) => error.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Theirs(error) => error.fmt(f),
            Self::Timeout => MigrationError::Timeout.fmt(f),
            Self::Panic => f.write_str(
                "the work on this tenant panicked, and its connection was closed: see the log",
            ),
        }
    }
}
