//! What the layer adds to a request, in each framework: resolution, a look-up in the cache, the
//! membership check and the scope.
//!
//! Requests are handed to the framework's own service in this process, bare and layered in turn, and
//! what they cost is the thread's processor time: nothing of a network, of a client or of waiting is
//! in it.

mod actix_web;
mod axum;
mod loco;
mod poem;
mod rocket;
mod tonic;

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use tenancy_core::{BoxError, MemoryStore, RequestView, Subdomain, Tenancy, Tenant, TenantId};

use crate::Failed;
use crate::measure::{Effort, Spread};

/// How much the layer may add, in microseconds of processor time.
const LIMIT_US: f64 = 3.0;
/// How many tenants ask in turn.
const TENANTS: usize = 100;
/// Their domain.
const DOMAIN: &str = "example.com";
/// Requests between two looks at the clock.
const STRIDE: u32 = 200;

/// What one framework's layer adds.
#[derive(Clone, Debug, Serialize)]
pub struct Added {
    /// The framework.
    pub framework: &'static str,
    /// A request without the layer, in microseconds of processor time.
    pub bare_us: f64,
    /// The same within it.
    pub layered_us: f64,
    /// The difference of blocks that stood beside each other: smallest, middle and largest.
    pub added_us: [f64; 3],
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, median, max] = self.added_us;
        let verdict = if median <= LIMIT_US { "met" } else { "NOT MET" };
        write!(
            f,
            "{:<10} bare {:>6.2} us, layered {:>6.2} us, added {median:>5.2} us ({min:.2} to {max:.2}); at most {LIMIT_US}: {verdict}",
            self.framework, self.bare_us, self.layered_us
        )
    }
}

/// Measures every framework.
///
/// # Errors
/// A framework's.
pub async fn measure(effort: Effort, tell: impl Fn(&Added)) -> Result<Vec<Added>, Failed> {
    let mut all = Vec::new();
    let mut add = |added: Added| {
        tell(&added);
        all.push(added);
    };
    let (mut bare, mut layered) = axum::services();
    add(compare(
        "axum",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    let (bare, layered) = actix_web::services().await;
    add(compare(
        "actix-web",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    let (bare, layered) = poem::services();
    add(compare(
        "poem",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    let (bare, layered) = rocket::services().await?;
    add(compare(
        "rocket",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    let (mut bare, mut layered) = loco::services().await?;
    add(compare(
        "loco",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    let (mut bare, mut layered) = tonic::services();
    add(compare(
        "tonic",
        effort,
        async |host: &str| bare.ask(host).await,
        async |host: &str| layered.ask(host).await,
    )
    .await?);
    Ok(all)
}

async fn compare(
    framework: &'static str,
    effort: Effort,
    mut bare: impl AsyncFnMut(&str) -> Result<(), Failed>,
    mut layered: impl AsyncFnMut(&str) -> Result<(), Failed>,
) -> Result<Added, Failed> {
    let hosts: Vec<_> = (0..TENANTS).map(|at| format!("t{at}.{DOMAIN}")).collect();
    let (mut without, mut with, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=effort.rounds {
        let one = block(effort.block, &hosts, &mut bare).await?;
        let other = block(effort.block, &hosts, &mut layered).await?;
        // The first round is to warm up.
        if round > 0 {
            without.push(one);
            with.push(other);
            added.push(other - one);
        }
    }
    let added = Spread::of(&added);
    Ok(Added {
        framework,
        bare_us: Spread::of(&without).median,
        layered_us: Spread::of(&with).median,
        added_us: [added.min, added.median, added.max],
    })
}

/// Microseconds of this thread's time for each request.
async fn block(
    least: Duration,
    hosts: &[String],
    ask: &mut impl AsyncFnMut(&str) -> Result<(), Failed>,
) -> Result<f64, Failed> {
    let mut hosts = hosts.iter().cycle();
    let (since, mut asked) = (thread_time(), 0);
    loop {
        for host in hosts.by_ref().take(STRIDE as usize) {
            ask(host).await?;
        }
        asked += STRIDE;
        let took = thread_time() - since;
        if took >= least.as_secs_f64() {
            return Ok(took * 1e6 / f64::from(asked));
        }
    }
}

/// The processor time of this thread, in seconds.
fn thread_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "hours at most, in nanoseconds")]
    let time = now.tv_sec as f64 + now.tv_nsec as f64 / 1e9;
    time
}

/// Everybody is a member; tenants are known, and after the first request remembered.
fn tenancy() -> Tenancy {
    let ids = (0..TENANTS).filter_map(|at| TenantId::new(format!("t{at}")).ok());
    Tenancy::builder(MemoryStore::new(ids.map(Tenant::new)))
        .resolve(Subdomain::of(DOMAIN))
        .authorize(|_: &TenantId, _: &dyn RequestView| std::future::ready(Ok::<_, BoxError>(true)))
        .build()
}

/// What is served, in each framework.
const OK: &str = "ok";

fn ensure_ok(status: u16) -> Result<(), Failed> {
    if status == 200 {
        Ok(())
    } else {
        Err(format!("a request of the benchmark was answered with {status}").into())
    }
}
