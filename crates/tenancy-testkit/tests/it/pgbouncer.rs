//! `PgBouncer`s that come, pool, tell and go.

use std::net::TcpStream;
use std::path::Path;

use tenancy_testkit::Error;
use tenancy_testkit::pgbouncer::{
    Backend, PgBouncer, PgBouncerConfig, PoolMode, Program, is_left_out,
};
use tenancy_testkit::postgres::{Database, Major, Server, majors};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::child::Player;
use crate::eventually;

async fn database() -> Option<Database> {
    if is_left_out() || majors().is_empty() {
        return None;
    }
    let server = Server::shared(Major::V18).await.unwrap();
    Some(server.database().await.unwrap())
}

async fn text(client: &Client, sql: &str) -> String {
    let mut last = String::new();
    for message in client.simple_query(sql).await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message {
            row.get(0).unwrap_or_default().clone_into(&mut last);
        }
    }
    last
}

#[tokio::test]
async fn clients_share_a_server_connection_in_transaction_mode_and_not_in_session_mode() {
    let Some(database) = database().await else {
        return;
    };
    for (pool_mode, shared) in [(PoolMode::Transaction, true), (PoolMode::Session, false)] {
        let pooler = PgBouncer::start(PgBouncerConfig {
            pool_mode,
            ..PgBouncerConfig::careless(&database)
        })
        .await
        .unwrap();
        assert!(pooler.version().contains('.'), "{pooler:?}");
        let url = pooler.url_for(database.runtime_role(), database.password());
        let (a, b) = (
            database.connect(&url).await.unwrap(),
            database.connect(&url).await.unwrap(),
        );
        text(&a, "SET application_name = 'a'; SET work_mem = '77kB'").await;
        assert_eq!(text(&b, "SHOW work_mem").await == "77kB", shared);
    }
}

#[tokio::test]
async fn every_role_gets_in_and_a_stranger_does_not() {
    let Some(database) = database().await else {
        return;
    };
    let pooler = PgBouncer::start(PgBouncerConfig::careful(&database))
        .await
        .unwrap();
    for role in [
        database.runtime_role(),
        database.pooled_role(),
        database.central_role(),
        database.owner_role(),
    ] {
        let client = database
            .connect(&pooler.url_for(role, database.password()))
            .await
            .unwrap();
        assert_eq!(text(&client, "SELECT session_user").await, role);
    }
    let refused = database
        .connect(&pooler.url_for("stranger", database.password()))
        .await;
    assert!(refused.is_err());
    let console = pooler.admin().await.unwrap();
    assert!(
        text(&console, "SHOW VERSION")
            .await
            .contains(pooler.version())
    );
    let debug = format!("{pooler:?} {:?}", Backend::from(&database));
    assert!(!debug.contains(database.password()), "{debug}");
}

#[tokio::test]
async fn a_dropped_pooler_is_gone() {
    let Some(database) = database().await else {
        return;
    };
    let pooler = PgBouncer::start(PgBouncerConfig::careful(&database))
        .await
        .unwrap();
    let port = pooler.port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    pooler.stop();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_pooler_is_stopped_when_its_owner_is_killed() {
    let Some(database) = database().await else {
        return;
    };
    let url = database.runtime_url();
    let mut owner = Player::new("pgbouncer", &[("TENANCY_TESTKIT_BACKEND", &url)]);
    let said = owner.says();
    let (port, folder) = said.split_once(' ').unwrap();
    let port: u16 = port.parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert!(Path::new(folder).exists());
    owner.kill();
    eventually("the pooler stops", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    });
    eventually("its folder is removed", || !Path::new(folder).exists());
}

/// The part of the child: a pooler, with its port and its folder.
pub(crate) async fn play() -> (PgBouncer, String) {
    let url = std::env::var("TENANCY_TESTKIT_BACKEND").unwrap();
    let config: tokio_postgres::Config = url.parse().unwrap();
    let pooler = PgBouncer::start(PgBouncerConfig::careful(Backend {
        host: "127.0.0.1".to_owned(),
        port: config.get_ports()[0],
        database: config.get_dbname().unwrap().to_owned(),
        users: Vec::new(),
    }))
    .await
    .unwrap();
    let console = pooler.admin().await.unwrap();
    let mut folder = String::new();
    for message in console.simple_query("SHOW CONFIG").await.unwrap() {
        if let SimpleQueryMessage::Row(row) = message
            && row.get("key") == Some("auth_file")
        {
            row.get("value")
                .unwrap()
                .trim_end_matches("/users")
                .clone_into(&mut folder);
        }
    }
    let says = format!("{} {folder}", pooler.port());
    (pooler, says)
}

#[tokio::test]
async fn a_pooler_that_does_not_start_says_why() {
    let Some(database) = database().await else {
        return;
    };
    let outcome = PgBouncer::start(PgBouncerConfig {
        extra: vec![("pool_mode".to_owned(), "no such mode".to_owned())],
        ..PgBouncerConfig::careful(&database)
    })
    .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::StartPgBouncer { .. }), "{error}");
    assert!(error.to_string().contains("no such mode"), "{error}");
}

#[test]
fn a_program_that_is_none_is_refused_and_a_left_out_one_is_not_looked_for() {
    let said = Player::new("program", &[("TENANCY_TEST_PGBOUNCER", "/bin/true")]).says();
    assert!(said.contains("apt-get install pgbouncer"), "{said}");
    let said = Player::new("program", &[("TENANCY_TEST_WITHOUT", "pgbouncer")]).says();
    assert!(said.contains("--without pgbouncer"), "{said}");
}

/// The other part of the child.
pub(crate) fn program() -> String {
    match Program::find() {
        Ok(program) => program.version().to_owned(),
        Err(error) => error.to_string().replace('\n', " "),
    }
}
