//! What was written, and what is known to have become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::verdict::{Verdict, ensure};

/// The first id of a run's own rows: above the fixture's.
pub(super) const FIRST: i64 = 1_000_000;

/// What is known of a row. A future that is dropped leaves it as it is, so each is set before
/// what it says can come true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Written at most in a transaction that nobody committed: it must not be there.
    Undone,
    /// Nobody knows: a write, a commit or a removal was sent, and not acknowledged.
    Unknown,
    /// Its commit was acknowledged: it must be there.
    Kept,
    /// Its removal was acknowledged: it must not be there.
    Removed,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// No id comes twice, whatever was cleared.
    written: AtomicI64,
    rows: Mutex<BTreeMap<i64, (usize, Fate)>>,
}

/// What had been acknowledged at one moment: whoever reads after it must find it so.
#[derive(Debug, Default)]
pub(super) struct Known {
    kept: Vec<i64>,
    removed: Vec<i64>,
}

impl Ledger {
    /// The id of a row that is about to be written for this side, inside a transaction.
    pub(super) fn open(&self, side: usize) -> i64 {
        let id = FIRST + self.written.fetch_add(1, Ordering::Relaxed);
        self.rows().insert(id, (side, Fate::Undone));
        id
    }

    pub(super) fn set(&self, ids: &[i64], fate: Fate) {
        let mut rows = self.rows();
        for id in ids {
            if let Some(row) = rows.get_mut(id) {
                row.1 = fate;
            }
        }
    }

    /// Takes a kept row of this side's, to be removed: its fate is unknown from now on.
    pub(super) fn take(&self, side: usize, pick: usize) -> Option<i64> {
        let mut rows = self.rows();
        let kept: Vec<i64> = of(&rows, side, Fate::Kept);
        let id = *kept.get(pick % kept.len().max(1))?;
        rows.insert(id, (side, Fate::Unknown));
        Some(id)
    }

    pub(super) fn known(&self, side: usize) -> Known {
        let rows = self.rows();
        Known {
            kept: of(&rows, side, Fate::Kept),
            removed: of(&rows, side, Fate::Removed),
        }
    }

    /// What a read showed that was sent after `known` was taken.
    pub(super) fn judge(&self, side: usize, known: &Known, seen: &BTreeSet<i64>) -> Verdict {
        let rows = self.rows();
        for id in &known.kept {
            let is_kept = rows.get(id) == Some(&(side, Fate::Kept));
            ensure!(
                !is_kept || seen.contains(id),
                "row {id} was acknowledged, and is not there"
            );
        }
        for id in &known.removed {
            ensure!(
                !seen.contains(id),
                "row {id} was removed, and is there again"
            );
        }
        for id in seen {
            match rows.get(id) {
                None => ensure!(false, "row {id} is there, and nobody wrote it"),
                Some((owner, _)) if *owner != side => {
                    ensure!(false, "row {id} is the other tenant's");
                }
                Some((_, Fate::Undone)) => {
                    ensure!(false, "row {id} was never committed, and is there");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Forgets everything: the rows are gone.
    pub(super) fn clear(&self) {
        self.rows().clear();
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<i64, (usize, Fate)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(rows: &BTreeMap<i64, (usize, Fate)>, side: usize, fate: Fate) -> Vec<i64> {
    rows.iter()
        .filter(|(_, row)| **row == (side, fate))
        .map(|(id, _)| *id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{BTreeSet, Fate, Ledger};

    #[test]
    fn what_is_lost_back_or_anothers_is_seen() {
        let ledger = Ledger::default();
        let [kept, undone, removed, others] = [0, 0, 0, 1].map(|side| ledger.open(side));
        ledger.set(&[kept, removed, others], Fate::Kept);
        let before = ledger.known(0);
        ledger.set(&[removed], Fate::Removed);
        let after = ledger.known(0);

        let judge = |known, seen: &[i64]| {
            let seen: BTreeSet<i64> = seen.iter().copied().collect();
            ledger.judge(0, known, &seen).is_ok()
        };
        assert!(judge(&after, &[kept]));
        assert!(judge(&before, &[kept, removed]), "it was read before");
        assert!(!judge(&after, &[]));
        assert!(!judge(&after, &[kept, removed]));
        assert!(!judge(&after, &[kept, undone]));
        assert!(!judge(&after, &[kept, others]));
        assert!(!judge(&after, &[kept, 5]));
        ledger.set(&[undone], Fate::Unknown);
        assert!(judge(&after, &[kept, undone]) && judge(&after, &[kept]));
        assert_eq!(ledger.take(0, 4), Some(kept));
        assert_eq!(ledger.take(0, 4), None);
        assert!(judge(&after, &[]));
    }
}
