//! Background work that stays its tenant's: captured into a job, restored by a worker, or refused.
//!
//! ```sh
//! cargo run -p jobs            # brings a real PostgreSQL 18 itself
//! cargo run -p jobs -- URL     # takes yours: a superuser's URL
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program, not a library

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use apalis::prelude::BoxDynError;
use jobs::attacks::{from_another_queue, make_anothers};
use jobs::stage::{Stage, TENANTS, VALID_FOR};
use tenancy::TenantStatus;
use tenancy_testkit::postgres::{Major, Server};

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<bool, BoxDynError> {
    let server = match std::env::args().nth(1) {
        Some(url) => Server::at(&url).await?,
        None => Server::start(Major::V18).await?,
    };
    let mut stage = Stage::new(&server).await?;
    let mut all_held = true;
    let mut show = |promise: &str, seen: &Result<i64, String>, held: bool| {
        println!("{} {promise}\n    {seen:?}", if held { '✓' } else { '✗' });
        all_held &= held;
    };
    let [(acme, its_notes), (globex, other_notes)] = TENANTS;

    println!("acme has {its_notes} notes, globex {other_notes}. Each orders a digest of them.");
    let [one, other] = [
        stage.order(acme, "weekly").await?,
        stage.order(globex, "weekly").await?,
    ];
    let [one, other] = stage.work_off([&one, &other]).await?;
    let promise = "the worker counts each tenant's own";
    show(promise, &one.result, one.result == Ok(its_notes));
    show(promise, &other.result, other.result == Ok(other_notes));

    println!("Someone changes jobs in the queue, and adds some.");
    let forged = stage.order(acme, "forged").await?;
    make_anothers(&stage, &forged, globex).await?;
    let strange = from_another_queue(&stage, globex).await?;
    let [forged, strange] = stage.work_off([&forged, &strange]).await?;
    let promise = "a job that was made another tenant's is refused";
    show(promise, &forged.result, forged.result.is_err());
    let promise = "an envelope for another queue is refused";
    show(promise, &strange.result, strange.result.is_err());

    println!("acme is suspended while a job of its waits.");
    let waiting = stage.order(acme, "suspended").await?;
    stage.set_status(acme, TenantStatus::Suspended)?;
    let [waiting] = stage.work_off([&waiting]).await?;
    let promise = "it is refused, although its envelope holds";
    show(promise, &waiting.result, waiting.result.is_err());
    stage.set_status(acme, TenantStatus::Active)?;

    println!("A job waits for longer than its envelope holds.");
    let late = stage.order(acme, "late").await?;
    stage.ahead.store(VALID_FOR.as_secs(), Ordering::SeqCst);
    let [late] = stage.work_off([&late]).await?;
    show("it is refused", &late.result, late.result.is_err());

    let digests = stage.digests().await?;
    let written = i64::try_from(digests.len()).map_err(|error| error.to_string());
    let promise = "nothing was written but the two that were ordered";
    show(promise, &written, digests.len() == 2);

    println!("A timer makes a digest for every tenant.");
    let night = stage.a_night().await?;
    let done = i64::try_from(night.done()).map_err(|error| error.to_string());
    show("each in its own scope", &done, night.is_whole());
    println!("    {night}");
    Ok(all_held)
}
