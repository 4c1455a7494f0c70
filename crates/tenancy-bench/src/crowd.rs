//! Many tenants at once: a pool under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tenancy_core::{Tenancy, TenantScope};
use tenancy_postgres_pool::Separation;
use tenancy_testkit::postgres::Server;
use tokio::task::JoinSet;

use crate::Failed;
use crate::adapters::{Adapter, Crowd};
use crate::key::Key;
use crate::measure::{Random, Spread, middle};
use crate::row::{Load, Row, State};
use crate::stage::{Size, Stage, hold, tenancy};
use crate::tier::Tier;

/// The connections of all tenants together.
pub const BUDGET: u32 = 50;
/// Who asks at once: twice as many as there are connections.
const ASKING: u64 = 100;
const KEY: Key = Key::Text16;
/// The tenant that is hostile; the polite ones follow.
const HOSTILE: u32 = 1;
const POLITE: u32 = 99;
/// How long each of its queries takes, more or less: in step they would end in one burst, which is the
/// processor's to bear and not the pool's.
const SLOW: Duration = Duration::from_millis(500);
/// How often a polite tenant asks: together they keep a core busy for a fifth of the time. Near its
/// limit, whatever is added makes everybody wait, and says nothing about the pool.
const PAUSE: Duration = Duration::from_millis(300);

/// What is told of a pool under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// All tenants in random order.
    Many,
    /// One tenant with 100 slow queries at once beside 99 polite ones.
    Hostile,
    /// A great many scopes, and what the process holds.
    Memory,
}

/// How much.
#[derive(Clone, Copy, Debug)]
pub struct Volume {
    /// Tenants that take part, and rows of each.
    pub size: Size,
    /// Scopes of `many`.
    pub many: u64,
    /// Scopes of `memory`.
    pub memory: u64,
    /// How long each part of `hostile` runs.
    pub hostile: Duration,
    /// How often `hostile` runs, without and with.
    pub rounds: u32,
}

/// Tells these stories of an adapter.
///
/// # Errors
/// The database's, and the adapter's.
pub async fn tell(
    adapter: Adapter,
    stories: &[Story],
    server: &Server,
    volume: Volume,
) -> Result<Vec<Row>, Failed> {
    let stage = Stage::sealed(server).await?;
    stage.fill(KEY, volume.size).await?;
    let tenancy = tenancy(KEY.tenants(volume.size.tenants)?);
    let held = hold(&tenancy, KEY.tenant(HOSTILE)?).await?;
    let place = stage.place(KEY, &held.scope, &Separation::sealed());
    let mut rows = Vec::new();
    for story in stories {
        let crowd = adapter.crowd(&place, BUDGET).await?;
        let scene = Scene {
            adapter,
            stage: &stage,
            tenancy: tenancy.clone(),
            crowd: Arc::clone(&crowd),
            volume,
        };
        rows.extend(match story {
            Story::Many => scene.many().await?,
            Story::Hostile => scene.hostile().await?,
            Story::Memory => scene.memory().await?,
        });
        crowd.close().await;
    }
    Ok(rows)
}

struct Scene<'a> {
    adapter: Adapter,
    stage: &'a Stage,
    tenancy: Tenancy,
    crowd: Arc<dyn Crowd>,
    volume: Volume,
}

impl Scene<'_> {
    async fn many(&self) -> Result<Vec<Row>, Failed> {
        let watch = Watch::start(self.stage).await?;
        // The first fifth fills the pool.
        self.scopes(self.volume.many / 5).await?;
        let since = Instant::now();
        let times = self.scopes(self.volume.many).await?;
        let took = since.elapsed();
        let peak = watch.stop().await?;
        let load = Load {
            p99_us: Some(p99(&times)),
            per_second: Some(rate(times.len(), took)),
            peak_connections: Some(peak),
            resident_kb: Some(resident()?),
        };
        Ok(vec![self.row("many", &times, load)])
    }

    async fn memory(&self) -> Result<Vec<Row>, Failed> {
        let mut rows = Vec::new();
        let step = self.volume.memory / 10;
        for mark in 1..=10 {
            let since = Instant::now();
            let times = self.scopes(step).await?;
            let load = Load {
                p99_us: Some(p99(&times)),
                per_second: Some(rate(times.len(), since.elapsed())),
                peak_connections: None,
                resident_kb: Some(resident()?),
            };
            rows.push(self.row(&format!("memory_{}", mark * step), &times, load));
        }
        Ok(rows)
    }

    async fn hostile(&self) -> Result<Vec<Row>, Failed> {
        let watch = Watch::start(self.stage).await?;
        let mut times: [Vec<f64>; 2] = Default::default();
        let mut p99s: [Vec<f64>; 2] = Default::default();
        // What connects and prepares is no part of it.
        self.polite().await?;
        for _ in 0..self.volume.rounds {
            for with in [false, true] {
                let stop = Arc::new(AtomicBool::new(false));
                let mut tasks = JoinSet::new();
                for n in 0..if with { 100 } else { 0 } {
                    tasks.spawn(attack(
                        self.tenancy.clone(),
                        Arc::clone(&self.crowd),
                        Arc::clone(&stop),
                        Random(n),
                    ));
                }
                let asked = self.polite().await?;
                stop.store(true, Ordering::SeqCst);
                while let Some(done) = tasks.join_next().await {
                    done??;
                }
                p99s[usize::from(with)].push(p99(&asked));
                times[usize::from(with)].extend(asked);
            }
        }
        let peak = watch.stop().await?;
        let rows = ["hostile_without", "hostile_with"]
            .into_iter()
            .zip(times.iter().zip(&p99s))
            .map(|(case, (times, p99s))| {
                let load = Load {
                    p99_us: Some(Spread::of(p99s).median),
                    per_second: None,
                    peak_connections: Some(peak),
                    resident_kb: None,
                };
                self.row(case, times, load)
            });
        Ok(rows.collect())
    }

    /// So many scopes of random tenants, one select in each; microseconds of each, waiting included.
    async fn scopes(&self, count: u64) -> Result<Vec<f64>, Failed> {
        let mut tasks = JoinSet::new();
        for task in 0..ASKING {
            let (tenancy, crowd) = (self.tenancy.clone(), Arc::clone(&self.crowd));
            let Size { tenants, rows } = self.volume.size;
            let mut random = Random(task + 1);
            tasks.spawn(async move {
                let mut times = Vec::new();
                for _ in 0..count / ASKING {
                    let tenant = u32::try_from(random.draw() % u64::from(tenants))? + 1;
                    let row = i64::try_from(random.draw() % u64::try_from(rows)?)? + 1;
                    times.push(ask(&tenancy, &*crowd, tenant, row).await?);
                }
                Ok::<_, Failed>(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times.extend(done??);
        }
        Ok(times)
    }

    /// The polite tenants, each asking a few times a second; microseconds of each.
    async fn polite(&self) -> Result<Vec<f64>, Failed> {
        let until = Instant::now() + self.volume.hostile;
        let mut tasks = JoinSet::new();
        for n in 1..=POLITE {
            let (tenancy, crowd) = (self.tenancy.clone(), Arc::clone(&self.crowd));
            tasks.spawn(async move {
                let mut random = Random(u64::from(n));
                let mut times = Vec::new();
                while Instant::now() < until {
                    let part = u32::try_from(random.draw() % 1_000)?;
                    tokio::time::sleep(PAUSE * (500 + part) / 1_000).await;
                    times.push(ask(&tenancy, &*crowd, HOSTILE + n, 1).await?);
                }
                Ok::<_, Failed>(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times.extend(done??);
        }
        Ok(times)
    }

    fn row(&self, case: &str, times: &[f64], load: Load) -> Row {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let spread = Spread {
            min: sorted.first().copied().unwrap_or_default(),
            median: middle(&sorted),
            max: sorted.last().copied().unwrap_or_default(),
        };
        Row {
            load,
            ..Row::plain(self.adapter, Tier::SEALED, KEY, case, State::Cold, spread)
        }
    }
}

async fn ask(tenancy: &Tenancy, crowd: &dyn Crowd, tenant: u32, row: i64) -> Result<f64, Failed> {
    let id = KEY.tenant(tenant)?;
    let since = Instant::now();
    tenancy
        .run(id, async |scope: &TenantScope| -> Result<(), Failed> {
            crowd.select(scope, row).await
        })
        .await?;
    Ok(since.elapsed().as_secs_f64() * 1e6)
}

/// One of the hostile tenant's queries after the other.
async fn attack(
    tenancy: Tenancy,
    crowd: Arc<dyn Crowd>,
    stop: Arc<AtomicBool>,
    mut random: Random,
) -> Result<(), Failed> {
    let id = KEY.tenant(HOSTILE)?;
    while !stop.load(Ordering::SeqCst) {
        let part = u32::try_from(random.draw() % 1_000)?;
        let slow = SLOW * (500 + part) / 1_000;
        tenancy
            .run(&id, async |scope: &TenantScope| -> Result<(), Failed> {
                crowd.sleep(scope, slow).await
            })
            .await?;
    }
    Ok(())
}

/// Counts the runtime role's connections, as the server sees them.
struct Watch {
    peak: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Watch {
    async fn start(stage: &Stage) -> Result<Self, Failed> {
        let admin = stage.database.admin().await?;
        let role = stage.database.runtime_role().to_owned();
        let (peak, stop) = (
            Arc::new(AtomicI64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (seen, stopped) = (Arc::clone(&peak), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let count = admin
                .prepare("SELECT count(*) FROM pg_stat_activity WHERE usename = $1")
                .await?;
            while !stopped.load(Ordering::SeqCst) {
                let now = admin.query_one(&count, &[&role]).await?.get(0);
                seen.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        Ok(Self { peak, stop, task })
    }

    async fn stop(self) -> Result<i64, Failed> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await??;
        Ok(self.peak.load(Ordering::SeqCst))
    }
}

fn p99(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = sorted.len() * 99 / 100;
    sorted.get(at).copied().unwrap_or_default()
}

#[allow(clippy::cast_precision_loss)] // of some thousands
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What this process holds in memory, in kB.
pub(crate) fn resident() -> Result<u64, Failed> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .ok_or("the system does not say what is resident")?
        .parse()?)
}
