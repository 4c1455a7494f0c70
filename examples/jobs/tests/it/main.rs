//! Jobs on a real server: captured, restored, forged, expired, and suspended in between.

#![allow(clippy::unwrap_used)] // tests' helpers, which the lint does not take for tests

use std::sync::atomic::Ordering;

use jobs::attacks::{capture, from_another_queue, make_anothers, queue_as_is, split};
use jobs::service::QUEUE;
use jobs::stage::{Stage, VALID_FOR};
use tenancy::{ScopeEnvelope, TenantStatus};
use tenancy_testkit::postgres::{Server, majors};

const ACME: &str = "acme";
const GLOBEX: &str = "globex";

/// Runs a test on every major that this run covers fully.
async fn each<F: AsyncFn(Stage)>(test: F) {
    for major in majors() {
        let server = Server::shared(major).await.unwrap();
        test(Stage::new(server).await.unwrap()).await;
    }
}

fn digest(tenant: &str, about: &str, notes: i64) -> (String, String, i64) {
    (tenant.to_owned(), about.to_owned(), notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_done_in_the_scope_that_it_was_captured_in() {
    each(async |mut stage| {
        let jobs = [
            stage.order(ACME, "one").await.unwrap(),
            stage.order(GLOBEX, "two").await.unwrap(),
            stage.order(ACME, "three").await.unwrap(),
        ];
        let done = stage
            .work_off([&jobs[0], &jobs[1], &jobs[2]])
            .await
            .unwrap();
        assert_eq!(done.map(|job| job.result), [Ok(3), Ok(5), Ok(3)]);
        assert_eq!(
            stage.digests().await.unwrap(),
            [
                digest(ACME, "one", 3),
                digest(ACME, "three", 3),
                digest(GLOBEX, "two", 5)
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_made_another_tenants_is_refused_and_not_tried_again() {
    each(async |mut stage| {
        let job = stage.order(ACME, "forged").await.unwrap();
        make_anothers(&stage, &job, GLOBEX).await.unwrap();
        let [outcome] = stage.work_off([&job]).await.unwrap();
        let why = outcome.result.unwrap_err();
        assert!(why.contains("forged or changed"), "{why}");
        assert!(!why.contains(GLOBEX) && !why.contains(ACME), "{why}");
        assert_eq!(outcome.tried, 1);
        assert!(stage.digests().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_an_envelope_is_refused() {
    each(async |mut stage| {
        let envelope = capture(&stage, ACME, QUEUE).await.unwrap();
        let (signed, signature) = split(&envelope).unwrap();
        let other = capture(&stage, GLOBEX, QUEUE).await.unwrap();
        let (_, other) = split(&other).unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        for forged in [
            format!("{signed}.{other}"),
            format!("{signed}.{flipped}{}", &signature[1..]),
            format!("{}.{signature}", signed.replacen("te1.", "te2.", 1)),
            format!("{}.{signature}", signed.replacen("2026-11", "2026-12", 1)),
            format!("{signed}."),
        ] {
            let forged: ScopeEnvelope = forged.parse().unwrap();
            let job = queue_as_is(&stage, forged).await.unwrap();
            let [outcome] = stage.work_off([&job]).await.unwrap();
            assert!(outcome.result.is_err(), "{outcome:?}");
            assert_eq!(outcome.tried, 1);
        }
        // Unchanged, it would have been taken.
        let job = queue_as_is(&stage, envelope.clone()).await.unwrap();
        let [outcome] = stage.work_off([&job]).await.unwrap();
        assert_eq!(outcome.result, Ok(3));
        assert_eq!(
            stage.digests().await.unwrap(),
            [digest(ACME, "an attack", 3)]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_for_another_queue_is_refused() {
    each(async |mut stage| {
        let job = from_another_queue(&stage, ACME).await.unwrap();
        let [outcome] = stage.work_off([&job]).await.unwrap();
        let why = outcome.result.unwrap_err();
        assert!(why.contains("another audience"), "{why}");
        assert_eq!(outcome.tried, 1);
        assert!(stage.digests().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waited_for_too_long_is_refused() {
    each(async |mut stage| {
        let timely = stage.order(ACME, "timely").await.unwrap();
        let most_of_it = VALID_FOR.as_secs() - 3_600;
        stage.ahead.store(most_of_it, Ordering::SeqCst);
        let [outcome] = stage.work_off([&timely]).await.unwrap();
        assert_eq!(outcome.result, Ok(3));

        let late = stage.order(ACME, "too late").await.unwrap();
        stage.ahead.fetch_add(VALID_FOR.as_secs(), Ordering::SeqCst);
        let [outcome] = stage.work_off([&late]).await.unwrap();
        let why = outcome.result.unwrap_err();
        assert!(why.contains("expired"), "{why}");
        assert_eq!(outcome.tried, 1);
        assert_eq!(stage.digests().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_was_suspended_in_between_is_refused_and_others_are_not() {
    each(async |mut stage| {
        let [one, other] = [
            stage.order(ACME, "one").await.unwrap(),
            stage.order(GLOBEX, "other").await.unwrap(),
        ];
        stage.set_status(ACME, TenantStatus::Suspended).unwrap();
        let [refused, done] = stage.work_off([&one, &other]).await.unwrap();
        assert!(refused.result.is_err(), "{refused:?}");
        assert_eq!(refused.tried, 1);
        assert_eq!(done.result, Ok(5));

        stage.set_status(ACME, TenantStatus::Active).unwrap();
        let back = stage.order(ACME, "back").await.unwrap();
        let [done] = stage.work_off([&back]).await.unwrap();
        assert_eq!(done.result, Ok(3));
        assert_eq!(
            stage.digests().await.unwrap(),
            [digest(ACME, "back", 3), digest(GLOBEX, "other", 5)]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sql_in_a_tenants_scope_reaches_the_queue() {
    each(async |stage| {
        stage.order(GLOBEX, "waiting").await.unwrap();
        let (tenancy, db) = (&stage.tenancy, &stage.service.db);
        let seen = tenancy
            .run(
                ACME,
                async |scope: &tenancy::TenantScope| -> Result<_, tenancy::sqlx::Error> {
                    let mut db = db.acquire(scope).await?;
                    Ok(sqlx::query("SELECT * FROM apalis.jobs")
                        .fetch_all(&mut *db)
                        .await)
                },
            )
            .await
            .unwrap();
        let error = seen.unwrap_err();
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .unwrap();
        assert_eq!(code, "42P01", "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_visits_every_tenant_in_its_own_scope() {
    each(async |mut stage| {
        stage.set_status(GLOBEX, TenantStatus::Suspended).unwrap();
        let night = stage.a_night().await.unwrap();
        assert_eq!((night.done(), night.refused()), (1, 1));
        assert!(night.is_whole());
        stage.set_status(GLOBEX, TenantStatus::Active).unwrap();
        let night = stage.a_night().await.unwrap();
        assert_eq!(night.done(), 2);
        let mut digests = stage.digests().await.unwrap();
        digests.dedup();
        assert_eq!(
            digests,
            [digest(ACME, "nightly", 3), digest(GLOBEX, "nightly", 5)]
        );
    })
    .await;
}
