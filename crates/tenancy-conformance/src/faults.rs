//! A random run of everything that goes wrong, judged by an oracle.

mod eye;
mod field;
mod leavings;
mod ledger;
mod passwords;
mod quiet;
mod random;
mod report;
mod step;
mod transaction;
mod turn;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tenancy_core::BoxError;
use tenancy_postgres::scrub::Nonce;

pub use self::report::{FaultReport, FaultTally};

use self::eye::{Eye, Sampler};
use self::field::Field;
use self::ledger::Ledger;
use self::passwords::Passwords;
use self::random::Random;
use self::step::Step;
use crate::scene::Player;
use crate::verdict::Stop;
use crate::{Harness, Stage};

/// The environment variable that holds the seed.
const SEED: &str = "TENANCY_FAULTS_SEED";

/// So many steps between two quiet points, over all tasks.
const ROUND: u64 = 400;

/// A round in which everyone waits ends here, and everything is looked at.
const ROUND_TIME: Duration = Duration::from_secs(10);

/// Two tenants at random use of an adapter, many at once, while futures are dropped, closures panic,
/// connections are killed, tenants are evicted, passwords are rotated and the server is restarted.
///
/// Every row carries its tenant's mark and is written down before it is sent, so that at every read,
/// and again at quiet points through a connection of the oracle's own, it is known that
/// - no row of one tenant's is read, counted, written or removed in the other's scope,
/// - what was acknowledged is there, what was not committed is not, and what was removed stays away,
/// - nothing that one scope left on a connection is there in the next,
/// - no connection and no permit is lost, and there are never more connections than allowed.
///
/// A refusal is never a finding by itself: only at a quiet point must everyone be served.
///
/// The steps are drawn from a seed. It stands in the report; set `TENANCY_FAULTS_SEED`, or
/// [`seed`](Self::seed), and the same steps come back (when answers arrive does not).
///
/// Build the adapter with **several** connections, other than for [`Suite`](crate::Suite), on a
/// stage of its own.
///
/// ```no_run
/// # use tenancy_conformance::{FaultRun, Harness, Stage};
/// # async fn run(adapter: &dyn Harness, stage: &Stage) {
/// let report = FaultRun::with_connections(4).steps(20_000).run(adapter, stage).await;
/// assert!(report.is_clean(), "{report}");
/// # }
/// ```
#[must_use = "nothing goes wrong before `.run(..)`"]
pub struct FaultRun<'a> {
    seed: u64,
    steps: u64,
    time_limit: Duration,
    connections: u32,
    tasks: usize,
    restarts: Option<(u64, Restart<'a>)>,
}

type Restart<'a> = Box<dyn Fn() -> BoxFuture<'a, Result<(), BoxError>> + Send + Sync + 'a>;

impl<'a> FaultRun<'a> {
    /// On an adapter that may have so many connections, which is at least 2 except behind a pooler.
    /// The seed is the environment's, or a random one.
    pub fn with_connections(connections: u32) -> Self {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        Self {
            seed: given.unwrap_or_else(any_seed),
            steps: 20_000,
            time_limit: Duration::from_mins(5),
            connections,
            tasks: 2 * connections.max(2) as usize,
            restarts: None,
        }
    }

    /// The seed, whatever the environment says.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many steps; 20,000 unless told.
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// After how long no further round is begun; 5 minutes unless told.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How many use the adapter at once. Twice the connections unless told, so that some always
    /// wait.
    pub fn tasks(mut self, tasks: usize) -> Self {
        self.tasks = tasks.max(1);
        self
    }

    /// Restarts the server so many times, in the midst of rounds, by `restart`: as after a crash, on
    /// the same port with the same data. The server must have `synchronous_commit = on`, or it loses
    /// what it acknowledged by its own doing. The stage's judge does not come back: no
    /// [`Suite`](crate::Suite) can be played on this stage afterwards.
    pub fn restarts<F>(mut self, times: u64, restart: F) -> Self
    where
        F: Fn() -> BoxFuture<'a, Result<(), BoxError>> + Send + Sync + 'a,
    {
        self.restarts = Some((times, Box::new(restart)));
        self
    }

    /// Runs until something is found, or the steps are done. Never panics; what goes wrong is in the
    /// report.
    pub async fn run(&self, harness: &dyn Harness, stage: &Stage) -> FaultReport {
        let began = Instant::now();
        tracing::info!(seed = self.seed, adapter = harness.adapter(), "faults");
        let eye = Eye::new(&stage.judge.config);
        let sampler = (!stage.tier().is_pooled()).then(|| {
            let own = Eye::new(&stage.judge.config);
            Sampler::start(own, &stage.connections(), self.connections)
        });
        let field = Field {
            harness,
            stage,
            eye,
            ledger: Ledger::default(),
            passwords: Passwords::default(),
            connections: self.connections,
            tally: Mutex::default(),
            is_found: AtomicBool::new(false),
        };
        let mut findings = Vec::new();
        if let Err(stop) = stage.reset().await {
            findings.push(told(stop));
        }
        let rounds = self.steps.div_ceil(ROUND);
        for round in 0..rounds {
            if !findings.is_empty() || (round > 0 && began.elapsed() > self.time_limit) {
                break;
            }
            findings.extend(self.round(&field, round, rounds).await);
            if let Some(over) = sampler.as_ref().and_then(Sampler::finding) {
                findings.push(format!("in round {round}: {over}"));
            }
        }
        field
            .passwords
            .restore(harness, &field.eye, &stage.sides)
            .await;
        let mut tally = *field.tally();
        if let Some(sampler) = sampler {
            (tally.samples, tally.peak_connections) = sampler.peak();
        }
        FaultReport {
            adapter: harness.adapter().to_owned(),
            server_version: stage.server_version.clone(),
            tier: stage.tier(),
            seed: self.seed,
            took: began.elapsed(),
            tally,
            findings,
        }
    }

    /// Steps of all tasks at once, and a look at everything. What was found.
    async fn round(&self, field: &Field<'_>, round: u64, rounds: u64) -> Vec<String> {
        let [a, b] = &field.stage.sides;
        let players = match (Player::new(a).await, Player::new(b).await) {
            (Ok(a), Ok(b)) => [a, b],
            (Err(stop), _) | (_, Err(stop)) => return vec![told(stop)],
        };
        let mut playing: FuturesUnordered<BoxFuture<'_, Option<String>>> = (0..self.tasks)
            .map(|task| -> BoxFuture<'_, _> {
                let restart = (task == 0)
                    .then(|| self.restart_in(round, rounds))
                    .flatten();
                Box::pin(self.task(field, &players, [round, task as u64], restart))
            })
            .collect();
        let mut findings: Vec<String> = Vec::new();
        while let Some(finding) = playing.next().await {
            findings.extend(finding);
        }
        drop(playing);
        if findings.is_empty()
            && let Err(stop) = field.quiet(&players).await
        {
            findings.push(format!("at the end of round {round}: {}", told(stop)));
        }
        findings
    }

    /// One task's steps, up to its first finding.
    async fn task(
        &self,
        field: &Field<'_>,
        players: &[Player; 2],
        [round, task]: [u64; 2],
        restart: Option<&Restart<'a>>,
    ) -> Option<String> {
        let steps = ROUND.div_ceil(self.tasks as u64);
        let began = Instant::now();
        for step in 0..steps {
            if field.is_found.load(Ordering::Relaxed) || began.elapsed() > ROUND_TIME {
                return None;
            }
            if let Some(restart) = restart
                && step == steps / 3
            {
                if let Err(error) = restart().await {
                    return Some(format!("the server could not be restarted: {error}"));
                }
                field.count(|tally| tally.restarted += 1);
            }
            let random = Random::of(self.seed, [round, task, step]);
            let step_drawn = Step::draw(random, field.stage.tier());
            let Step {
                side,
                verb,
                trouble,
                ..
            } = step_drawn;
            if let Err(stop) = field.play(players, step_drawn).await {
                field.is_found.store(true, Ordering::Relaxed);
                return Some(format!(
                    "in round {round}, task {task}, step {step}, {}, {verb:?} with {trouble:?}: {}",
                    players[side].side.id,
                    told(stop)
                ));
            }
        }
        None
    }

    /// Restarts are spread over the rounds.
    fn restart_in(&self, round: u64, rounds: u64) -> Option<&Restart<'a>> {
        let (times, restart) = self.restarts.as_ref()?;
        let due = (1..=*times).any(|time| round == time * rounds / (times + 1));
        due.then_some(restart)
    }
}

impl fmt::Debug for FaultRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultRun")
            .field("seed", &self.seed)
            .field("steps", &self.steps)
            .field("time_limit", &self.time_limit)
            .field("connections", &self.connections)
            .field("tasks", &self.tasks)
            .field("restarts", &self.restarts.as_ref().map(|(times, _)| times))
            .finish()
    }
}

fn any_seed() -> u64 {
    let nonce = Nonce::random().ok();
    nonce
        .and_then(|nonce| u64::from_str_radix(nonce.as_str().get(..12)?, 16).ok())
        .unwrap_or_default()
}

fn told(stop: Stop) -> String {
    match stop {
        Stop::Failed(what) | Stop::Skipped(what) => what,
        Stop::NotOffered => "the harness does not have this".to_owned(),
    }
}
