//! What all tasks of a run share, and one step on it with what goes wrong meanwhile.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tenancy_core::BoxError;
use tokio::time::{sleep, timeout};

use super::eye::Eye;
use super::ledger::Ledger;
use super::passwords::Passwords;
use super::report::FaultTally;
use super::step::{Step, Trouble};
use super::turn::{Fuse, Turn};
use crate::polled::polled;
use crate::scene::Player;
use crate::verdict::{Stop, Verdict, ensure};
use crate::{BodyFailed, Harness, Stage};

/// No step may take longer, whatever goes wrong: longer than every adapter's own time-outs.
const STUCK: Duration = Duration::from_secs(40);

/// What all tasks of a run share.
pub(super) struct Field<'r> {
    pub(super) harness: &'r dyn Harness,
    pub(super) stage: &'r Stage,
    /// On the database where the stage was set.
    pub(super) eye: Eye,
    pub(super) ledger: Ledger,
    pub(super) passwords: Passwords,
    /// The most connections that the adapter may have.
    pub(super) connections: u32,
    pub(super) tally: Mutex<FaultTally>,
    /// Something was found: the rest of the round would only find more of it.
    pub(super) is_found: AtomicBool,
}

impl Field<'_> {
    pub(super) fn count(&self, what: impl FnOnce(&mut FaultTally)) {
        what(&mut self.tally());
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, FaultTally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step. Whatever is refused is no failure; what must never be seen is.
    pub(super) async fn play(&self, players: &[Player; 2], step: Step) -> Verdict {
        self.count(|tally| tally.steps += 1);
        let (me, other) = (&players[step.side], &players[1 - step.side]);
        let Step {
            side,
            verb,
            trouble,
            random,
        } = step;
        let panics_at = match trouble {
            Trouble::Panic(at) => Some(at),
            _ => None,
        };
        let turn = Turn {
            field: self,
            side,
            me,
            other,
        };
        let work = AssertUnwindSafe(turn.take(verb, random, Fuse::new(panics_at))).catch_unwind();
        let ended = timeout(STUCK, self.troubled(me, trouble, work)).await;
        match ended {
            Ok(Some(Ok(verdict))) => verdict,
            Ok(Some(Err(panic))) if panic.is::<BodyFailed>() => {
                self.count(|tally| tally.panicked += 1);
                Ok(())
            }
            Ok(Some(Err(_))) => Err(Stop::failed("the adapter panicked")),
            Ok(None) => {
                self.count(|tally| tally.dropped += 1);
                Ok(())
            }
            Err(_) => Err(Stop::failed(format!(
                "not done after {} s",
                STUCK.as_secs()
            ))),
        }?;
        self.within_cap()
    }

    /// `None` where the work was dropped.
    async fn troubled<F: Future>(
        &self,
        me: &Player,
        trouble: Trouble,
        work: F,
    ) -> Option<F::Output> {
        match trouble {
            Trouble::None | Trouble::Panic(_) => Some(work.await),
            Trouble::DropAt(polls) => polled(polls, work).await,
            Trouble::DropAfter(time) => timeout(time, work).await.ok(),
            Trouble::Kill(pick) => Some(tokio::join!(work, self.kill(pick)).0),
            Trouble::Evict => Some(tokio::join!(work, self.evict(me)).0),
            Trouble::Rotate => Some(tokio::join!(work, self.rotate(me)).0),
        }
    }

    /// By the adapter's own word, at every step.
    fn within_cap(&self) -> Verdict {
        if let Some(now) = self.harness.connections() {
            ensure!(
                now.size <= self.connections,
                "the adapter has {} connections, and may have {}",
                now.size,
                self.connections
            );
        }
        Ok(())
    }

    async fn kill(&self, pick: usize) {
        let which = self.stage.connections();
        let pids =
            format!("SELECT pid FROM pg_catalog.pg_stat_activity WHERE {which} ORDER BY pid");
        let Ok(rows) = self.eye.ask(&pids).await else {
            return;
        };
        let pids: Vec<String> = rows.into_iter().flatten().flatten().collect();
        let Some(pid) = pids.get(pick % pids.len().max(1)) else {
            return;
        };
        // It may be another process by now, but never one that is not the adapter's.
        let end = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = {pid} AND {which}"
        );
        if self.eye.ask(&end).await.is_ok() {
            self.count(|tally| tally.killed += 1);
        }
    }

    async fn evict(&self, me: &Player) {
        if let Some(evicting) = self.harness.evict(&me.side.id) {
            evicting.await;
            self.count(|tally| tally.evicted += 1);
        }
    }

    async fn rotate(&self, me: &Player) {
        if self
            .passwords
            .rotate(self.harness, &self.eye, &me.side)
            .await
        {
            self.count(|tally| tally.rotated += 1);
        }
    }

    /// What a refusal says must not be the other's either.
    pub(super) fn refused(&self, other: &Player, error: &BoxError) -> Verdict {
        self.count(|tally| tally.refused += 1);
        ensure!(
            !format!("{error:?} {error}").contains(&other.side.mark),
            "an error of the adapter's shows the other tenant's row"
        );
        Ok(())
    }
}

/// Between two looks at something that takes its time.
pub(super) async fn a_moment() {
    sleep(Duration::from_millis(10)).await;
}
