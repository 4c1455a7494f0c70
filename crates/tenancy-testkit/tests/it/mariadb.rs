//! `MariaDB` servers that come, answer and go.

use std::net::TcpStream;
use std::path::Path;

use sqlx::{Connection as _, MySqlConnection, Row as _};
use tenancy_testkit::Error;
use tenancy_testkit::mariadb::{Server, VARIABLE, is_left_out};

use crate::child::Player;
use crate::eventually;

async fn ask(url: &str, sql: &'static str) -> String {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn a_database_is_its_users_alone() {
    if is_left_out() {
        return;
    }
    let server = Server::shared().await.unwrap();
    let (one, two) = (
        server.database().await.unwrap(),
        server.database().await.unwrap(),
    );
    assert_eq!(ask(&one.url(), "SELECT DATABASE()").await, one.name());
    assert!(server.version().contains('.'), "{server:?}");
    let foreign = one
        .url()
        .replace(&format!("/{}", one.name()), &format!("/{}", two.name()));
    assert!(foreign.ends_with(two.name()));
    MySqlConnection::connect(&foreign).await.unwrap_err();
    let (name, url) = (one.name().to_owned(), one.url());
    drop(one);
    MySqlConnection::connect(&url).await.unwrap_err();
    let shown = format!("{server:?} {two:?}");
    assert!(!shown.contains(two.password()), "{shown}");
    assert_ne!(name, two.name());
}

#[tokio::test]
async fn its_default_collation_is_loose() {
    if is_left_out() {
        return;
    }
    let server = Server::start().await.unwrap();
    let database = server.database().await.unwrap();
    // What must be compared exactly has to say so itself.
    let loose =
        "SELECT IF(_utf8mb4'ACME ' COLLATE utf8mb4_general_ci = 'acme', @@collation_server, '')";
    assert_eq!(ask(&database.url(), loose).await, "utf8mb4_general_ci");
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_so_is_its_folder() {
    if is_left_out() {
        return;
    }
    let server = Server::start().await.unwrap();
    let (port, folder) = (server.port(), folder(server.admin_url()).await);
    assert!(Path::new(&folder).exists());
    assert!(server.log().unwrap().contains("ready for connections"));
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!Path::new(&folder).exists());
}

#[tokio::test]
async fn a_server_is_stopped_when_its_owner_is_killed() {
    if is_left_out() {
        return;
    }
    let mut owner = Player::new("mariadb", &[]);
    let url = owner.says();
    let folder = folder(&url).await;
    let (_, address) = url.rsplit_once('@').unwrap();
    let address = address.trim_end_matches('/').to_owned();
    assert!(TcpStream::connect(&address).is_ok());
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
        let mut child = Player::new("shared mariadb", &[(VARIABLE, server.admin_url())]);
        let expected = format!("{} {} given", server.version(), server.port());
        assert_eq!(child.says(), expected);
    }
}

#[tokio::test]
async fn what_is_no_server_is_refused_and_a_left_out_one_is_not_started() {
    for url in ["mysql://administrator:secret@127.0.0.1:1", "localhost"] {
        let error = Server::at(url).await.unwrap_err();
        assert!(matches!(error, Error::Given { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    let said = Player::new("shared mariadb", &[("TENANCY_TEST_WITHOUT", "mysql")]).says();
    assert!(said.contains("--without mysql"), "{said}");
}

/// The folder that holds everything of the server behind this URL.
async fn folder(url: &str) -> String {
    let data = ask(url, "SELECT @@datadir").await;
    let folder = Path::new(&data).parent().unwrap();
    folder.display().to_string()
}
