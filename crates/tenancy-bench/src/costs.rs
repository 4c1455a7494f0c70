//! What entering, leaving and scrubbing cost a scope, on one connection and by themselves.

use std::time::Instant;

use crate::Failed;
use crate::measure::{Effort, Spread, middle};
use crate::place::Place;
use crate::session::Session;

/// What is timed, in the order in which it is done: `round_trip` is `SELECT 1`, to be taken off the
/// others. `select_after_scrub` is the statement in a scope that was just opened, `select` the same
/// again: between the two lie the caches of the server's process, which cleaning has filled. `stay` cleans
/// for the same tenant's next scope, `scrub` for another's.
const STEPS: [&str; 9] = [
    "round_trip",
    "set_config",
    "leave",
    "prove",
    "enter",
    "select_after_scrub",
    "select",
    "stay",
    "scrub",
];

const FIRST_ROW: i64 = 1;

/// Times each step, in microseconds.
///
/// # Errors
/// The database's.
pub async fn costs(place: &Place, effort: Effort) -> Result<Vec<(&'static str, Spread)>, Failed> {
    let session = Session::connect(place).await?;
    let client = &session.client;
    let tenant = place.scope.tenant_id().as_str();
    let one = client.prepare("SELECT 1").await?;
    let set = client
        .prepare("SELECT set_config('app.tenant', $1, false)")
        .await?;
    let select = client.prepare(place.scoped.select).await?;
    let mut rounds: [Vec<f64>; STEPS.len()] = Default::default();
    for round in 0..=effort.rounds {
        let mut times: [Vec<f64>; STEPS.len()] = Default::default();
        let since = Instant::now();
        while since.elapsed() < effort.block {
            let mut clock = Clock::start();
            client.query_one(&one, &[]).await?;
            times[0].push(clock.lap());
            client.query_one(&set, &[&tenant]).await?;
            times[1].push(clock.lap());
            let challenge = session.leave().await?;
            times[2].push(clock.lap());
            let proof = session.prove(&challenge)?;
            times[3].push(clock.lap());
            session.enter(&proof).await?;
            times[4].push(clock.lap());
            for times in &mut times[5..7] {
                client.query_one(&select, &[&FIRST_ROW]).await?;
                times.push(clock.lap());
            }
            session.stay().await?;
            times[7].push(clock.lap());
            session.scrub().await?;
            times[8].push(clock.lap());
        }
        // The first round is to warm up.
        for (rounds, mut times) in rounds.iter_mut().zip(times).filter(|_| round > 0) {
            times.sort_by(f64::total_cmp);
            rounds.push(middle(&times));
        }
    }
    let spreads = rounds.iter().map(|rounds| Spread::of(rounds));
    Ok(STEPS.into_iter().zip(spreads).collect())
}

struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since the last lap.
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut self.0, now);
        took.as_secs_f64() * 1e6
    }
}
