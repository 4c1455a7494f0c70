//! Migrating one place.

use std::time::Instant;

use super::at_once::{Known, at_once};
use super::ledger::{self, Applied, Goal, Task};
use super::{MigrationError, MigrationSet};
use crate::db::{Cell, FaultKind, Kind};
use crate::script::{Book, Desk, Limits, Ran, Tries, Trouble, text};
use crate::site::{Inside, Open};

/// What has become of a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The version before. `None`: none.
    pub(crate) from: Option<i64>,
    /// The version now.
    pub(crate) to: Option<i64>,
    /// What was applied or undone, in order.
    pub(crate) versions: Vec<i64>,
}

/// Brings one place to its goal: every migration that can is in one transaction. The `open` of a
/// failure is to be dropped. What is `known` of the place is checked before anything is done.
pub(crate) async fn drive(
    open: &mut Open,
    set: &MigrationSet,
    limits: &Limits,
    goal: Goal,
    known: Option<&Known<'_>>,
) -> Result<Moved, MigrationError> {
    if let Some(known) = known
        && let Some(moved) = at_once(open, set, limits, goal, known).await?
    {
        return Ok(moved);
    }
    let mut work = Work {
        set,
        goal,
        moved: Moved::default(),
        begun: false,
    };
    let mut tries = Tries::new(limits);
    loop {
        let error = match work.round(open, limits).await {
            Ok(Round::Over) => return Ok(work.moved),
            Ok(Round::More) => continue,
            Err(error) => error,
        };
        let again = match &error {
            MigrationError::Busy => tries.again_when_free().await,
            MigrationError::Script { said, .. } => {
                said.fault().is(FaultKind::Passing) && tries.again().await
            }
            MigrationError::Database(fault) => fault.is(FaultKind::Passing) && tries.again().await,
            _ => false,
        };
        if !again {
            return Err(error);
        }
    }
}

/// What [`drive`] would do, without doing it.
pub(crate) async fn foresee(
    open: &mut Open,
    set: &MigrationSet,
    limits: &Limits,
    goal: Goal,
) -> Result<Moved, MigrationError> {
    let mut desk = Desk::at(open, Book::Migrations, limits)?;
    let rows = if desk.has_book().await? {
        let rows = begin(&mut desk).await?;
        desk.leave().await?;
        rows
    } else {
        Vec::new()
    };
    let ledger = judged(&mut desk, set, rows).await?;
    let plan = ledger::plan(set, ledger.len(), goal)?;
    let from = ledger.last().map(|row| row.version);
    Ok(Moved {
        from,
        to: reached(&plan, set, from),
        versions: plan.iter().map(Task::version).collect(),
    })
}

enum Round {
    Over,
    More,
}

struct Work<'a> {
    set: &'a MigrationSet,
    goal: Goal,
    moved: Moved,
    begun: bool,
}

impl Work<'_> {
    /// All that goes into one transaction, or one migration that goes into none.
    async fn round(&mut self, open: &mut Open, limits: &Limits) -> Result<Round, MigrationError> {
        let mut desk = Desk::at(open, Book::Migrations, limits)?;
        let rows = begin(&mut desk).await?;
        let ledger = judged(&mut desk, self.set, rows).await;
        let planned = ledger.and_then(|ledger| {
            let plan = ledger::plan(self.set, ledger.len(), self.goal)?;
            Ok((ledger.last().map(|row| row.version), plan))
        });
        let (at, plan) = match planned {
            Ok(planned) => planned,
            Err(error) => {
                // The error is what counts.
                let _ = desk.leave().await;
                return Err(error);
            }
        };
        if !self.begun {
            self.begun = true;
            self.moved.from = at;
            // Counted once, from where it began.
            if let Goal::Steps(_) = self.goal {
                self.goal = Goal::Down(reached(&plan, self.set, at));
            }
        }
        self.moved.to = at;
        // MariaDB commits by itself: there, each one is alone.
        let always = desk.kind() == Kind::Mysql;
        let is_alone = |task: &Task<'_>| always || task.script.alone;
        let together = plan.iter().take_while(|task| !is_alone(task)).count();
        let (done, rest) = match plan.first() {
            None => {
                desk.leave().await?;
                return Ok(Round::Over);
            }
            Some(task) if is_alone(task) => {
                alone(&mut desk, task).await?;
                plan.split_at(1)
            }
            Some(_) => {
                let (tasks, rest) = plan.split_at(together);
                transaction(&mut desk, tasks).await?;
                (tasks, rest)
            }
        };
        self.moved.versions.extend(done.iter().map(Task::version));
        self.moved.to = reached(done, self.set, at);
        Ok(if rest.is_empty() {
            Round::Over
        } else {
            Round::More
        })
    }
}

/// Where a place is after this.
fn reached(done: &[Task<'_>], set: &MigrationSet, from: Option<i64>) -> Option<i64> {
    match done.last() {
        None => from,
        Some(task) if task.is_up() => Some(task.version()),
        Some(task) => set
            .versions()
            .into_iter()
            .take_while(|version| *version < task.version())
            .last(),
    }
}

async fn begin(desk: &mut Desk<'_>) -> Result<Vec<Applied>, MigrationError> {
    let rows = desk.begin().await?;
    match ledger::read(rows) {
        Ok(rows) => Ok(rows),
        Err(error) => {
            let _ = desk.leave().await;
            Err(error)
        }
    }
}

async fn judged(
    desk: &mut Desk<'_>,
    set: &MigrationSet,
    rows: Vec<Applied>,
) -> Result<Vec<Applied>, MigrationError> {
    match ledger::check(set, &rows) {
        Ok(()) => Ok(rows),
        Err(MigrationError::Unfinished { version, .. }) => Err(MigrationError::Unfinished {
            version,
            invalid: invalid_indexes(desk.open).await,
        }),
        Err(error) => Err(error),
    }
}

async fn transaction(desk: &mut Desk<'_>, tasks: &[Task<'_>]) -> Result<(), MigrationError> {
    let (kind, table) = (desk.kind(), desk.table());
    for (at, task) in tasks.iter().enumerate() {
        let version = task.version();
        let started = Instant::now();
        let ran = desk.run(task.sql()).await;
        let nanos = i64::try_from(started.elapsed().as_nanos()).unwrap_or(-1);
        let ends = at + 1 == tasks.len();
        let noted = match ran {
            Ok(()) => {
                desk.note(&task.done(kind, &table, &nanos.to_string()), ends)
                    .await
            }
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = noted {
            if matches!(trouble, Trouble::Left) {
                mark_as_begun(desk, task).await;
            }
            return Err(MigrationError::of(trouble, version));
        }
    }
    Ok(())
}

/// What a script did before its own COMMIT is there for good: nobody runs it again unasked. As far
/// as possible: the error says it as well.
pub(super) async fn mark_as_begun(desk: &mut Desk<'_>, task: &Task<'_>) {
    let begun = task.begun(desk.kind(), &desk.table());
    if desk.begin().await.is_ok() {
        let _ = desk.note(&begun, true).await;
    }
}

async fn alone(desk: &mut Desk<'_>, task: &Task<'_>) -> Result<(), MigrationError> {
    let (kind, table) = (desk.kind(), desk.table());
    let (before, after, back) = (
        task.begun(kind, &table),
        task.finished(&table),
        task.undone(&table),
    );
    let version = task.version();
    let ran = desk.alone(task.sql(), &before, &after, &back).await;
    match ran.map_err(|trouble| MigrationError::of(trouble, version))? {
        Ran::Well => Ok(()),
        Ran::Badly { said, undone: true } => Err(MigrationError::Script { version, said }),
        Ran::Badly { said, .. } => Err(MigrationError::Half {
            version,
            said,
            invalid: invalid_indexes(desk.open).await,
        }),
    }
}

/// Indexes of the place that are not valid: what a `CREATE INDEX CONCURRENTLY` leaves that did not
/// come to its end. A hint: where it can't be had, there is none.
async fn invalid_indexes(open: &mut Open) -> Vec<String> {
    let Inside::Postgres { schema, .. } = open.inside() else {
        return Vec::new();
    };
    let name = text::text(Kind::Postgres, schema);
    let sql = format!(
        "SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_index AS i \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid \
         WHERE NOT i.indisvalid AND c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace({name})::pg_catalog.oid \
         ORDER BY 1 LIMIT 5"
    );
    let rows = open.raw_rows(&sql).await.unwrap_or_default();
    let names = rows.into_iter().flatten().filter_map(|cell| match cell {
        Cell::Text(name) => Some(name),
        _ => None,
    });
    names.collect()
}
