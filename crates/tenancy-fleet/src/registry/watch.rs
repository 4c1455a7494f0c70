//! Tells a process of what others change.
//!
//! The table is what is believed: a counter that goes up with each change that a look-up could see,
//! and the number of the last one beside each tenant. A watch looks at it every so often. On
//! PostgreSQL it listens besides, so that it looks at once; a notice carries nothing, and whoever
//! sends one of his own makes it look once more.
//!
//! Where looking failed, or the listening connection was lost, everything is withdrawn as soon as
//! the registry is there again: it may be another one, restored or promoted.

#[cfg(feature = "postgres")]
mod listen;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tenancy_core::{Tenancy, TenantId};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::turn::{Line, Turn};
use super::{Registry, RegistryError};
use crate::db::Cell;

/// Keeps a [`Tenancy`] up to date for as long as this is kept.
#[must_use = "dropped, it ends"]
pub struct Watch {
    /// They end with it.
    _tasks: JoinSet<()>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// What the listener says to the one that looks.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Notify,
    /// Notices may have been missed.
    missed: AtomicBool,
}

impl Bell {
    #[cfg(feature = "postgres")]
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn ring_after_a_gap(&self) {
        self.missed.store(true, Ordering::SeqCst);
        self.rung.notify_one();
    }
}

impl Registry {
    /// Keeps `tenancy` up to date with what is changed in the registry, by this process and all
    /// others: a tenant that was changed is looked up anew, and whoever asked for it with
    /// [`Tenancy::on_withdrawn`] is told. What it knew so far is forgotten once, at the start.
    ///
    /// While the registry can't be reached nothing is heard, and `tenancy` believes what it knows
    /// for as long as its cache's time to live.
    ///
    /// # Errors
    /// [`RegistryError::Database`], where the registry can't be reached now.
    pub async fn watch(&self, tenancy: &Tenancy) -> Result<Watch, RegistryError> {
        let bell = Arc::new(Bell::default());
        let mut tasks = JoinSet::new();
        #[cfg(feature = "postgres")]
        if let Some(pool) = self.line.pool.as_postgres() {
            // It listens before the counter is read, so that nothing falls in between.
            let ear = listen::Ear::open(pool, &self.line.dialect.names).await?;
            tasks.spawn(ear.listen(Arc::clone(&bell)));
        }
        let eye = Eye {
            line: self.line.clone(),
            seen: changes(&self.line).await?,
            tenancy: tenancy.clone(),
        };
        tenancy.invalidate_all();
        tasks.spawn(eye.look_on(bell, self.poll));
        Ok(Watch { _tasks: tasks })
    }
}

struct Eye {
    line: Line,
    /// The counter, when it was last looked at.
    seen: i64,
    tenancy: Tenancy,
}

/// Of more changes at once everything is withdrawn.
const MOST: i64 = 1_000;

impl Eye {
    async fn look_on(mut self, bell: Arc<Bell>, interval: Duration) {
        let mut blind = false;
        loop {
            tokio::select! {
                () = bell.rung.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
            let missed = bell.missed.swap(false, Ordering::SeqCst);
            match self.look(blind || missed).await {
                Ok(()) => blind = false,
                Err(error) => {
                    if !blind {
                        tracing::warn!(%error, "the registry can't be watched now");
                    }
                    blind = true;
                    // Not at once again, however often the bell rings.
                    tokio::time::sleep(interval).await;
                }
            }
        }
    }

    async fn look(&mut self, everything: bool) -> Result<(), RegistryError> {
        let now = changes(&self.line).await?;
        if everything || now < self.seen {
            self.tenancy.invalidate_all();
        } else if now > self.seen {
            match changed(&self.line, self.seen).await? {
                Some(ids) => ids.iter().for_each(|id| self.tenancy.invalidate(id)),
                None => self.tenancy.invalidate_all(),
            }
        }
        self.seen = now;
        Ok(())
    }
}

/// The counter.
async fn changes(line: &Line) -> Result<i64, RegistryError> {
    let mut turn = Turn::alone(line).await?;
    let rows = turn
        .rows("SELECT changes FROM {registry} WHERE one = 1", &[])
        .await?;
    turn.end();
    match rows.first().and_then(|row| row.first()) {
        Some(Cell::Int(changes)) => Ok(*changes),
        _ => Err(RegistryError::Malformed { what: "counter" }),
    }
}

/// Who was changed since then; `None` where there are too many, or what is there is no id.
async fn changed(line: &Line, since: i64) -> Result<Option<Vec<TenantId>>, RegistryError> {
    let sql = "SELECT id FROM {tenant} WHERE notice > ? ORDER BY notice LIMIT ?";
    let mut turn = Turn::alone(line).await?;
    let rows = turn.rows(sql, &[since.into(), (MOST + 1).into()]).await?;
    turn.end();
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > MOST) {
        return Ok(None);
    }
    let id = |row: Vec<Cell>| match row.into_iter().next() {
        Some(Cell::Text(text)) => TenantId::new(text).ok(),
        _ => None,
    };
    Ok(rows.into_iter().map(id).collect())
}
