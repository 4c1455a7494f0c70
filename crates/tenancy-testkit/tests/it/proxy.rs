use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use tenancy_testkit::postgres::{Database, Major, Server};
use tenancy_testkit::proxy::Proxy;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::eventually;

async fn through_a_proxy() -> (Proxy, Database, Client) {
    let server = Server::shared(Major::V18).await.unwrap();
    let database = server.database().await.unwrap();
    let proxy = Proxy::in_front_of(server).unwrap();
    let client = database
        .connect(&proxy.url(&database.admin_url()).unwrap())
        .await
        .unwrap();
    (proxy, database, client)
}

#[tokio::test]
async fn connecting_makes_no_trip_and_a_prepared_query_makes_one() {
    let (proxy, _database, client) = through_a_proxy().await;
    assert_eq!((proxy.connections(), proxy.trips()), (1, 0));

    let statement = client.prepare("SELECT 1").await.unwrap();
    assert_eq!((proxy.trips(), proxy.requests()), (1, 1));
    for trips in 2..5 {
        client.query_one(&statement, &[]).await.unwrap();
        assert_eq!(proxy.trips(), trips);
    }
    proxy.reset();
    client.query_one(&statement, &[]).await.unwrap();
    assert_eq!((proxy.trips(), proxy.requests()), (1, 1));
    assert_eq!(
        (proxy.sent().as_str(), proxy.received().as_str()),
        ("BES", "2DCZ")
    );
}

#[tokio::test]
async fn statements_in_sequence_make_a_trip_each_and_queued_ones_make_one() {
    let (proxy, _database, client) = through_a_proxy().await;
    proxy.reset();
    for statement in ["BEGIN", "SELECT 1", "COMMIT"] {
        client.batch_execute(statement).await.unwrap();
    }
    assert_eq!((proxy.trips(), proxy.requests()), (3, 3));

    // So that the first answer can't overtake the last question.
    proxy.delay(Duration::from_millis(20));
    proxy.reset();
    let (begin, select, commit) = tokio::join!(
        client.batch_execute("BEGIN"),
        client.batch_execute("SELECT 1"),
        client.batch_execute("COMMIT")
    );
    begin.and(select).and(commit).unwrap();
    assert_eq!((proxy.trips(), proxy.requests()), (1, 3));
}

#[tokio::test]
async fn copying_in_waits_once_for_the_go_ahead() {
    let (proxy, _database, client) = through_a_proxy().await;
    client
        .batch_execute("CREATE TABLE copied (id int)")
        .await
        .unwrap();
    let copy = client.prepare("COPY copied FROM STDIN").await.unwrap();
    proxy.reset();
    let mut rows = Box::pin(client.copy_in::<_, &[u8]>(&copy).await.unwrap());
    rows.send(b"1\n").await.unwrap();
    rows.close().await.unwrap();
    assert_eq!(proxy.trips(), 2, "{} {}", proxy.sent(), proxy.received());
}

#[tokio::test]
async fn a_delay_is_added_each_way() {
    let (proxy, _database, client) = through_a_proxy().await;
    let each_way = Duration::from_millis(30);
    proxy.delay(each_way);
    let since = Instant::now();
    client.simple_query("SELECT 1").await.unwrap();
    assert!(since.elapsed() >= 2 * each_way);
}

#[tokio::test]
async fn a_cut_ends_what_is_open_and_lets_new_connections_through() {
    let (proxy, database, client) = through_a_proxy().await;
    proxy.cut_all();
    client.simple_query("SELECT 1").await.unwrap_err();
    eventually("the client sees the cut", || client.is_closed());

    let again = database
        .connect(&proxy.url(&database.admin_url()).unwrap())
        .await
        .unwrap();
    again.simple_query("SELECT 1").await.unwrap();
    drop(proxy);
    again.simple_query("SELECT 1").await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_holds_everything_and_a_cut_ends_it() {
    let (proxy, _database, client) = through_a_proxy().await;
    proxy.stall(true);
    proxy.reset();
    let asking = tokio::spawn(async move {
        client.simple_query("SELECT 1").await.unwrap();
        client
    });
    eventually("the question is at the proxy", || proxy.sent() == "Q");
    assert_eq!(proxy.received(), "");
    proxy.stall(false);
    let client = asking.await.unwrap();
    assert_eq!(proxy.received(), "TDCZ");

    proxy.stall(true);
    proxy.reset();
    let asking = tokio::spawn(async move { client.simple_query("SELECT 1").await });
    eventually("the question is at the proxy", || proxy.sent() == "Q");
    proxy.cut_all();
    asking.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_request_goes_through() {
    let (proxy, _database, client) = through_a_proxy().await;
    proxy.reset();
    let token = client.cancel_token();
    let sleeping = tokio::spawn(async move { client.simple_query("SELECT pg_sleep(600)").await });
    eventually("the question is at the proxy", || proxy.sent() == "Q");
    let mut cancelled = sleeping;
    let error = loop {
        // One that arrives before the query does nothing.
        token.cancel_query(tokio_postgres::NoTls).await.unwrap();
        let pause = tokio::time::timeout(Duration::from_millis(50), &mut cancelled);
        if let Ok(ended) = pause.await {
            break ended.unwrap().unwrap_err();
        }
    };
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
}

#[tokio::test]
async fn a_url_keeps_everything_but_its_host() {
    let proxy = Proxy::start(1).unwrap();
    let port = proxy.port();
    for (url, expected) in [
        (
            "postgres://u:p%40@db.example:5432/x?a=b@c",
            format!("postgres://u:p%40@127.0.0.1:{port}/x?a=b@c"),
        ),
        (
            "postgres://db.example",
            format!("postgres://127.0.0.1:{port}"),
        ),
        (
            "postgres://u@[::1]:1?x",
            format!("postgres://u@127.0.0.1:{port}?x"),
        ),
    ] {
        assert_eq!(proxy.url(url).unwrap(), expected);
    }
    assert!(proxy.url("host=db.example").is_err());
}
