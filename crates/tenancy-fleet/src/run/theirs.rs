//! Another library's migrations in one tenant's place, under our lock.

use super::Outcome;
use super::work::{Did, Undone};
use crate::libraries::{Target, TenantMigrations};
use crate::migrations::MigrationError;
use crate::registry::Entry;
use crate::script::{Limits, Tries, Trouble, postgres};
use crate::site::{Open, SiteError, Sites};

pub(super) async fn run(
    migrations: &dyn TenantMigrations,
    (steps, dry): (Option<u32>, bool),
    sites: &Sites,
    entry: &Entry,
    open: &mut Open,
    limits: &Limits,
) -> Result<Did, Undone> {
    let placement = entry.placement().ok_or(Undone::Site(SiteError::Missing))?;
    let site = sites.of(placement).map_err(Undone::Site)?;
    let place = site.library_place(open).map_err(Undone::Site)?;
    let Target { version, digest } = migrations.target();
    let from = entry.applied_version();
    // What is left after steps back, only the library's own ledger knows.
    let (to, applied) = match steps {
        None => (Some(version), (Some(version), Some(digest))),
        Some(_) => (None, (None, None)),
    };
    if dry {
        let outcome = Outcome::Would {
            from,
            to,
            versions: Vec::new(),
        };
        return Ok(Did {
            outcome,
            applied: None,
        });
    }
    hold(open, limits).await?;
    let done = match steps {
        None => migrations.apply(&place).await,
        Some(steps) => migrations.revert(&place, steps).await,
    };
    let count = done.map_err(Undone::Theirs)?;
    let of = |trouble| Undone::Migration(MigrationError::from(trouble));
    postgres::release(open).await.map_err(of)?;
    let outcome = if count == 0 {
        Outcome::Current
    } else {
        Outcome::Moved {
            from,
            to,
            versions: Vec::new(),
        }
    };
    Ok(Did {
        outcome,
        applied: Some(applied),
    })
}

/// Locks the place for this connection, until it is released or closed.
async fn hold(open: &mut Open, limits: &Limits) -> Result<(), Undone> {
    let mut tries = Tries::new(limits);
    loop {
        match postgres::hold(open).await {
            Ok(()) => return Ok(()),
            Err(Trouble::Busy) if tries.again_when_free().await => {}
            Err(trouble) => return Err(Undone::Migration(trouble.into())),
        }
    }
}
