//! Which transactions are open on a connection, each inside the one before.

use tenancy_postgres::scrub::Nonce;

use crate::held::How;

/// One transaction of a connection. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LevelId(u64);

/// What is known of a connection's transactions. The connection's owner is not asked: one that was
/// dropped in mid-flight can't answer.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    open: Vec<Level>,
    next: u64,
    over: bool,
}

#[derive(Debug)]
struct Level {
    id: LevelId,
    begun: Begun,
    abandoned: bool,
}

/// How a transaction was begun.
#[derive(Debug)]
pub(crate) enum Begun {
    /// With `BEGIN`. The mark is gone where it is not the same transaction any more.
    Marked(Nonce),
    /// With a savepoint.
    Savepoint,
}

impl Levels {
    /// A transaction that is about to begin, inside those that are open.
    pub(crate) fn push(&mut self, begun: Begun) -> LevelId {
        let id = LevelId(self.next);
        self.next += 1;
        self.open.push(Level {
            id,
            begun,
            abandoned: false,
        });
        id
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether somebody has a transaction that is open. With one that was abandoned, all inside it go.
    pub(crate) fn is_held(&self) -> bool {
        self.open.first().is_some_and(|level| !level.abandoned)
    }

    pub(crate) fn is_open(&self, id: LevelId) -> bool {
        self.position(id).is_some()
    }

    pub(crate) fn is_innermost(&self, id: LevelId) -> bool {
        self.open.last().is_some_and(|level| level.id == id)
    }

    /// Nobody will end it: it is taken back before anything else runs.
    pub(crate) fn abandon(&mut self, id: LevelId) {
        if let Some(at) = self.position(id) {
            self.open[at].abandoned = true;
        }
    }

    /// The outermost that was abandoned, and what takes it back, with all that is inside it. It may
    /// run twice.
    pub(crate) fn to_take_back(&self) -> Option<(LevelId, String)> {
        let level = self.open.iter().find(|level| level.abandoned)?;
        let sql = match level.begun {
            Begun::Marked(_) => "ROLLBACK".to_owned(),
            Begun::Savepoint => format!("ROLLBACK TO SAVEPOINT {}", savepoint(level.id)),
        };
        Some((level.id, sql))
    }

    /// What ends it: saved as far as the transaction around it is saved, or taken back. It raises, or
    /// its first row is not `true`, where the transaction is another one by now.
    pub(crate) fn end_sql(&self, id: LevelId, how: How) -> Option<String> {
        let level = &self.open[self.position(id)?];
        let name = savepoint(id);
        Some(match (&level.begun, how) {
            (Begun::Marked(mark), how) => {
                let end = match how {
                    How::Commit => "COMMIT",
                    How::Rollback => "ROLLBACK",
                };
                format!(
                    "SELECT (1 OPERATOR(pg_catalog./) (pg_catalog.current_setting('tenancy.open', true) \
                     OPERATOR(pg_catalog.=) '{mark}'::pg_catalog.text)::pg_catalog.int4 \
                     IS NOT NULL)::pg_catalog.text; {end}"
                )
            }
            // A savepoint that is not there raises.
            (Begun::Savepoint, How::Commit) => {
                format!("SELECT 'true'::pg_catalog.text; RELEASE SAVEPOINT {name}")
            }
            // In a failed transaction it can only come first.
            (Begun::Savepoint, How::Rollback) => {
                format!("ROLLBACK TO SAVEPOINT {name}; SELECT 'true'::pg_catalog.text")
            }
        })
    }

    /// It has ended, and all that were inside it.
    pub(crate) fn ended(&mut self, id: LevelId) {
        if let Some(at) = self.position(id) {
            self.open.truncate(at);
        }
    }

    /// Nothing is run on this connection any more.
    pub(crate) fn close(&mut self) {
        self.over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    fn position(&self, id: LevelId) -> Option<usize> {
        self.open.iter().position(|level| level.id == id)
    }
}

/// The name of a transaction's savepoint.
pub(crate) fn savepoint(LevelId(id): LevelId) -> String {
    format!("tenancy_{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_abandoned_is_taken_back_with_all_inside_it() {
        let mut levels = Levels::default();
        let ids: Vec<_> = (0..4).map(|_| levels.push(Begun::Savepoint)).collect();
        assert_eq!(levels.to_take_back(), None);
        levels.abandon(ids[2]);
        levels.abandon(ids[1]);
        let (id, sql) = levels.to_take_back().unwrap();
        assert_eq!(
            (id, sql.as_str()),
            (ids[1], "ROLLBACK TO SAVEPOINT tenancy_1")
        );
        levels.ended(id);
        assert_eq!(levels.to_take_back(), None);
        assert!(levels.is_innermost(ids[0]));
        assert!(!levels.is_open(ids[3]));
        assert_eq!(levels.end_sql(ids[3], How::Commit), None);
        // A name is never given again: a message that comes late means nothing else.
        assert_eq!(savepoint(levels.push(Begun::Savepoint)), "tenancy_4");
    }
}
