//! Each flaw of a tenant's database or login, planted and found.

use tenancy_postgres::verify::Code;
use tenancy_testkit::postgres::{Server, majors};

use crate::support::{World, run, text};
use crate::tenants::{PASSWORD, holes, judged};

/// What is planted, how it is taken away, what it is found as, and whether the cheap look sees it.
const FLAWS: &[(&str, &str, Code, bool)] = &[
    (
        "ALTER ROLE {login} SUPERUSER",
        "ALTER ROLE {login} NOSUPERUSER",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {login} BYPASSRLS",
        "ALTER ROLE {login} NOBYPASSRLS",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {login} CREATEROLE",
        "ALTER ROLE {login} NOCREATEROLE",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {login} CREATEDB",
        "ALTER ROLE {login} NOCREATEDB",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {login} REPLICATION",
        "ALTER ROLE {login} NOREPLICATION",
        Code::RoleAttribute,
        true,
    ),
    (
        "GRANT pg_read_all_data TO {login}",
        "REVOKE pg_read_all_data FROM {login}",
        Code::Membership,
        true,
    ),
    (
        "GRANT {other} TO {login}",
        "REVOKE {other} FROM {login}",
        Code::Membership,
        true,
    ),
    (
        "GRANT {login} TO {other}",
        "REVOKE {login} FROM {other}",
        Code::Membership,
        true,
    ),
    (
        "COMMENT ON ROLE {login} IS 'tenancy: tenant b'",
        "COMMENT ON ROLE {login} IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "COMMENT ON DATABASE {database} IS NULL",
        "COMMENT ON DATABASE {database} IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "COMMENT ON DATABASE {database} IS 'tenancy: tenant b'",
        "COMMENT ON DATABASE {database} IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "ALTER TABLE notes OWNER TO {login}",
        "ALTER TABLE notes OWNER TO {owner}",
        Code::Ownership,
        true,
    ),
    (
        "ALTER DATABASE {database} OWNER TO {login}",
        "ALTER DATABASE {database} OWNER TO {owner}; GRANT CONNECT ON DATABASE {database} TO {login}",
        Code::Ownership,
        true,
    ),
    (
        "GRANT CONNECT ON DATABASE {database} TO PUBLIC",
        "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT CONNECT ON DATABASE {database} TO {other}",
        "REVOKE CONNECT ON DATABASE {database} FROM {other}",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT CONNECT ON DATABASE {other_database} TO {login}",
        "REVOKE CONNECT ON DATABASE {other_database} FROM {login}",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT CONNECT ON DATABASE {other_database} TO PUBLIC",
        "REVOKE CONNECT ON DATABASE {other_database} FROM PUBLIC",
        Code::DatabasePrivilege,
        false,
    ),
    (
        "GRANT TEMPORARY ON DATABASE {database} TO PUBLIC",
        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT CREATE ON DATABASE {database} TO {login}",
        "REVOKE CREATE ON DATABASE {database} FROM {login}",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT CREATE ON SCHEMA public TO {login}",
        "REVOKE CREATE ON SCHEMA public FROM {login}",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT TRUNCATE ON notes TO {login}",
        "REVOKE TRUNCATE ON notes FROM {login}",
        Code::TablePrivilege,
        false,
    ),
    (
        "ALTER ROLE {login} SET statement_timeout = 0",
        "ALTER ROLE {login} RESET statement_timeout",
        Code::RoleSetting,
        true,
    ),
    (
        "ALTER ROLE {login} IN DATABASE {database} SET row_security = off",
        "ALTER ROLE {login} IN DATABASE {database} RESET row_security",
        Code::RoleSetting,
        true,
    ),
    (
        "GRANT SET ON PARAMETER log_statement TO {login}",
        "REVOKE SET ON PARAMETER log_statement FROM {login}",
        Code::ParameterPrivilege,
        true,
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {login}",
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM {login}",
        Code::ServerFunction,
        true,
    ),
    (
        "CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {login}",
        "DROP EXTENSION postgres_fdw",
        Code::ForeignServer,
        true,
    ),
];

#[tokio::test]
async fn each_flaw_is_found_and_names_nobody_else() {
    for major in majors() {
        // A server of its own: what is planted here is a flaw of its neighbours too.
        let server = Server::start(major).await.unwrap();
        let world = World::on(&server).await;
        let (acme, other) = (world.make("a").await, world.make("b").await);
        let identity = acme.identity();
        let client = world.enter_database(&acme).await;
        let clean = judged(&client, &identity).await;
        assert!(clean.may_serve(), "{:#?}", clean.findings);
        let inside = world.admin_of(acme.name().as_str()).await.unwrap();
        let fill = |sql: &str| {
            sql.replace("{login}", &acme.login().quoted())
                .replace("{database}", &acme.name().quoted())
                .replace("{other}", &other.login().quoted())
                .replace("{other_database}", &other.name().quoted())
                .replace("{owner}", &world.roles.table_owner().quoted())
        };
        for (plant, mend, code, cheap) in FLAWS {
            let before = judged(&client, &identity).await.fingerprint;
            inside.batch_execute(&fill(plant)).await.unwrap();
            let judgement = judged(&client, &identity).await;
            assert!(
                holes(&judgement).contains(code),
                "{plant}: {:#?}",
                judgement.findings
            );
            assert_eq!(judgement.fingerprint != before, *cheap, "{plant}");
            let said = format!("{:?}", judgement.findings);
            for name in [other.login().as_str(), other.name().as_str(), "tenant b"] {
                assert!(!said.contains(name), "{plant}: {said}");
            }
            inside.batch_execute(&fill(mend)).await.unwrap();
            let mended = judged(&client, &identity).await;
            assert!(holes(&mended).is_empty(), "{mend}: {:#?}", mended.findings);
        }
        // Expected by name, it is none.
        inside
            .batch_execute(&fill("ALTER ROLE {login} SET statement_timeout = '5s'"))
            .await
            .unwrap();
        let expecting = identity.clone().expect_role_setting("statement_timeout=5s");
        assert!(judged(&client, &expecting).await.may_serve());
        inside
            .batch_execute(&fill("ALTER ROLE {login} RESET statement_timeout"))
            .await
            .unwrap();

        where_a_connection_leads(&world).await;
        world.unmake(&acme).await;
        world.unmake(&other).await;
    }
}

/// Connections that a wrong placement, a pooler or a careless pool would make.
async fn where_a_connection_leads(world: &World) {
    let (acme, other) = (world.tenant_database("a"), world.tenant_database("b"));
    let options = acme.startup_options();
    // Another tenant's database, with that tenant's login.
    let client = world.enter_database(&other).await;
    let found = holes(&judged(&client, &acme.identity()).await);
    assert!(
        found.contains(&Code::Identity) && found.contains(&Code::Mark),
        "{found:?}"
    );
    // The right database, with the path that the server gives by itself.
    let (login, name) = (acme.login().as_str(), acme.name().as_str());
    let client = world.open(login, PASSWORD, name, &[]).await.unwrap();
    assert_eq!(
        holes(&judged(&client, &acme.identity()).await),
        [Code::SearchPath]
    );
    // As an administrator.
    let client = world.admin_of(name).await.unwrap();
    let found = holes(&judged(&client, &acme.identity()).await);
    assert!(
        found.contains(&Code::Identity) && found.contains(&Code::RoleAttribute),
        "{found:?}"
    );
    // Acting as another role.
    let client = world.enter_database(&acme).await;
    let role = format!(
        "GRANT {0} TO {1}; ALTER ROLE {1} SET role = {0}",
        other.login().quoted(),
        acme.login().quoted()
    );
    world.admin.batch_execute(&role).await.unwrap();
    let careless = options
        .iter()
        .filter(|(name, _)| *name != "role")
        .cloned()
        .collect::<Vec<_>>();
    let acting = world.open(login, PASSWORD, name, &careless).await.unwrap();
    let found = holes(&judged(&acting, &acme.identity()).await);
    assert!(found.contains(&Code::Identity), "{found:?}");
    let role = format!(
        "REVOKE {0} FROM {1}; ALTER ROLE {1} RESET role",
        other.login().quoted(),
        acme.login().quoted()
    );
    world.admin.batch_execute(&role).await.unwrap();
    drop((acting, client));

    // A clone has no mark, and neither has one that took the place of a renamed one.
    let clone = world.named("clone");
    for _ in 0..500 {
        let busy = format!(
            "SELECT count(*) FROM (SELECT pid FROM pg_stat_activity WHERE datname = '{name}' OFFSET 0) AS s WHERE pg_terminate_backend(pid)"
        );
        if text(&world.admin, &busy).await.unwrap() == "0" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    world
        .admin
        .batch_execute(&format!("CREATE DATABASE {clone} TEMPLATE {name}"))
        .await
        .unwrap();
    for sql in [
        format!("ALTER DATABASE {name} RENAME TO {name}_old"),
        format!("ALTER DATABASE {clone} RENAME TO {name}"),
        format!(
            "GRANT CONNECT ON DATABASE {name} TO {}",
            acme.login().quoted()
        ),
    ] {
        world.admin.batch_execute(&sql).await.unwrap();
    }
    let client = world.enter_database(&acme).await;
    let found = holes(&judged(&client, &acme.identity()).await);
    assert!(found.contains(&Code::Mark), "{found:?}");
    drop(client);
    for sql in [
        format!("DROP DATABASE {name} WITH (FORCE)"),
        format!("ALTER DATABASE {name}_old RENAME TO {name}"),
    ] {
        world.admin.batch_execute(&sql).await.unwrap();
    }
    let client = world.enter_database(&acme).await;
    assert!(judged(&client, &acme.identity()).await.may_serve());
    run(&world.admin, acme.create(world.roles.table_owner())).await;
}
