//! A run that is dropped at any await leaves each tenant as it was or as it was to be.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tenancy_core::TenantId;
use tenancy_fleet::migrations::{Limits, MigrationSet, Resolution};
use tenancy_fleet::provision::Fleet;
use tenancy_fleet::run::Back;

use super::stage::{Stage, ada, run};
use super::{File, NOTES, on_every_ground, set};

on_every_ground!(a_run_that_is_dropped_can_be_run_again);

/// Polls at most this often, and drops it then. Whether it came to its end.
async fn polled<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Each of one statement. Applied twice, the second fails.
const FILES: [File<'_>; 3] = [
    NOTES,
    (
        2,
        "INSERT INTO notes (id, title) VALUES (1, 'once')",
        Some("DELETE FROM notes WHERE id = 1"),
    ),
    (3, "CREATE TABLE more (id INTEGER)", Some("DROP TABLE more")),
];

async fn a_run_that_is_dropped_can_be_run_again(mut stage: Stage) {
    let ids = stage.tenants(3).await;
    let all = set(&FILES);
    let fleet = stage.fleet();
    let mut ended = 0;
    for round in 1..=100_usize {
        let how = run().limits(Limits::default()).jobs(2);
        // Every await once, then at random.
        let polls = if round <= 50 {
            round
        } else {
            round * 37 % 97 + 1
        };
        if polled(polls, fleet.migrate(&all, None, &how))
            .await
            .is_some()
        {
            ended += 1;
        }
        if round % 10 == 0 || ended > 0 {
            recovered(&stage, &fleet, &ids, &all).await;
            for id in &ids {
                assert_eq!(stage.ledger(id).await, "1 2 3");
                let mut side = stage.inside(id).await;
                assert_eq!(side.number("SELECT count(*) FROM notes").await, 1);
                side.close().await;
            }
            let polls = round * 53 % 89 + 1;
            let back = fleet.rollback(&all, Back::Nothing, &how);
            polled(polls, back).await;
            if round % 20 == 0 {
                recovered(&stage, &fleet, &ids, &all).await;
                let report = fleet.rollback(&all, Back::Nothing, &how).await.unwrap();
                assert!(report.is_whole(), "{report:?}");
            }
            ended = 0;
        }
    }
    stage.end().await;
}

/// Runs again. On `MariaDB` an operator may have to look first.
async fn recovered(stage: &Stage, fleet: &Fleet, ids: &[TenantId], all: &MigrationSet) {
    loop {
        let how = run().limits(Limits::default()).everyone();
        let report = fleet.migrate(all, None, &how).await.unwrap();
        if report.is_whole() {
            assert_eq!(report.done + report.current, 3);
            return;
        }
        assert!(stage.is_mariadb(), "{report:?}");
        for failure in &report.failed {
            assert!(failure.reason.contains("not finished"), "{report:?}");
        }
        for id in ids {
            resolve(stage, fleet, id, all).await;
        }
    }
}

async fn resolve(stage: &Stage, fleet: &Fleet, id: &TenantId, all: &MigrationSet) {
    let ledger = stage.ledger(id).await;
    let Some(begun) = ledger.split_whitespace().find(|row| row.ends_with('!')) else {
        return;
    };
    let version: i64 = begun.trim_end_matches('!').parse().unwrap();
    let there = match version {
        1 => stage.takes(id, "SELECT id FROM notes").await,
        2 => {
            let mut side = stage.inside(id).await;
            side.number("SELECT count(*) FROM notes").await == 1
        }
        _ => stage.takes(id, "SELECT id FROM more").await,
    };
    let found = if there {
        Resolution::Applied
    } else {
        Resolution::NotApplied
    };
    fleet
        .resolve(id, all, version, found, &ada())
        .await
        .unwrap();
}
