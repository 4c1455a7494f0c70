//! What is printed holds no key, no password, no tenant and no row.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::rotate;
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{BulkInsert, CentralPool, apply};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber as _;
use tracing::{Event, Metadata, Subscriber, span};

use super::stage::{ACME, Stage, each};

/// Keeps every field of every event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{field}: {value:?}").unwrap();
    }
}

#[tokio::test]
async fn the_drivers_log_of_statements_never_has_the_key() {
    each(async |stage: Stage| {
        let mut superuser = PgConnection::connect(&stage.database.admin_url())
            .await
            .unwrap();
        let key = SealingKey::generate(KeyId::new(2).unwrap()).unwrap();
        let plan = rotate::add_key(&key);
        let secret: Vec<String> = plan
            .steps()
            .iter()
            .filter(|step| step.is_secret())
            .flat_map(|step| {
                step.sql()
                    .split(|c: char| !c.is_ascii_hexdigit())
                    .map(str::to_owned)
            })
            .filter(|word| word.len() >= 64)
            .collect();
        assert!(!secret.is_empty());
        let log = Log::default();
        let work = async {
            sqlx::raw_sql("SELECT 'heard'")
                .execute(&mut superuser)
                .await
                .unwrap();
            apply(&mut superuser, plan).await.unwrap();
        };
        work.with_subscriber(log.clone()).await;
        let log = log.0.lock().unwrap();
        assert!(
            log.contains("heard"),
            "the driver's log was not heard: {log}"
        );
        for word in secret {
            assert!(!log.contains(&word), "{log}");
        }
    })
    .await;
}

#[tokio::test]
async fn debug_forms_are_silent() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        let pool = stage.pool(2).await;
        let acme = stage.scope(ACME).await;
        let db = pool.acquire(&acme.scope).await.unwrap();
        let tx = pool.begin(&acme.scope).await.unwrap();
        let rows = sqlx::query("SELECT 1");
        let bulk = BulkInsert::into("notes").column("title", vec!["private".to_owned()]);
        let central = CentralPool::builder(&stage.database.central_url());
        let shown = format!(
            "{pool:?} {:?} {db:?} {tx:?} {bulk:?} {central:?} {:#?}",
            stage.builder(&url),
            central.clone().connect().await.unwrap()
        );
        drop((db, tx));
        let stream = pool.stream(acme.scope.ticket(), rows).await.unwrap();
        let shown = format!("{shown} {stream:?}");
        let key = stage.key.to_secret_string();
        let secret = key.expose_secret().split_once(':').unwrap().1.to_owned();
        for hidden in [secret.as_str(), stage.database.password(), ACME, "private"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        drop(stream);
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn errors_show_neither_rows_nor_tenants_and_give_the_drivers_error_on_request() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        let error = BulkInsert::into("notes")
            .column("id", vec![1_i64])
            .column("title", vec!["private".to_owned()])
            .execute(&mut db)
            .await
            .unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains(ACME) && !shown.contains("private"),
            "{shown}"
        );
        assert!(error.source().is_some());
        // As SQLx's own error it is the driver's, with its constraint.
        let theirs = sqlx::Error::from(error);
        assert_eq!(
            theirs.as_database_error().unwrap().constraint(),
            Some("notes_pkey")
        );
        drop(db);
        let ticket = acme.end().await;
        let theirs: sqlx::Error = pool.acquire(&ticket).await.unwrap_err().into();
        let ours = Error::find(&theirs).unwrap();
        assert!(matches!(
            ours,
            Error::Scope(tenancy_core::Error::ScopeEnded)
        ));
        assert!(!format!("{ours} {ours:?} {theirs} {theirs:?}").contains(ACME));
    })
    .await;
}
