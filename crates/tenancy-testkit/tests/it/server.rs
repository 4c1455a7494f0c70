use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tenancy_testkit::Error;
use tenancy_testkit::postgres::{Major, Server, majors_all};

use crate::child::Player;
use crate::eventually;

#[tokio::test]
async fn every_major_answers_with_the_version_it_should_have() {
    for major in majors_all() {
        let server = Server::shared(major).await.unwrap();
        assert_eq!(server.major(), major);
        assert!(
            server.version().starts_with(&format!("{major}.")),
            "{}",
            server.version()
        );
    }
}

#[test]
fn one_server_serves_every_runtime_of_the_process() {
    let addresses = [(); 3].map(|()| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = Server::shared(Major::V18).await.unwrap();
                server.database().await.unwrap().admin().await.unwrap();
                std::ptr::from_ref(server).addr()
            })
        })
    });
    let addresses = addresses.map(|thread| thread.join().unwrap());
    assert_eq!(addresses, [addresses[0]; 3]);
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_so_is_its_folder() {
    let server = Server::start(Major::V18).await.unwrap();
    let (port, folder) = (
        server.port(),
        folder(&server.superuser_url("postgres")).await,
    );
    assert!(
        server
            .log()
            .unwrap()
            .contains("ready to accept connections")
    );
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_restarted_server_has_its_port_and_what_was_committed() {
    let server = Server::builder(Major::V18)
        .setting("synchronous_commit", "on")
        .start()
        .await
        .unwrap();
    let (port, folder) = (
        server.port(),
        folder(&server.superuser_url("postgres")).await,
    );
    let database = server.database().await.unwrap();
    for round in 1..=3_i64 {
        let admin = database.admin().await.unwrap();
        for sql in [
            "CREATE TABLE IF NOT EXISTS kept (a int); INSERT INTO kept VALUES (1)",
            "BEGIN; INSERT INTO kept VALUES (2)",
        ] {
            admin.batch_execute(sql).await.unwrap();
        }
        server.restart().await.unwrap();
        admin.batch_execute("COMMIT").await.unwrap_err();
        let again = database.admin().await.unwrap();
        let kept = again
            .query_one("SELECT count(*), max(a) FROM kept", &[])
            .await
            .unwrap();
        assert_eq!((kept.get(0), kept.get(1)), (round, 1));
    }
    assert_eq!(server.port(), port);
    drop(database);
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_server_that_was_given_is_not_restarted() {
    let own = Server::shared(Major::V18).await.unwrap();
    let given = Server::at(&own.superuser_url("postgres")).await.unwrap();
    assert!(matches!(given.restart().await, Err(Error::NotOurs)));
}

#[tokio::test]
async fn a_server_is_stopped_when_its_owner_is_killed() {
    let mut owner = Player::new("server", &[]);
    let url = owner.says();
    let (port, folder) = (port(&url), folder(&url).await);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    owner.kill();
    eventually("the server stops", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    });
    eventually("its folder is removed", || !folder.exists());
}

#[test]
fn an_owner_killed_before_its_server_is_up_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    // As /tmp is: as root, the server runs as another user.
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
    let temp_path = temp.path().to_str().unwrap();
    let mut owner = Player::new("server", &[("TMPDIR", temp_path)]);
    let begun = || {
        let mut folders = std::fs::read_dir(temp.path()).unwrap();
        folders.any(|folder| folder.unwrap().path().join("data").exists())
    };
    eventually("the data folder is being made", begun);
    owner.kill();
    eventually("nothing is left", || {
        std::fs::read_dir(temp.path()).unwrap().next().is_none()
    });
}

#[tokio::test]
async fn a_setting_holds_over_ours() {
    let server = Server::builder(Major::V15)
        .setting("max_prepared_transactions", "5")
        .setting("fsync", "on")
        .setting("cluster_name", r"it's \n one")
        .start()
        .await
        .unwrap();
    let database = server.database().await.unwrap();
    let admin = database.admin().await.unwrap();
    for (name, expected) in [
        ("max_prepared_transactions", "5"),
        ("fsync", "on"),
        ("cluster_name", r"it's \n one"),
        ("synchronous_commit", "off"),
    ] {
        let row = admin
            .query_one("SELECT current_setting($1)", &[&name])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), expected, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let outcome = Server::builder(Major::V18)
        .setting("no_such_setting", "1")
        .start()
        .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Start { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn debug_output_holds_no_password() {
    let server = Server::shared(Major::V18).await.unwrap();
    let database = server.database().await.unwrap();
    let url = server.superuser_url("postgres");
    let password = url.split([':', '@']).nth(2).unwrap();
    for text in [format!("{server:?}"), format!("{database:?}")] {
        assert!(!text.contains(password), "{text}");
        assert!(!text.contains(database.password()), "{text}");
    }
}

/// The folder that holds everything of the server behind this URL.
async fn folder(url: &str) -> PathBuf {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let row = client.query_one("SHOW data_directory", &[]).await.unwrap();
    let data: String = row.get(0);
    let folder = Path::new(&data).parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(client);
    connection.await.unwrap().unwrap();
    folder
}

fn port(url: &str) -> u16 {
    let config: tokio_postgres::Config = url.parse().unwrap();
    config.get_ports()[0]
}
