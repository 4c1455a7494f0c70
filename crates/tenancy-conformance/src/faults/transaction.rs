//! A turn's transactions: what a commit acknowledged is there, and nothing else.

use futures_util::future::BoxFuture;

use super::ledger::Fate;
use super::random::Random;
use super::turn::{Fuse, READ, Turn};
use crate::Body;
use crate::place::unqualified;
use crate::session::BodyEnding;
use crate::verdict::{Verdict, ensure};

impl Turn<'_> {
    pub(super) async fn transaction(&self, random: &mut Random, fuse: &mut Fuse) -> Verdict {
        let mut transaction = match self.field.harness.begin(self.me.scope()).await {
            Ok(transaction) => self.watched(transaction),
            Err(error) => return self.field.refused(self.other, &error),
        };
        fuse.burn();
        let mut written = Vec::new();
        let mut is_well = true;
        for _ in 0..random.below(4) {
            let id = self.field.ledger.open(self.side);
            let sql = match random.below(10) {
                0..=5 => self.insert(id),
                6..=7 => READ.to_owned(),
                8 => {
                    self.field.count(|tally| tally.timed_out += 1);
                    "SET LOCAL statement_timeout = 3; SELECT pg_catalog.pg_sleep(60)".to_owned()
                }
                _ => "SELECT 1/0".to_owned(),
            };
            let answer = transaction.attempt(&sql).await?;
            fuse.burn();
            match self.tell(answer) {
                Some(rows) if sql == READ => {
                    self.ids(&rows)?;
                }
                Some(_) => written.push(id),
                None => {
                    // Behind a pooler each statement has a savepoint of its own.
                    is_well = self.field.stage.tier().is_pooled();
                    break;
                }
            }
        }
        match random.below(10) {
            0..=5 if is_well => {
                self.field.ledger.set(&written, Fate::Unknown);
                match transaction.commit().await? {
                    Ok(()) => self.acknowledged(&written),
                    Err(error) => self.field.refused(self.other, &error)?,
                }
            }
            // Of a transaction that failed: it keeps nothing, whatever it answers.
            0..=1 => drop(transaction.commit().await?),
            2..=7 => {
                if let Err(error) = transaction.rollback().await? {
                    self.field.refused(self.other, &error)?;
                }
            }
            _ => drop(transaction),
        }
        Ok(())
    }

    pub(super) async fn closure(&self, random: &mut Random) -> Verdict {
        let id = self.field.ledger.open(self.side);
        let ending = match random.below(4) {
            0 => BodyEnding::Err,
            1 => BodyEnding::Panic,
            _ => BodyEnding::Ok,
        };
        let insert = self.insert(id);
        let body = Body::new(&[insert.as_str(), READ], ending);
        let body = if self.field.stage.tier().is_walled() {
            body
        } else {
            body.written(unqualified)
        };
        if ending == BodyEnding::Ok {
            self.field.ledger.set(&[id], Fate::Unknown);
        }
        let work: BoxFuture<'_, _> = self.field.harness.transaction(self.me.scope(), &body);
        match work.await {
            Ok(rows) => {
                ensure!(
                    ending == BodyEnding::Ok,
                    "a closure that failed came out as done"
                );
                self.ids(&rows)?;
                self.acknowledged(&[id]);
            }
            Err(error) => self.field.refused(self.other, &error)?,
        }
        Ok(())
    }
}
