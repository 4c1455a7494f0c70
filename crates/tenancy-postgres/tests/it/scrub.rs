//! The scrub: what a scope left behind is gone, and what it can't take away is told.

use tenancy_postgres::scrub::{Nonce, ScrubAnswer, scrub_sql};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{World, on_every_major, refused, text};

async fn scrub(client: &Client) -> Result<ScrubAnswer, tenancy_postgres::Error> {
    let nonce = Nonce::random().unwrap();
    let mut last = Vec::new();
    for message in client.simple_query(&scrub_sql(&nonce)).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            last = (0..row.len())
                .map(|at| row.get(at).map(str::to_owned))
                .collect();
        }
    }
    let columns: Vec<_> = last.iter().map(Option::as_deref).collect();
    ScrubAnswer::read(&columns, &nonce)
}

#[tokio::test]
async fn nothing_is_left() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        let prepared = client.prepare("SELECT 1").await.unwrap();
        world.enter(&client, "a").await;
        client
            .batch_execute(
                "SET statement_timeout = '77s'; SET default_transaction_read_only = on; LISTEN gossip; \
                 SELECT pg_advisory_lock(4711); BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT title FROM notes; COMMIT; \
                 BEGIN READ ONLY; SELECT 1",
            )
            .await
            .unwrap();
        let answer = scrub(&client).await.unwrap();
        assert_eq!(answer.prepared(), 1);
        assert_eq!(refused(&client, "SELECT count(*) FROM notes").await, "TN001");
        for (sql, clean) in [
            ("SHOW statement_timeout", "0"),
            ("SHOW default_transaction_read_only", "off"),
            ("SELECT count(*) FROM pg_listening_channels()", "0"),
            ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0"),
            ("SELECT count(*) FROM pg_cursors WHERE name = 'c'", "0"),
        ] {
            assert_eq!(text(&client, sql).await.unwrap(), clean, "{sql}");
        }
        assert_eq!(client.query_one(&prepared, &[]).await.unwrap().get::<_, i32>(0), 1);
        let proof = world.prove_for(&scrub(&client).await.unwrap().into_challenge(), "b", tenancy_postgres::seal::Binding::Session);
        client.batch_execute(&proof.enter_sql()).await.unwrap();
        assert_eq!(text(&client, "SELECT count(*) FROM notes").await.unwrap(), "2");
    })
    .await;
}

#[tokio::test]
async fn the_random_seed_is_not_left() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        let mut drawn = Vec::new();
        for _ in 0..2 {
            client.batch_execute("SELECT setseed(0.5)").await.unwrap();
            scrub(&client).await.unwrap();
            drawn.push(text(&client, "SELECT random()").await.unwrap());
        }
        assert_ne!(drawn[0], drawn[1]);
    })
    .await;
}

#[tokio::test]
async fn a_hijacked_statement_is_told() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        let _driver = client.prepare("SELECT 1").await.unwrap();
        let name = text(&client, "SELECT name FROM pg_prepared_statements")
            .await
            .unwrap();
        client
            .batch_execute(&format!(
                "DEALLOCATE {name}; PREPARE {name} AS SELECT 'hijacked'"
            ))
            .await
            .unwrap();
        assert!(matches!(
            scrub(&client).await,
            Err(tenancy_postgres::Error::Scrub { .. })
        ));
    })
    .await;
}

#[test]
fn another_answer_is_refused() {
    let nonce = Nonce::random().unwrap();
    let challenge = "0".repeat(32);
    let good = [
        Some(challenge.as_str()),
        Some(nonce.as_str()),
        Some("0"),
        Some("3"),
        Some("true"),
        Some("4711"),
    ];
    let read = ScrubAnswer::read(&good, &nonce).unwrap();
    assert_eq!((read.prepared(), read.backend()), (3, 4711));
    assert!(ScrubAnswer::read(&good, &Nonce::random().unwrap()).is_err());
    for (at, bad) in [
        (0, Some("x")),
        (0, None),
        (2, Some("1")),
        (3, Some("")),
        (4, Some("false")),
        (4, None),
        (5, Some("")),
        (5, None),
    ] {
        let mut columns = good;
        columns[at] = bad;
        assert!(ScrubAnswer::parse(&columns, &nonce).is_err(), "{at}");
    }
    assert!(ScrubAnswer::parse(&good[..5], &nonce).is_err());
    assert!(ScrubAnswer::parse(&[], &nonce).is_err());
}
