//! Jobs in a real storage: captured, restored, tried again, or refused.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

mod stage;

use std::sync::atomic::Ordering;
use std::time::Duration;

use apalis::prelude::{BoxDynError, TaskBuilder};
use tenancy_apalis::{QueueError, TenantQueue};
use tenancy_core::{Error, TenantId, TenantScope, TenantStatus};

use crate::stage::{Letter, QUEUE, Stage, queue};

fn letter(text: &str) -> Letter {
    Letter {
        text: text.to_owned(),
        fails: 0,
    }
}

fn sent(stage: &Stage) -> Vec<(String, String)> {
    stage.sent.lock().unwrap().clone()
}

fn by(tenant: &str, text: &str) -> (String, String) {
    (tenant.to_owned(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_done_in_the_scope_that_it_was_queued_in() {
    let stage = Stage::new().await;
    let one = stage.order("acme", "one", 0).await;
    let two = stage.order("globex", "two", 0).await;
    let done = stage.work_off(&[&one, &two]).await;
    assert_eq!(done, [(1, Ok(())), (1, Ok(()))]);
    let mut sent = sent(&stage);
    sent.sort();
    assert_eq!(sent, [by("acme", "one"), by("globex", "two")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_and_what_is_refused_is_not() {
    let stage = Stage::new().await;
    let busy = stage.order("acme", "busy", 2).await;
    let gone = stage.order("globex", "gone", 0).await;
    let globex = TenantId::new("globex").unwrap();
    stage
        .store
        .set_status(&globex, TenantStatus::Suspended)
        .unwrap();
    let outcomes = stage.work_off(&[&busy, &gone]).await;
    assert_eq!(outcomes[0], (3, Ok(())));
    let (tried, refused) = &outcomes[1];
    assert_eq!(*tried, 1);
    let why = refused.clone().unwrap_err();
    assert!(!why.contains("globex"), "{why}");
    assert!(sent(&stage).iter().all(|(tenant, _)| tenant == "acme"));
}

/// Whoever can write to the storage makes another tenant's job of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_made_anothers_is_refused() {
    let stage = Stage::new().await;
    let other = stage.order("globex", "other", 0).await;
    let forged = stage.order("acme", "forged", 0).await;
    let mut texts = Vec::new();
    for job in [&other, &forged] {
        let (bytes,): (Vec<u8>,) = sqlx::query_as("SELECT job FROM Jobs WHERE id = ?")
            .bind(job.to_string())
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        texts.push(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap());
    }
    // What was signed is globex's, the signature acme's.
    let scope = |at: usize| texts[at]["scope"].as_str().unwrap().to_owned();
    let (theirs, own) = (scope(0), scope(1));
    let (signed, _) = theirs.rsplit_once('.').unwrap();
    let (_, signature) = own.rsplit_once('.').unwrap();
    texts[1]["scope"] = format!("{signed}.{signature}").into();
    sqlx::query("UPDATE Jobs SET job = ? WHERE id = ?")
        .bind(serde_json::to_vec(&texts[1]).unwrap())
        .bind(forged.to_string())
        .execute(&stage.pool)
        .await
        .unwrap();
    let outcomes = stage.work_off(&[&other, &forged]).await;
    assert_eq!(outcomes[0], (1, Ok(())));
    assert_eq!(outcomes[1].0, 1);
    let why = outcomes[1].1.clone().unwrap_err();
    assert!(why.contains("forged or changed"), "{why}");
    assert_eq!(sent(&stage), [by("globex", "other")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_queue_is_refused() {
    let stage = Stage::new().await;
    let other = queue(&stage.tenancy, &stage.pool, "other");
    let job = stage
        .tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<_, BoxDynError> {
                Ok(other.push(scope, letter("strange")).await?)
            },
        )
        .await
        .unwrap();
    let moved = sqlx::query("UPDATE Jobs SET job_type = ? WHERE id = ?")
        .bind(QUEUE)
        .bind(job.to_string())
        .execute(&stage.pool)
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 1);
    let outcomes = stage.work_off(&[&job]).await;
    assert_eq!(outcomes[0].0, 1);
    let why = outcomes[0].1.clone().unwrap_err();
    assert!(why.contains("another audience"), "{why}");
    assert!(sent(&stage).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_as_long_as_was_said() {
    let mut stage = Stage::new().await;
    stage.letters = stage.letters.clone().valid_for(Duration::from_hours(1));
    let timely = stage.order("acme", "timely", 0).await;
    stage.ahead.store(3_000, Ordering::SeqCst);
    assert_eq!(stage.work_off(&[&timely]).await, [(1, Ok(()))]);
    let late = stage.order("acme", "late", 0).await;
    stage.ahead.store(3_000 + 3_601, Ordering::SeqCst);
    let outcomes = stage.work_off(&[&late]).await;
    let why = outcomes[0].1.clone().unwrap_err();
    assert!(why.contains("expired"), "{why}");
    assert_eq!(sent(&stage), [by("acme", "timely")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_apalis_says_of_a_task_is_kept() {
    let stage = Stage::new().await;
    let queue = &stage.letters;
    let job = stage
        .tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<_, BoxDynError> {
                let task = TaskBuilder::new(letter("once")).max_attempts(7);
                Ok(queue.push_task(scope, task).await?)
            },
        )
        .await
        .unwrap();
    let (most,): (i64,) = sqlx::query_as("SELECT max_attempts FROM Jobs WHERE id = ?")
        .bind(job.to_string())
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(most, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_queued_without_a_scope_that_is_open() {
    let stage = Stage::new().await;
    let ended = stage
        .tenancy
        .run("acme", async |_: &TenantScope| TenantScope::current())
        .await
        .unwrap();
    let refused = stage.letters.push(&ended, letter("late")).await;
    assert!(matches!(refused, Err(QueueError::Scope(Error::ScopeEnded))));
    // Longer than an envelope is ever valid.
    let queue = stage.letters.clone().valid_for(Duration::from_hours(200));
    let refused = stage
        .tenancy
        .run(
            "acme",
            async |scope: &TenantScope| -> Result<_, BoxDynError> {
                Ok(queue.push(scope, letter("too long")).await)
            },
        )
        .await
        .unwrap();
    assert!(matches!(
        refused,
        Err(QueueError::Scope(Error::Envelope(_)))
    ));
    let (jobs,): (i64,) = sqlx::query_as("SELECT count(*) FROM Jobs")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(jobs, 0);
    assert!(TenantQueue::new(stage.tenancy.clone(), "not a name", ()).is_err());
    assert_eq!(
        format!("{:?}", stage.letters),
        "TenantQueue { name: \"mail\", valid_for: 86400s, .. }"
    );
}
