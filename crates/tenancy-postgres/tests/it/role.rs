//! One tenant's login.

use tenancy_postgres::Error;
use tenancy_postgres::role::TenantRole;

use crate::support::{on_every_major, refused, run, text};
use crate::tenants::{PASSWORD, id, password};

#[test]
fn reserved_names_are_refused() {
    for name in [
        "postgres",
        "PUBLIC",
        "none",
        "pg_monitor",
        "PG_monitor",
        "tenancy_owner",
        "session_user",
    ] {
        let role = TenantRole::new(&id("a"), name.parse().unwrap());
        assert_eq!(role, Err(Error::ReservedRole), "{name}");
    }
    let role = TenantRole::new(&id("a"), "a".parse().unwrap()).unwrap();
    for password in ["", "with a \0"] {
        let password = password.to_owned().into();
        assert_eq!(role.create(&password).unwrap_err(), Error::Password);
        assert_eq!(role.set_password(&password).unwrap_err(), Error::Password);
    }
}

#[test]
fn a_plan_shows_no_password() {
    let role = TenantRole::new(&id("a"), "a".parse().unwrap()).unwrap();
    let plan = role.create(&password()).unwrap();
    assert!(plan.steps()[0].is_secret());
    assert!(!plan.steps()[0].sql().contains(PASSWORD));
    assert!(!format!("{plan:?}").contains("SCRAM"));
}

#[tokio::test]
async fn a_login_is_a_login_and_nothing_else() {
    on_every_major(async |world| {
        let role = world.login("a").await;
        let name = role.name().as_str();
        let base = world.database.name().to_owned();
        let client = world.open(name, PASSWORD, &base, &[]).await.unwrap();
        assert_eq!(
            text(&client, "SELECT session_user").await.unwrap(),
            name,
            "the verifier is the password's"
        );
        assert!(world.open(name, "another", &base, &[]).await.is_err());

        // Again, and with another password: what is open stays, what is new needs it.
        run(
            &world.admin,
            role.create(&"second".to_owned().into()).unwrap(),
        )
        .await;
        assert!(world.open(name, PASSWORD, &base, &[]).await.is_err());
        run(
            &world.admin,
            role.set_password(&"third".to_owned().into()).unwrap(),
        )
        .await;
        world.open(name, "third", &base, &[]).await.unwrap();
        assert_eq!(text(&client, "SELECT 1").await.unwrap(), "1");

        for sql in [
            "CREATE ROLE mine",
            "CREATE DATABASE mine",
            "CREATE SCHEMA mine",
            "SET ROLE tenancy_owner",
            "SET SESSION AUTHORIZATION tenancy_owner",
            &format!("ALTER ROLE {name} BYPASSRLS"),
            &format!("ALTER ROLE {name} SUPERUSER"),
            &format!("ALTER ROLE {name} CREATEROLE"),
            &format!("COMMENT ON ROLE {name} IS 'tenancy: tenant b'"),
            "GRANT pg_read_all_data TO CURRENT_USER",
        ] {
            assert_eq!(refused(&client, sql).await, "42501", "{sql}");
        }
        drop(client);
        run(&world.admin, role.drop_plan()).await;
    })
    .await;
}

#[tokio::test]
async fn the_servers_limit_of_connections_holds() {
    on_every_major(async |world| {
        let role = world.login("a").await.connection_limit(1);
        run(&world.admin, role.create(&password()).unwrap()).await;
        let (name, base) = (role.name().as_str(), world.database.name());
        let held = world.open(name, PASSWORD, base, &[]).await.unwrap();
        let error = world.open(name, PASSWORD, base, &[]).await.err().unwrap();
        assert_eq!(error.code().unwrap().code(), "53300");
        drop(held);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_taken_over_or_dropped_that_is_not_the_tenants() {
    on_every_major(async |world| {
        let role = world.login("a").await;
        let name = role.name().clone();
        let thief = TenantRole::new(&id("b"), name.clone()).unwrap();
        for plan in [
            thief.create(&password()).unwrap(),
            thief.set_password(&password()).unwrap(),
            thief.drop_plan(),
        ] {
            assert_eq!(refused(&world.admin, plan.steps()[0].sql()).await, "TN010");
        }
        // An application's own role has no mark.
        let central = TenantRole::new(&id("b"), world.roles.central().clone()).unwrap();
        let plan = central.create(&password()).unwrap();
        assert_eq!(refused(&world.admin, plan.steps()[0].sql()).await, "TN010");

        // One that owns something is not dropped with it.
        world
            .admin
            .batch_execute(&format!(
                "CREATE TABLE owned (id int); ALTER TABLE owned OWNER TO {name}"
            ))
            .await
            .unwrap();
        assert_eq!(
            refused(&world.admin, role.drop_plan().steps()[0].sql()).await,
            "TN010"
        );
        assert_eq!(
            text(&world.admin, "SELECT to_regclass('owned')")
                .await
                .unwrap(),
            "owned"
        );
        world
            .admin
            .batch_execute("ALTER TABLE owned OWNER TO CURRENT_USER")
            .await
            .unwrap();
        run(&world.admin, role.drop_plan()).await;
        run(&world.admin, role.drop_plan()).await;
    })
    .await;
}
