//! The tour on a PostgreSQL that is already there, and what becomes of that server.

use std::collections::BTreeSet;

use sqlx::{Connection as _, PgConnection};
use tenancy_testkit::postgres::{Server, majors};

use crate::program::{end_of, program, run};

/// Every database and every role of a server.
async fn names(server: &Server) -> BTreeSet<String> {
    let mut admin = PgConnection::connect(&server.superuser_url("postgres"))
        .await
        .expect("an administrator");
    let names: Vec<(String,)> = sqlx::query_as(
        "SELECT datname::text FROM pg_database UNION ALL SELECT rolname::text FROM pg_roles",
    )
    .fetch_all(&mut admin)
    .await
    .expect("names");
    names.into_iter().map(|(name,)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_holds_and_the_server_is_left_as_it_was() {
    for major in majors() {
        let server = Server::shared(major).await.expect("a server");
        let before = names(server).await;
        let url = server.superuser_url("postgres");
        let run = tokio::task::spawn_blocking(move || run(&["--url", &url]))
            .await
            .expect("a run");
        assert_eq!(run.code, Some(0), "{major}: {run:?}");
        for shown in [
            " promises held.\n",
            "set_config('tenancy.current_tenant', 'globex', false)",
            "42501  query would be affected by row-level security policy",
            "42501  new row violates row-level security policy",
            "TN002  the proof of the tenant does not hold",
            "TN005  the runtime role runs no DDL",
            "mend: ALTER TABLE \"public\".\"notes\" ENABLE ROW LEVEL SECURITY;",
        ] {
            assert!(
                run.out.contains(shown),
                "{major}: {shown} is missing: {}",
                run.out
            );
        }
        assert!(!run.out.contains('✗'), "{major}: {}", run.out);
        assert_eq!(run.err, "", "{major}");

        let after = names(server).await;
        let left: Vec<_> = after.difference(&before).collect();
        assert!(left.is_empty(), "{major}: left on the server: {left:?}");
    }
}

#[test]
fn without_a_network_it_says_how_to_give_a_server() {
    let nothing = tempfile::tempdir().expect("a folder");
    let run = end_of(
        program(&["--postgres"])
            .env("TENANCY_TEST_CACHE", nothing.path())
            .env_remove("TENANCY_TEST_WITHOUT")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy"),
    );
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.err.contains("PostgreSQL 18.6.0 could not be fetched"),
        "{run:?}"
    );
    assert!(run.err.contains("--postgres --url postgres://"), "{run:?}");
}

#[test]
fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let run = run(&["--url", "postgres://postgres:geheim@127.0.0.1:1/postgres"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.starts_with("error: "), "{run:?}");
    assert!(!run.err.contains("geheim"), "{run:?}");
}
