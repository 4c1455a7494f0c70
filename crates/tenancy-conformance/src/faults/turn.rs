//! One tenant's turn: what it does with one checkout.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::time::Duration;

use tokio::time::timeout;

use super::field::Field;
use super::leavings;
use super::ledger::{FIRST, Fate, Known};
use super::random::Random;
use super::step::Verb;
use crate::scene::Player;
use crate::verdict::{Stop, Verdict, ensure};
use crate::watched::{Watched, WatchedSession};
use crate::{BodyFailed, Row, Session};

/// Rows that the fixture puts there, and nobody touches.
const FIXTURE: usize = 4;

pub(super) const READ: &str = "SELECT id::text, title::text FROM conformance.notes";

/// One tenant's turn.
pub(super) struct Turn<'t> {
    pub(super) field: &'t Field<'t>,
    pub(super) side: usize,
    pub(super) me: &'t Player,
    pub(super) other: &'t Player,
}

/// Whether a panic is due: awaits are counted down to it.
pub(super) struct Fuse(Option<usize>);

impl Fuse {
    pub(super) fn new(awaits: Option<usize>) -> Self {
        Self(awaits)
    }

    pub(super) fn burn(&mut self) {
        match &mut self.0 {
            // Not `panic!`: the hook would print a backtrace into a report that is otherwise clean.
            Some(0) => resume_unwind(Box::new(BodyFailed)),
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

impl<'t> Turn<'t> {
    pub(super) async fn take(&self, verb: Verb, mut random: Random, mut fuse: Fuse) -> Verdict {
        match verb {
            Verb::Transaction => self.transaction(&mut random, &mut fuse).await,
            Verb::Closure => self.closure(&mut random).await,
            Verb::Two => self.two(&mut fuse).await,
            _ => {
                // Before the checkout: what is acknowledged by now must be read.
                let known = self.field.ledger.known(self.side);
                let Some(mut session) = self.acquire().await? else {
                    return Ok(());
                };
                fuse.burn();
                self.session(verb, &mut session, &known, &mut random, &mut fuse)
                    .await
            }
        }
    }

    async fn acquire(&self) -> Verdict<Option<WatchedSession<'t>>> {
        match self.field.harness.acquire(self.me.scope()).await {
            Ok(session) => Ok(Some(self.watched(session))),
            Err(error) => self.field.refused(self.other, &error).map(|()| None),
        }
    }

    pub(super) fn watched<S: Session + ?Sized>(&self, session: Box<S>) -> Watched<'t, S> {
        Watched::new(session, &self.other.side, self.field.stage.tier())
    }

    async fn session(
        &self,
        verb: Verb,
        session: &mut WatchedSession<'t>,
        known: &Known,
        random: &mut Random,
        fuse: &mut Fuse,
    ) -> Verdict {
        match verb {
            Verb::Count => self.counts(session).await,
            Verb::Write => self.writes(session, random, fuse).await,
            Verb::Remove => self.removes(session, random).await,
            Verb::Touch => self.touches(session).await,
            Verb::Leave => self.leaves(session, random).await,
            Verb::LeftOpen => self.leaves_open(session).await,
            Verb::Look => self.looks(session).await,
            Verb::Slow => self.waits(session).await,
            Verb::HalfCopy => {
                let copy = "COPY (SELECT title FROM conformance.notes, pg_catalog.generate_series(1, 500)) TO STDOUT";
                self.tell(session.copy_out_half(copy).await.unwrap_or(Ok(())));
                Ok(())
            }
            Verb::Read | Verb::Two | Verb::Transaction | Verb::Closure => {
                self.reads(session, known, random.percent(50)).await
            }
        }
    }

    /// Every row: none lost, none back, none of another's.
    async fn reads(
        &self,
        session: &mut WatchedSession<'t>,
        known: &Known,
        prepared: bool,
    ) -> Verdict {
        let answer = if prepared {
            session.attempt_prepared(READ, &[]).await?
        } else {
            session.attempt(READ).await?
        };
        let Some(rows) = self.tell(answer) else {
            return Ok(());
        };
        let (fixture, seen) = self.ids(&rows)?;
        ensure!(
            fixture == FIXTURE,
            "{fixture} of {FIXTURE} rows are there that nobody touches"
        );
        self.field.count(|tally| tally.reads += 1);
        self.field.ledger.judge(self.side, known, &seen)
    }

    /// The fixture's rows, and the run's own. Each carries its tenant's mark.
    pub(super) fn ids(&self, rows: &[Row]) -> Verdict<(usize, BTreeSet<i64>)> {
        let mut fixture = 0;
        let mut seen = BTreeSet::new();
        for row in rows {
            let [Some(id), Some(title)] = row.as_slice() else {
                return Err(Stop::failed(format!("{row:?} is no row of the table's")));
            };
            ensure!(
                title.contains(&self.me.side.mark),
                "`{title}` is not this tenant's"
            );
            match id.parse::<i64>().map_err(Stop::failed)? {
                own if own >= FIRST => {
                    seen.insert(own);
                }
                _ => fixture += 1,
            }
        }
        Ok((fixture, seen))
    }

    async fn counts(&self, session: &mut WatchedSession<'t>) -> Verdict {
        let mark = &self.me.side.mark;
        let sql = format!(
            "SELECT pg_catalog.count(*)::text FROM conformance.notes WHERE pg_catalog.strpos(title, '{mark}') = 0"
        );
        let answer = session.attempt(&sql).await?;
        let Some(rows) = self.tell(answer) else {
            return Ok(());
        };
        let foreign = rows.into_iter().flatten().flatten().next();
        ensure!(
            foreign.as_deref() == Some("0"),
            "{foreign:?} rows were counted that are not this tenant's"
        );
        self.field.count(|tally| tally.reads += 1);
        Ok(())
    }

    async fn writes(
        &self,
        session: &mut WatchedSession<'t>,
        random: &mut Random,
        fuse: &mut Fuse,
    ) -> Verdict {
        for _ in 0..=random.below(2) {
            let id = self.field.ledger.open(self.side);
            self.field.ledger.set(&[id], Fate::Unknown);
            let answer = if random.percent(50) {
                const INSERT: &str = "INSERT INTO conformance.notes (id, title) VALUES ($1::text::bigint, $2::text) RETURNING id::text";
                let (id, title) = (id.to_string(), format!("{}-{id}", self.me.side.mark));
                session.attempt_prepared(INSERT, &[&id, &title]).await?
            } else {
                session.attempt(&self.insert(id)).await?
            };
            if self.tell(answer).is_some() {
                self.acknowledged(&[id]);
            }
            fuse.burn();
        }
        Ok(())
    }

    pub(super) fn insert(&self, id: i64) -> String {
        let mark = &self.me.side.mark;
        format!("INSERT INTO conformance.notes (id, title) VALUES ({id}, '{mark}-{id}')")
    }

    pub(super) fn acknowledged(&self, ids: &[i64]) {
        self.field.ledger.set(ids, Fate::Kept);
        self.field
            .count(|tally| tally.acknowledged += ids.len() as u64);
    }

    async fn removes(&self, session: &mut WatchedSession<'t>, random: &mut Random) -> Verdict {
        let Some(id) = self.field.ledger.take(self.side, random.below(1000)) else {
            return Ok(());
        };
        let sql = format!("DELETE FROM conformance.notes WHERE id = {id} RETURNING id::text");
        let answer = session.attempt(&sql).await?;
        if let Some(rows) = self.tell(answer) {
            ensure!(
                rows.len() == 1,
                "row {id} was acknowledged, and is not there to be removed"
            );
            self.field.ledger.set(&[id], Fate::Removed);
        }
        Ok(())
    }

    /// In a wrong scope this puts one tenant's mark on the other's rows.
    async fn touches(&self, session: &mut WatchedSession<'t>) -> Verdict {
        let mark = &self.me.side.mark;
        let sql = format!(
            "UPDATE conformance.notes SET title = '{mark}-touched-' || id WHERE id >= {FIRST}"
        );
        let answer = session.attempt(&sql).await?;
        self.tell(answer);
        Ok(())
    }

    async fn leaves(&self, session: &mut WatchedSession<'t>, random: &mut Random) -> Verdict {
        let tier = self.field.stage.tier();
        let mark = &self.me.side.mark;
        for _ in 0..=random.below(3) {
            for sql in leavings::statements(random, self.me, self.other, tier) {
                let Some(rows) = self.tell(session.attempt_blind(&sql).await) else {
                    continue;
                };
                if sql == leavings::HIJACK {
                    for name in rows.into_iter().flatten().flatten() {
                        let hijack = leavings::hijack(&name, mark);
                        self.tell(session.attempt_blind(&hijack).await);
                    }
                }
            }
        }
        Ok(())
    }

    async fn leaves_open(&self, session: &mut WatchedSession<'t>) -> Verdict {
        let insert = self.insert(self.field.ledger.open(self.side));
        // Behind a pooler it is in one already.
        let sql = if self.field.stage.tier().is_pooled() {
            insert
        } else {
            format!("BEGIN; {insert}")
        };
        self.tell(session.attempt(&sql).await?);
        Ok(())
    }

    async fn looks(&self, session: &mut WatchedSession<'t>) -> Verdict {
        let answer = session
            .attempt(&leavings::look(self.me, self.other))
            .await?;
        let left = self.tell(answer).unwrap_or_default();
        for left in left.into_iter().flatten().flatten() {
            ensure!(
                !left.contains(&self.me.side.mark),
                "an earlier scope of this tenant's left behind: {left}"
            );
        }
        Ok(())
    }

    async fn waits(&self, session: &mut WatchedSession<'t>) -> Verdict {
        let answer = session.attempt("SELECT pg_catalog.pg_sleep(600)").await?;
        self.tell(answer);
        Ok(())
    }

    async fn two(&self, fuse: &mut Fuse) -> Verdict {
        let known = self.field.ledger.known(self.side);
        let Some(mut first) = self.acquire().await? else {
            return Ok(());
        };
        fuse.burn();
        // Waiting for a second with the first in hand is how a pool locks up: not for long.
        let second = timeout(Duration::from_millis(50), self.acquire()).await;
        fuse.burn();
        if let Ok(Some(mut second)) = second.unwrap_or(Ok(None)) {
            self.reads(&mut second, &known, true).await?;
        }
        self.reads(&mut first, &known, false).await
    }

    /// What was answered; a refusal is counted.
    pub(super) fn tell<T>(&self, answer: Result<T, crate::SqlError>) -> Option<T> {
        if answer.is_err() {
            self.field.count(|tally| tally.refused += 1);
        }
        answer.ok()
    }
}
