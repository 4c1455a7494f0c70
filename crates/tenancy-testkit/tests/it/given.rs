//! Servers that are given by URL, and runs that do without.

use tenancy_testkit::Error;
use tenancy_testkit::postgres::{Major, Server};

use crate::child::Player;

#[tokio::test]
async fn a_given_server_is_used_and_left_running() {
    let server = Server::shared(Major::V18).await.unwrap();
    let url = server.superuser_url("postgres");
    for _ in 0..2 {
        let mut child = Player::new("shared 18", &[("TENANCY_TEST_POSTGRES_18", &url)]);
        assert_eq!(
            child.says(),
            format!("{} {}", server.version(), server.port())
        );
    }
}

#[tokio::test]
async fn a_given_server_of_another_major_is_refused() {
    let url = Server::shared(Major::V15)
        .await
        .unwrap()
        .superuser_url("postgres");
    let said = Player::new("shared 18", &[("TENANCY_TEST_POSTGRES_18", &url)]).says();
    assert!(
        said.contains("TENANCY_TEST_POSTGRES_18") && said.contains("18 is expected"),
        "{said}"
    );
}

#[tokio::test]
async fn a_url_that_is_no_superusers_or_no_servers_is_refused() {
    let server = Server::shared(Major::V18).await.unwrap();
    let database = server.database().await.unwrap();
    for (url, reason) in [
        (database.runtime_url(), "no superuser"),
        (
            "postgres://postgres@127.0.0.1:1/postgres".to_owned(),
            "can't be reached",
        ),
        ("localhost:5432".to_owned(), "no PostgreSQL URL"),
        ("postgres://127.0.0.1/postgres".to_owned(), "names no user"),
        (
            "postgres://postgres@%2Ftmp/postgres".to_owned(),
            "no host to reach over TCP",
        ),
    ] {
        let error = Server::at(&url).await.unwrap_err();
        assert!(matches!(error, Error::Given { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains(database.password()), "{error}");
    }
}

#[test]
fn a_run_that_does_without_postgres_covers_no_major_and_gets_no_server() {
    let without = [("TENANCY_TEST_WITHOUT", "postgres")];
    assert_eq!(Player::new("majors", &without).says(), "[] []");
    let said = Player::new("shared 18", &without).says();
    assert!(said.contains("--without postgres"), "{said}");
}

#[test]
fn the_majors_are_what_the_environment_says() {
    let picked = [
        ("TENANCY_TEST_MAJORS", "17"),
        ("TENANCY_TEST_MAJORS_ALL", "16,17"),
    ];
    assert_eq!(Player::new("majors", &picked).says(), "[V17] [V16, V17]");
}
