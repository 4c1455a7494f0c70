//! A tenant's raw SQL against another tenant's database.

use tenancy_postgres::database::{TenantDatabase, close};

use crate::support::{World, on_every_major, refused, run, text};
use crate::tenants::PASSWORD;

#[tokio::test]
async fn a_login_enters_no_other_database() {
    on_every_major(async |world| {
        let (a, b) = (world.make("a").await, world.make("b").await);
        let base = world.database.name().to_owned();
        let keep = [
            world.roles.runtime().clone(),
            world.roles.table_owner().clone(),
        ];

        // The control: without the grants taken away every login enters every database.
        let careless = world.named("careless");
        world
            .admin
            .batch_execute(&format!("CREATE DATABASE {careless}"))
            .await
            .unwrap();
        let login = a.login().as_str();
        world.open(login, PASSWORD, &careless, &[]).await.unwrap();
        world.open(login, PASSWORD, &base, &[]).await.unwrap();

        run(&world.admin, close(&base.parse().unwrap(), &keep)).await;
        run(&world.admin, close(&careless.parse().unwrap(), &[])).await;
        for (from, to) in [(&a, &b), (&b, &a)] {
            for database in [to.name().as_str(), &base, &careless] {
                let error = world
                    .open(from.login().as_str(), PASSWORD, database, &[])
                    .await;
                let error = error.expect_err(database);
                assert_eq!(error.code().unwrap().code(), "42501", "{database}");
            }
            attack(&world, from, to).await;
            let client = world.enter_database(to).await;
            assert_eq!(
                text(&client, "SELECT count(*) FROM notes").await.unwrap(),
                "1"
            );
        }
        world
            .admin
            .batch_execute(&format!("DROP DATABASE {careless} WITH (FORCE)"))
            .await
            .unwrap();
        world.unmake(&a).await;
        world.unmake(&b).await;
    })
    .await;
}

/// Everything that SQL may try, one message each.
async fn attack(world: &World, from: &TenantDatabase, to: &TenantDatabase) {
    let client = world.enter_database(from).await;
    let (own, login) = (from.name().quoted(), from.login().quoted());
    let (other, other_login) = (to.name().quoted(), to.login().quoted());
    let owner = world.roles.table_owner().quoted();
    for (sql, expected) in [
        (format!("SELECT * FROM {other}.public.notes"), "0A000"),
        (format!("SET ROLE {other_login}"), "42501"),
        (format!("SET ROLE {owner}"), "42501"),
        (format!("SET SESSION AUTHORIZATION {other_login}"), "42501"),
        (format!("GRANT {other_login} TO {login}"), "42501"),
        (format!("GRANT {login} TO {other_login}"), "42501"),
        (
            format!("GRANT CONNECT ON DATABASE {other} TO {login}"),
            "42501",
        ),
        (format!("ALTER ROLE {other_login} PASSWORD 'x'"), "42501"),
        (format!("ALTER DATABASE {other} RENAME TO mine"), "42501"),
        (
            format!("ALTER DATABASE {other} SET role = {login}"),
            "42501",
        ),
        (
            format!("ALTER DATABASE {own} SET search_path = pg_temp"),
            "42501",
        ),
        (
            format!("COMMENT ON DATABASE {own} IS 'tenancy: tenant b'"),
            "42501",
        ),
        (format!("COMMENT ON DATABASE {other} IS 'x'"), "42501"),
        (format!("CREATE DATABASE mine TEMPLATE {other}"), "42501"),
        (format!("DROP DATABASE {other}"), "42501"),
        ("CREATE EXTENSION dblink".to_owned(), "42501"),
        ("CREATE EXTENSION postgres_fdw".to_owned(), "42501"),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw".to_owned(),
            "42704",
        ),
        ("CREATE SCHEMA mine".to_owned(), "42501"),
        ("CREATE TABLE mine (id int)".to_owned(), "42501"),
        ("CREATE TEMP TABLE notes (id int)".to_owned(), "42501"),
        (
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'".to_owned(),
            "42501",
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p".to_owned(),
            "42501",
        ),
        ("COPY notes TO PROGRAM 'cat'".to_owned(), "42501"),
        ("COPY notes TO '/tmp/notes'".to_owned(), "42501"),
        ("SELECT pg_read_file('PG_VERSION')".to_owned(), "42501"),
        ("SELECT lo_import('/etc/passwd')".to_owned(), "42501"),
        ("SELECT * FROM pg_authid".to_owned(), "42501"),
        (
            format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
                world.database.owner_role()
            ),
            "",
        ),
    ] {
        if expected.is_empty() {
            assert_ne!(text(&client, &sql).await.unwrap_or_default(), "t", "{sql}");
        } else {
            assert_eq!(refused(&client, &sql).await, expected, "{sql}");
        }
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    // Without the right to it, a grant only warns.
    client
        .batch_execute(&format!("GRANT CONNECT ON DATABASE {own} TO {other_login}"))
        .await
        .unwrap();
    let connects = format!(
        "SELECT has_database_privilege('{}', '{}', 'CONNECT')",
        to.login(),
        from.name()
    );
    assert_eq!(text(&client, &connects).await.unwrap(), "f");
    // Of another role's sessions only that they are there.
    let neighbour = world.enter_database(to).await;
    neighbour.simple_query("SELECT 'a secret'").await.unwrap();
    let seen = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%a sec' || 'ret%'";
    assert_eq!(text(&client, seen).await.unwrap(), "0");
    assert_eq!(
        text(&client, "SELECT title FROM notes").await.unwrap(),
        format!("{}1", from.tenant())
    );
}
