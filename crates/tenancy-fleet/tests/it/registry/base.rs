//! Making the base database, and saying why it can't be reached.

use secrecy::SecretString;
use tenancy_fleet::registry::{Registry, RegistryBuilder, RegistryError};
use tenancy_testkit::{mariadb, postgres};

use super::side::Side;

fn at(url: &str) -> RegistryBuilder {
    Registry::builder(SecretString::from(url))
}

/// The URL of another database on the same server; `name` is percent-encoded already.
fn sibling(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn fresh(hostile: &str) -> String {
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("b{nanos}{hostile}")
}

/// Takes a database that was made here away again.
async fn remove(server: &str, url: &str) {
    let (_, name) = url.rsplit_once('/').unwrap();
    let name = [
        ("%22", "\""),
        ("%60", "`"),
        ("%27", "'"),
        ("%20", " "),
        ("%3B", ";"),
        ("%5C", "\\"),
        ("%3F", "?"),
        ("%24", "$"),
    ]
    .into_iter()
    .fold(name.to_owned(), |name, (code, sign)| {
        name.replace(code, sign)
    });
    let name = if server.starts_with("postgres") {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        format!("`{}`", name.replace('`', "``"))
    };
    let server = sibling(
        server,
        if server.starts_with("postgres") {
            "postgres"
        } else {
            "mysql"
        },
    );
    Side::connect(&server)
        .await
        .run(&format!("DROP DATABASE {name}"))
        .await;
}

async fn is_made_once_and_refuses_the_servers_own(server: &str, reserved: &[&str]) {
    // Quotes, a blank, a statement's end, a backslash, and a placeholder.
    for hostile in ["", "%22%60%27%20%3B--", "%5C%3F%241"] {
        let url = sibling(server, &fresh(hostile));
        let missing = at(&url).reach().await.unwrap_err();
        assert!(matches!(missing, RegistryError::Database(_)), "{missing:?}");
        assert!(at(&url).create_database().await.unwrap());
        assert!(!at(&url).create_database().await.unwrap());
        at(&url).reach().await.unwrap();
        let registry = at(&url).install().await.unwrap();
        registry.close().await;
        remove(server, &url).await;
    }
    // Two at once: one makes it, and the other sees it.
    let url = sibling(server, &fresh(""));
    let (one, other) = (at(&url), at(&url));
    let (one, other) = tokio::join!(one.create_database(), other.create_database());
    assert!(one.unwrap() | other.unwrap());
    at(&url).reach().await.unwrap();
    remove(server, &url).await;

    let long = "n".repeat(64);
    for name in reserved.iter().chain([&long.as_str(), &"a%0Ab"]) {
        let refused = at(&sibling(server, name)).create_database().await;
        assert_eq!(refused.unwrap_err(), RegistryError::BaseName, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    for major in postgres::majors() {
        let server = postgres::Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let url = database.admin_url();
        let reserved = ["postgres", "template0", "template1", "Template1"];
        is_made_once_and_refuses_the_servers_own(&url, &reserved).await;
        // Who may make no database is told so, and nothing is made.
        let url = sibling(&database.runtime_url(), &fresh(""));
        let refused = at(&url).create_database().await.unwrap_err();
        let RegistryError::Database(fault) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(fault.code(), Some("42501"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb() {
    if mariadb::is_left_out() {
        return;
    }
    let server = mariadb::Server::shared().await.unwrap();
    let url = format!("{}x", server.admin_url());
    let reserved = ["mysql", "SYS", "information_schema", "performance_schema"];
    is_made_once_and_refuses_the_servers_own(&url, &reserved).await;
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("base.db").display());
    assert!(matches!(
        at(&url).reach().await,
        Err(RegistryError::Database(_))
    ));
    assert!(!folder.path().join("base.db").exists());
    assert!(at(&url).create_database().await.unwrap());
    assert!(!at(&url).create_database().await.unwrap());
    at(&url).reach().await.unwrap();
    let memory = at("sqlite::memory:").create_database().await;
    assert!(matches!(memory, Err(RegistryError::Url { .. })));
}

#[tokio::test]
async fn a_server_that_is_down_is_said_at_once() {
    // Nobody listens on a port that was just free.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for scheme in ["postgres", "mysql"] {
        let builder = at(&format!("{scheme}://u:p@127.0.0.1:{port}/base"));
        for refused in [
            builder.reach().await.unwrap_err(),
            builder.create_database().await.unwrap_err(),
        ] {
            let RegistryError::Database(fault) = refused else {
                panic!("{refused:?}")
            };
            // A pool would have waited, and said that no connection was free.
            assert!(fault.is_lost());
        }
    }
    for url in ["", "base.db", "http://localhost/base", "postgres"] {
        let refused = at(url).reach().await.unwrap_err();
        assert!(matches!(refused, RegistryError::Url { .. }), "{url}");
    }
}
