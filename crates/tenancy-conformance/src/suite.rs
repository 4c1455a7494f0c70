//! Runs the cases and writes the report.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::cases::{self, Case};
use crate::report::{CaseReport, Outcome, Report};
use crate::scene::Scene;
use crate::side::{Side, open};
use crate::tier::Tier;
use crate::verdict::{Stop, Verdict, ensure};
use crate::{Harness, Stage};

/// A list of cases, and how long each may take.
#[derive(Debug, Clone)]
#[must_use = "a suite does nothing before it runs"]
pub struct Suite {
    cases: Vec<Case>,
    time_limit: Duration,
}

/// After so many cases in a row that ran out of time, the rest would only do the same.
const GIVE_UP_AFTER: usize = 4;

impl Suite {
    /// Everything that applies to a tier, on a stage that was [set](Stage::set) for it.
    pub fn of(tier: Tier) -> Self {
        let mut cases = cases::all();
        cases.retain(|case| case.on.has(tier));
        Self {
            cases,
            time_limit: Duration::from_secs(30),
        }
    }

    /// For [`Tier::RowLevelSealed`], on a stage that was [installed](Stage::install).
    pub fn row_level_postgres() -> Self {
        Self::of(Tier::RowLevelSealed)
    }

    /// For [`Tier::RowLevelPooled`]: what a scope of one transaction can be asked.
    pub fn row_level_pooled_postgres() -> Self {
        Self::of(Tier::RowLevelPooled)
    }

    /// For [`Tier::RowLevelLogins`].
    pub fn row_level_logins_postgres() -> Self {
        Self::of(Tier::RowLevelLogins)
    }

    /// For [`Tier::SchemaRouted`]. What the facade alone enforces: `routed.names_are_not_enforced`
    /// shows what it does not.
    pub fn schema_routed_postgres() -> Self {
        Self::of(Tier::SchemaRouted)
    }

    /// For [`Tier::SchemaLogins`].
    pub fn schema_logins_postgres() -> Self {
        Self::of(Tier::SchemaLogins)
    }

    /// For [`Tier::Databases`].
    pub fn database_postgres() -> Self {
        Self::of(Tier::Databases)
    }

    /// The cases that read and attack an application's own tables, and change nothing in them, on a
    /// stage that was [attached](Stage::attach).
    pub fn own_tables() -> Self {
        Self {
            cases: cases::own_tables(),
            time_limit: Duration::from_secs(30),
        }
    }

    /// Keeps the cases whose names start with one of these: `leftovers.`, `seal.replay`.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.cases
            .retain(|case| names.iter().any(|name| case.name.starts_with(name)));
        self
    }

    /// How long each direction of a case may take; 30 s unless told.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The cases' names, and what each proves.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.cases.iter().map(|case| (case.name, case.proves))
    }

    /// Runs the cases one after another, each in both directions. Never panics; what goes wrong is
    /// in the report.
    pub async fn run(&self, harness: &dyn Harness, stage: &Stage) -> Report {
        let mut reports = Vec::with_capacity(self.cases.len());
        let mut not_offered = Vec::new();
        let mut stuck = 0;
        for case in &self.cases {
            let began = Instant::now();
            let outcome = if stuck < GIVE_UP_AFTER {
                let Some(outcome) = self.play(case, harness, stage).await else {
                    not_offered.push(case.name);
                    continue;
                };
                outcome
            } else {
                Outcome::Failed("not played: the cases before it ran out of time".into())
            };
            let took = began.elapsed();
            stuck = if matches!(outcome, Outcome::Failed(_)) && took >= self.time_limit {
                stuck + 1
            } else {
                0
            };
            tracing::debug!(case = case.name, ?outcome, ?took, "played");
            reports.push(CaseReport {
                case: case.name,
                proves: case.proves,
                outcome,
                took,
            });
        }
        Report {
            adapter: harness.adapter().to_owned(),
            server_version: stage.server_version.clone(),
            tier: stage.tier,
            cases: reports,
            not_offered,
        }
    }

    /// `None` where the harness does not have what the case is about.
    async fn play(&self, case: &Case, harness: &dyn Harness, stage: &Stage) -> Option<Outcome> {
        let [a, b] = &stage.sides;
        for pair in [[a, b], [b, a]] {
            let direction =
                AssertUnwindSafe(one_direction(case, harness, stage, pair)).catch_unwind();
            let verdict = match timeout(self.time_limit, direction).await {
                Ok(Ok(verdict)) => verdict,
                Ok(Err(_)) => Err(Stop::failed("the adapter panicked")),
                Err(_) => Err(Stop::failed(format!(
                    "not done after {} s",
                    self.time_limit.as_secs()
                ))),
            };
            match verdict {
                Ok(()) => {}
                Err(Stop::NotOffered) => return None,
                Err(Stop::Skipped(why)) => return Some(Outcome::Skipped(why)),
                Err(Stop::Failed(what)) => {
                    drop_connections(stage).await;
                    recover(harness, a).await;
                    return Some(Outcome::Failed(what));
                }
            }
        }
        Some(Outcome::Passed)
    }
}

/// The case, between two looks at the other tenant's rows.
async fn one_direction(
    case: &Case,
    harness: &dyn Harness,
    stage: &Stage,
    pair: [&Side; 2],
) -> Verdict {
    stage.reset().await?;
    let scene = Scene::new(harness, stage, pair).await?;
    let before = stage.holdings(&scene.other.side).await?;
    (case.play)(&scene).await?;
    let after = stage.holdings(&scene.other.side).await?;
    ensure!(
        before == after || case.changes_both,
        "the other tenant's rows changed: {before} became {after}"
    );
    Ok(())
}

/// So that one failure does not hide the next, whatever the adapter left open is closed under it.
async fn drop_connections(stage: &Stage) {
    let sql = format!(
        "ROLLBACK; SELECT pg_catalog.pg_terminate_backend(pid, 2000) FROM pg_catalog.pg_stat_activity \
         WHERE {}",
        stage.connections()
    );
    if let Err(error) = stage.judge.simple(&sql).await {
        tracing::warn!(%error, "the connections of a failed case could not be closed");
    }
    for side in &stage.sides {
        // A place of its own may have a judge of its own, left in the middle of a message.
        let _ = side.place.simple("ROLLBACK").await;
    }
}

/// An adapter may find out about its lost connection at the next checkout: not in the next case.
async fn recover(harness: &dyn Harness, side: &Side) {
    let Ok(open) = open(&side.id, &side.placement).await else {
        return;
    };
    for _ in 0..3 {
        let look = AssertUnwindSafe(async {
            let mut session = harness.acquire(&open.scope).await.ok()?;
            session.simple("SELECT 1").await.ok()
        });
        match timeout(Duration::from_secs(2), look.catch_unwind()).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => return,
        }
    }
}
