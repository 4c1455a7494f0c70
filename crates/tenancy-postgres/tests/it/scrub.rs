//! The scrub: what a scope left behind is gone, and what it can't take away is told.

use tenancy_postgres::scrub::{
    Nonce, ScrubAnswer, Seen, read_stay, read_unscoped, scrub_sql, stay_sql,
};
use tenancy_postgres::seal::Challenge;
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
        world
            .admin
            .batch_execute("CREATE SEQUENCE burnt; GRANT USAGE ON SEQUENCE burnt TO PUBLIC")
            .await
            .unwrap();
        let client = world.runtime().await;
        let prepared = client.prepare("SELECT 1").await.unwrap();
        world.enter(&client, "a").await;
        client
            .batch_execute(
                "SELECT nextval('burnt'); \
                 SET statement_timeout = '77s'; SET default_transaction_read_only = on; LISTEN gossip; \
                 SELECT pg_advisory_lock(4711); BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT title FROM notes; COMMIT; \
                 BEGIN READ ONLY; SELECT 1",
            )
            .await
            .unwrap();
        let answer = scrub(&client).await.unwrap();
        assert_eq!(answer.seen().prepared, 1);
        assert_eq!(refused(&client, "SELECT count(*) FROM notes").await, "TN001");
        assert_eq!(refused(&client, "SELECT lastval()").await, "55000");
        assert_eq!(refused(&client, "SELECT currval('burnt')").await, "55000");
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

/// What the server answers, or its error's code.
async fn stay(client: &Client, tenant: &str) -> Result<Seen, String> {
    let nonce = Nonce::random().unwrap();
    let messages = client.simple_query(&stay_sql(&nonce)).await;
    let messages = messages.map_err(|error| error.code().unwrap().code().to_owned())?;
    let row = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    read_stay(&[row], &nonce, &tenant.parse().unwrap()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_scope_that_stays_is_clean_of_all_else() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        let prepared = client.prepare("SELECT 1").await.unwrap();
        world.enter(&client, "a").await;
        client
            .batch_execute(
                "SET statement_timeout = '77s'; SET default_transaction_read_only = on; LISTEN gossip; \
                 SELECT pg_advisory_lock(4711); BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT title FROM notes; COMMIT; \
                 BEGIN READ WRITE; UPDATE notes SET title = 'lost'; SELECT setseed(0.5)",
            )
            .await
            .unwrap();
        assert_eq!(stay(&client, "a").await.unwrap().prepared, 1);
        for (sql, clean) in [
            ("SHOW statement_timeout", "0"),
            ("SHOW default_transaction_read_only", "off"),
            ("SELECT count(*) FROM pg_listening_channels()", "0"),
            ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0"),
            ("SELECT count(*) FROM pg_cursors WHERE name = 'c'", "0"),
            ("SELECT count(*) FROM notes WHERE title = 'lost'", "0"),
            ("SELECT tenancy.current_tenant()", "a"),
        ] {
            assert_eq!(text(&client, sql).await.unwrap(), clean, "{sql}");
        }
        assert_eq!(client.query_one(&prepared, &[]).await.unwrap().get::<_, i32>(0), 1);
        let mut drawn = Vec::new();
        for _ in 0..2 {
            client.batch_execute("SELECT setseed(0.5)").await.unwrap();
            stay(&client, "a").await.unwrap();
            drawn.push(text(&client, "SELECT random()").await.unwrap());
        }
        assert_ne!(drawn[0], drawn[1]);
    })
    .await;
}

#[tokio::test]
async fn a_scope_that_is_not_there_does_not_stay() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        for ended in [
            "SELECT tenancy.leave()",
            "DISCARD SEQUENCES",
            "DISCARD ALL",
            "SELECT tenancy.scrub('x', current_user)",
        ] {
            world.enter(&client, "a").await;
            client.batch_execute(ended).await.unwrap();
            let code = stay(&client, "a").await.unwrap_err();
            assert!(
                ["TN001", "55000"].contains(&code.as_str()),
                "{ended}: {code}"
            );
        }
        // Bound to a transaction, it does not outlive it.
        let proof = world.prove_for(
            &scrub(&client).await.unwrap().into_challenge(),
            "a",
            tenancy_postgres::seal::Binding::Transaction,
        );
        client
            .batch_execute(&format!("BEGIN; {}", proof.enter_sql()))
            .await
            .unwrap();
        assert_eq!(stay(&client, "a").await.unwrap_err(), "TN001");
        // And another's is not taken for it.
        world.enter(&client, "b").await;
        assert!(
            stay(&client, "a")
                .await
                .unwrap_err()
                .contains("not the one")
        );
        assert!(stay(&client, "b").await.is_ok());
    })
    .await;
}

/// As `leave()`, it remembers for the rest of the transaction that a tenant was there.
#[tokio::test]
async fn a_scrub_within_a_transaction_lets_no_other_tenant_enter_it() {
    on_every_major(async |world: World| {
        let client = world.runtime().await;
        for between in [
            "",
            "SELECT tenancy.leave()",
            "SELECT tenancy.scrub('x', current_user)",
            "DISCARD SEQUENCES",
        ] {
            world.enter(&client, "a").await;
            client
                .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT title FROM notes")
                .await
                .unwrap();
            client.batch_execute(between).await.unwrap();
            let answer = text(&client, "SELECT tenancy.scrub('x', current_user)")
                .await
                .unwrap();
            let challenge = Challenge::parse(answer.split(' ').next().unwrap()).unwrap();
            let proof = world.prove_for(&challenge, "b", tenancy_postgres::seal::Binding::Session);
            assert_eq!(
                refused(&client, &proof.enter_sql()).await,
                "TN004",
                "{between}"
            );
            client.batch_execute("ROLLBACK").await.unwrap();
            scrub(&client).await.unwrap();
        }
    })
    .await;
}

#[test]
fn another_answer_is_refused() {
    let nonce = Nonce::random().unwrap();
    let challenge = "0".repeat(32);
    let good = [challenge.as_str(), nonce.as_str(), "0", "3", "t", "4711"];
    let read = |words: &[&str], nonce: &Nonce| {
        let answer = words.join(" ");
        ScrubAnswer::read(&[Some(&answer)], nonce)
    };
    let seen = read(&good, &nonce).unwrap().seen();
    assert_eq!((seen.prepared, seen.backend), (3, 4711));
    assert!(read(&good, &Nonce::random().unwrap()).is_err());
    for (at, bad) in [
        (0, "x"),
        (0, ""),
        (2, "1"),
        (2, ""),
        (3, ""),
        (4, "f"),
        (4, ""),
        (5, ""),
        (5, "4711 more"),
    ] {
        let mut words = good;
        words[at] = bad;
        assert!(read(&words, &nonce).is_err(), "{at}");
    }
    assert!(read(&good[..5], &nonce).is_err());
    let answer = good.join(" ");
    for columns in [&[][..], &[None], &[Some(answer.as_str()), None]] {
        assert!(ScrubAnswer::parse(columns, &nonce).is_err());
    }

    let tenant: tenancy_core::TenantId = "acme".parse().unwrap();
    let answer = |open: &str| format!("{open} {nonce} 0 3 t 4711");
    let stays = |open: &str| read_stay(&[Some(&answer(open))], &nonce, &tenant).is_ok();
    assert!(stays("acme"));
    assert!(!stays("globex") && !stays("") && !stays("acme-2"));
}

#[test]
fn another_answer_to_an_unscoped_scrub_is_refused() {
    let nonce = Nonce::random().unwrap();
    let row = |columns: &[&str]| -> Vec<Option<String>> {
        let column = |column: &&str| (!column.is_empty()).then(|| (*column).to_owned());
        columns.iter().map(column).collect()
    };
    let last = |echo: &str, login: &str, role: &str, backend: &str| {
        row(&[echo, login, role, backend, "", ""])
    };
    let good = last(nonce.as_str(), "app", "app", "4711");
    let read = |rows: &[Vec<Option<String>>]| read_unscoped(rows, &nonce);
    for prepared in 0..3 {
        let mut rows = vec![row(&["f"]); prepared];
        rows.push(good.clone());
        let seen = read(&rows).unwrap();
        assert_eq!((seen.prepared, seen.backend), (prepared as u64, 4711));
    }
    for statements in [
        &[row(&["t"])][..],
        &[row(&["f"]), row(&["t"])],
        &[row(&[""])],
        &[row(&["f", "f"])],
        &[row(&[])],
    ] {
        let rows = [statements, std::slice::from_ref(&good)].concat();
        assert!(read(&rows).is_err(), "{statements:?}");
    }
    let other = Nonce::random().unwrap();
    for bad in [
        last(other.as_str(), "app", "app", "4711"),
        last("", "app", "app", "4711"),
        last(nonce.as_str(), "app", "other", "4711"),
        last(nonce.as_str(), "", "", "4711"),
        last(nonce.as_str(), "app", "app", ""),
        last(nonce.as_str(), "app", "app", "x"),
        row(&["f"]),
        row(&[]),
    ] {
        assert!(read(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
    }
    assert!(read(&[]).is_err());
}
