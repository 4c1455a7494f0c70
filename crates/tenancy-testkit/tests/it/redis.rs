//! Redis servers that come, answer and go.

use std::net::TcpStream;
use std::path::Path;

use ::redis::{Client, cmd};
use tenancy_testkit::Error;
use tenancy_testkit::redis::{Server, VARIABLE, is_left_out};

use crate::child::Player;
use crate::eventually;

async fn ask(url: &str, words: &[&str]) -> Vec<String> {
    let client = Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.unwrap()
}

/// The folder that holds everything of the server behind this URL.
async fn folder(url: &str) -> String {
    ask(url, &["CONFIG", "GET", "dir"]).await.pop().unwrap()
}

#[tokio::test]
async fn it_answers_those_with_its_password_alone_and_keeps_nothing_on_disk() {
    if is_left_out() {
        return;
    }
    let server = Server::shared().await.unwrap();
    assert!(server.version().contains('.'), "{server:?}");
    assert_eq!(
        ask(server.url(), &["CONFIG", "GET", "save"]).await,
        ["save", ""]
    );
    assert_ne!(server.name().unwrap(), server.name().unwrap());
    let stranger = Client::open(format!("redis://127.0.0.1:{}/", server.port())).unwrap();
    let mut connection = stranger.get_multiplexed_async_connection().await.unwrap();
    let refused: Result<String, _> = cmd("PING").query_async(&mut connection).await;
    assert_eq!(refused.unwrap_err().code(), Some("NOAUTH"));
    let (_, password) = server.url().split_once(':').unwrap();
    let (password, _) = password.trim_start_matches("//:").split_once('@').unwrap();
    assert!(!format!("{server:?}").contains(password), "{server:?}");
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_so_is_its_folder() {
    if is_left_out() {
        return;
    }
    let server = Server::start().await.unwrap();
    let (port, folder) = (server.port(), folder(server.url()).await);
    assert!(Path::new(&folder).exists());
    assert!(
        server
            .log()
            .unwrap()
            .contains("Ready to accept connections")
    );
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!Path::new(&folder).exists());
}

#[tokio::test]
async fn a_server_is_stopped_when_its_owner_is_killed() {
    if is_left_out() {
        return;
    }
    let mut owner = Player::new("redis", &[]);
    let url = owner.says();
    let folder = folder(&url).await;
    let (_, address) = url.rsplit_once('@').unwrap();
    let address = address.trim_end_matches('/').to_owned();
    owner.kill();
    eventually("the server stops", || TcpStream::connect(&address).is_err());
    eventually("its folder is removed", || !Path::new(&folder).exists());
}

#[tokio::test]
async fn a_given_server_is_used_and_left_running() {
    if is_left_out() {
        return;
    }
    let server = Server::start().await.unwrap();
    for _ in 0..2 {
        let mut child = Player::new("shared redis", &[(VARIABLE, server.url())]);
        let expected = format!("{} {} given", server.version(), server.port());
        assert_eq!(child.says(), expected);
    }
}

#[tokio::test]
async fn what_is_no_server_is_refused_and_a_left_out_one_is_not_started() {
    for url in ["redis://:secret@127.0.0.1:1", "localhost"] {
        let error = Server::at(url).await.unwrap_err();
        assert!(matches!(error, Error::Given { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    let said = Player::new("shared redis", &[("TENANCY_TEST_WITHOUT", "redis")]).says();
    assert!(said.contains("--without redis"), "{said}");
}
