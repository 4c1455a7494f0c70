use tenancy_testkit::postgres::{Major, Server, majors_all};

#[tokio::test]
async fn a_database_is_fresh_and_its_roles_are_what_they_should_be() {
    for major in majors_all() {
        let server = Server::shared(major).await.unwrap();
        let (database, other) = (
            server.database().await.unwrap(),
            server.database().await.unwrap(),
        );
        assert_ne!(database.name(), other.name());
        assert_ne!(database.runtime_role(), other.runtime_role());
        for (role, url, bypasses, owns) in [
            (
                database.runtime_role(),
                database.runtime_url(),
                false,
                false,
            ),
            (database.central_role(), database.central_url(), true, false),
            (database.owner_role(), database.owner_url(), false, true),
        ] {
            let client = database.connect(&url).await.unwrap();
            let row = client
                .query_one(
                    "SELECT current_user::text, current_database()::text, rolsuper, rolbypassrls, \
                     pg_get_userbyid(datdba)::text = current_user \
                     FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()",
                    &[],
                )
                .await
                .unwrap();
            assert_eq!(row.get::<_, &str>(0), role);
            assert_eq!(row.get::<_, &str>(1), database.name());
            assert!(!row.get::<_, bool>(2));
            assert_eq!(
                (row.get::<_, bool>(3), row.get::<_, bool>(4)),
                (bypasses, owns),
                "{role}"
            );
        }
    }
}

#[tokio::test]
async fn a_dropped_database_is_gone_with_its_roles_whoever_is_connected() {
    let server = Server::shared(Major::V18).await.unwrap();
    let watcher = server.database().await.unwrap();
    let admin = watcher.admin().await.unwrap();
    let database = server.database().await.unwrap();
    let connected = database.connect(&database.runtime_url()).await.unwrap();
    let left = |name: String| {
        let admin = &admin;
        async move {
            let count = "SELECT (SELECT count(*) FROM pg_database WHERE datname = $1) \
                         + (SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1))";
            admin
                .query_one(count, &[&name])
                .await
                .unwrap()
                .get::<_, i64>(0)
        }
    };
    let name = database.name().to_owned();
    // The database and its four roles.
    assert_eq!(left(name.clone()).await, 5);
    drop(database);
    assert_eq!(left(name).await, 0);
    assert!(connected.simple_query("SELECT 1").await.is_err());
}
