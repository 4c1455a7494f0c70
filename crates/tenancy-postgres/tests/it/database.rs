//! A database for each tenant.

mod attacks;
mod identity;
mod race;

use tenancy_postgres::Error;
use tenancy_postgres::database::TenantDatabase;
use tokio_postgres::Client;

use crate::support::{World, on_every_major, refused, run, text};
use crate::tenants::{PASSWORD, holes, id, judged, password};

impl World {
    fn tenant_database(&self, tenant: &str) -> TenantDatabase {
        TenantDatabase::new(
            &id(tenant),
            self.named(&format!("db_{tenant}")).parse().unwrap(),
            self.named(&format!("dblogin_{tenant}")).parse().unwrap(),
        )
        .unwrap()
    }

    /// A connection of an administrator to another database.
    async fn admin_of(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let config: tokio_postgres::Config = self.database.admin_url().parse().unwrap();
        let (user, password) = (
            config.get_user().unwrap_or("postgres").to_owned(),
            config.get_password().unwrap_or_default().to_owned(),
        );
        let password = String::from_utf8(password.clone()).unwrap();
        self.open(&user, &password, database, &[]).await
    }

    /// Login, database and inside, with a table that the owner makes afterwards.
    async fn make(&self, tenant: &str) -> TenantDatabase {
        let database = self.tenant_database(tenant);
        let owner = self.roles.table_owner();
        run(&self.admin, database.role().create(&password()).unwrap()).await;
        run(&self.admin, database.create(owner)).await;
        let inside = self.admin_of(database.name().as_str()).await.unwrap();
        run(&inside, database.open(owner)).await;
        inside
            .batch_execute(&format!(
                "SET ROLE {}; CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text); \
                 INSERT INTO notes (title) VALUES ('{tenant}1')",
                owner.quoted()
            ))
            .await
            .unwrap();
        database
    }

    async fn enter_database(&self, database: &TenantDatabase) -> Client {
        self.open(
            database.login().as_str(),
            PASSWORD,
            database.name().as_str(),
            &database.startup_options(),
        )
        .await
        .unwrap()
    }

    /// Waits until those who left a database are gone from it.
    async fn deserted(&self, database: &str) {
        let busy = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
        for _ in 0..500 {
            if text(&self.admin, &busy).await.unwrap() == "0" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("somebody stays in {database}");
    }

    async fn unmake(&self, database: &TenantDatabase) {
        run(&self.admin, database.drop_plan()).await;
        run(&self.admin, database.role().drop_plan()).await;
    }
}

#[test]
fn reserved_names_are_refused() {
    for name in [
        "template0",
        "TEMPLATE1",
        "Postgres",
        "rdsadmin",
        "pg_mine",
        "pgbouncer",
    ] {
        let database =
            TenantDatabase::new(&id("a"), name.parse().unwrap(), "tn_a".parse().unwrap());
        assert_eq!(database, Err(Error::ReservedDatabase), "{name}");
    }
    let login = TenantDatabase::new(&id("a"), "a".parse().unwrap(), "postgres".parse().unwrap());
    assert_eq!(login, Err(Error::ReservedRole));
    let database =
        TenantDatabase::new(&id("a"), "a".parse().unwrap(), "tn_a".parse().unwrap()).unwrap();
    for schema in ["pg_mine", "tenancy", "$user"] {
        let database = database.clone().in_schema(schema.parse().unwrap());
        assert!(
            matches!(database, Err(Error::ReservedTenantSchema { .. })),
            "{schema}"
        );
    }
}

#[tokio::test]
async fn a_tenants_database_is_made_and_serves() {
    on_every_major(async |world| {
        let acme = world.make("a").await;
        let client = world.enter_database(&acme).await;
        let judgement = judged(&client, &acme.identity()).await;
        assert!(judgement.may_serve(), "{:#?}", judgement.findings);
        assert_eq!(
            text(&client, "SELECT title FROM notes").await.unwrap(),
            "a1"
        );
        client
            .batch_execute("INSERT INTO notes (title) VALUES ('a2'); UPDATE notes SET title = 'a3' WHERE title = 'a2'; DELETE FROM notes WHERE title = 'a3'")
            .await
            .unwrap();
        assert_eq!(refused(&client, "TRUNCATE notes").await, "42501");

        // All of it again changes nothing.
        let owner = world.roles.table_owner();
        run(&world.admin, acme.create(owner)).await;
        let inside = world.admin_of(acme.name().as_str()).await.unwrap();
        run(&inside, acme.open(owner)).await;
        let again = judged(&client, &acme.identity()).await;
        assert!(again.may_serve(), "{:#?}", again.findings);
        assert_eq!(again.fingerprint, judgement.fingerprint);
        assert_eq!(
            text(&client, "SELECT title FROM notes").await.unwrap(),
            "a1"
        );
        drop((client, inside));
        world.unmake(&acme).await;
        world.unmake(&acme).await;
    })
    .await;
}

#[tokio::test]
async fn the_tables_may_lie_in_a_schema_of_their_own_and_come_from_a_template() {
    on_every_major(async |world| {
        let template = world.named("template");
        let owner = world.roles.table_owner();
        let quoted = owner.quoted();
        world
            .admin
            .batch_execute(&format!("CREATE DATABASE {template} OWNER {quoted}"))
            .await
            .unwrap();
        {
            let inside = world.admin_of(&template).await.unwrap();
            inside
                .batch_execute(&format!(
                    "CREATE SCHEMA \"App's \"\"own\"\"\" AUTHORIZATION {quoted}; SET ROLE {quoted}; \
                     CREATE TABLE \"App's \"\"own\"\"\".notes (title text)"
                ))
                .await
                .unwrap();
        }
        let acme = world
            .tenant_database("tpl")
            .in_schema("App's \"own\"".parse().unwrap())
            .unwrap()
            .from_template(template.parse().unwrap());
        run(&world.admin, acme.role().create(&password()).unwrap()).await;
        world.deserted(&template).await;
        run(&world.admin, acme.create(owner)).await;
        let inside = world.admin_of(acme.name().as_str()).await.unwrap();
        run(&inside, acme.open(owner)).await;
        let client = world.enter_database(&acme).await;
        let judgement = judged(&client, &acme.identity()).await;
        assert!(judgement.may_serve(), "{:#?}", judgement.findings);
        client
            .batch_execute("INSERT INTO notes VALUES ('a1')")
            .await
            .unwrap();
        drop((client, inside));
        world.unmake(&acme).await;
        world
            .admin
            .batch_execute(&format!("DROP DATABASE {template} WITH (FORCE)"))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_half_made_database_is_entered_by_nobody_and_finished_later() {
    on_every_major(async |world| {
        let acme = world.tenant_database("half");
        let owner = world.roles.table_owner();
        run(&world.admin, acme.role().create(&password()).unwrap()).await;
        let plan = acme.create(owner);
        world
            .admin
            .batch_execute(plan.steps()[0].sql())
            .await
            .unwrap();
        let closed = world.admin_of(acme.name().as_str()).await.err().unwrap();
        assert_eq!(
            closed.code().unwrap().code(),
            "55000",
            "not even a superuser"
        );
        run(&world.admin, plan).await;
        assert!(world.admin_of(acme.name().as_str()).await.is_ok());
        world.unmake(&acme).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_adopted_and_nothing_foreign_dropped() {
    on_every_major(async |world| {
        let acme = world.tenant_database("a");
        let (name, owner) = (acme.name().quoted(), world.roles.table_owner());
        run(&world.admin, acme.role().create(&password()).unwrap()).await;
        let made = format!("CREATE DATABASE {name} OWNER {}", owner.quoted());
        world.admin.batch_execute(&made).await.unwrap();
        let is_refused = async |what: &str| {
            let (create, drop) = (acme.create(owner), acme.drop_plan());
            assert_eq!(
                refused(&world.admin, create.steps()[1].sql()).await,
                "TN010",
                "{what}"
            );
            if what != "another owner's" {
                assert_eq!(
                    refused(&world.admin, drop.steps()[0].sql()).await,
                    "TN010",
                    "{what}"
                );
            }
        };
        is_refused("unmarked").await;
        let mark = async |mark: &str| {
            let sql = format!("COMMENT ON DATABASE {name} IS {mark}");
            world.admin.batch_execute(&sql).await.unwrap();
        };
        for foreign in ["'tenancy: tenant b'", "'tenancy: tenant a '", "'a'", "''"] {
            mark(foreign).await;
            is_refused(foreign).await;
        }
        let inside = world.admin_of(acme.name().as_str()).await.unwrap();
        assert_eq!(
            refused(&inside, acme.open(owner).steps()[0].sql()).await,
            "TN010"
        );
        mark("'tenancy: tenant a'").await;
        assert_eq!(
            refused(&world.admin, acme.open(owner).steps()[0].sql()).await,
            "TN010",
            "in another database"
        );
        let sql = format!(
            "ALTER DATABASE {name} OWNER TO {}",
            world.roles.central().quoted()
        );
        world.admin.batch_execute(&sql).await.unwrap();
        is_refused("another owner's").await;

        // A login that is marked for another tenant gets no way in.
        let sql = format!("ALTER DATABASE {name} OWNER TO {}", owner.quoted());
        world.admin.batch_execute(&sql).await.unwrap();
        let other = world.login("b").await;
        let crossed =
            TenantDatabase::new(&id("a"), acme.name().clone(), other.name().clone()).unwrap();
        assert_eq!(
            refused(&world.admin, crossed.create(owner).steps()[1].sql()).await,
            "TN010"
        );
        drop(inside);
        world.unmake(&acme).await;
        run(&world.admin, other.drop_plan()).await;
    })
    .await;
}

#[tokio::test]
async fn dropping_ends_connections_and_takes_the_login_after_it() {
    on_every_major(async |world| {
        let acme = world.make("a").await;
        let client = world.enter_database(&acme).await;
        assert!(holes(&judged(&client, &acme.identity()).await).is_empty());
        // The login still has a grant on the database.
        world.unmake(&acme).await;
        assert!(client.simple_query("SELECT 1").await.is_err());
        let left = format!(
            "SELECT count(*) FROM pg_roles WHERE rolname = '{}'",
            acme.login()
        );
        assert_eq!(text(&world.admin, &left).await.unwrap(), "0");
    })
    .await;
}

#[tokio::test]
async fn who_is_no_superuser_makes_and_drops_it_too() {
    on_every_major(async |world| {
        let manager = world.named("manager");
        let owner = world.roles.table_owner();
        world
            .admin
            .batch_execute(&format!(
                "CREATE ROLE {manager} LOGIN CREATEROLE CREATEDB PASSWORD 'secret'; GRANT {} TO {manager}",
                owner.quoted()
            ))
            .await
            .unwrap();
        let acme = world.tenant_database("managed");
        let base = world.database.name();
        {
            let outside = world.open(&manager, "secret", base, &[]).await.unwrap();
            run(&outside, acme.role().create(&password()).unwrap()).await;
            run(&outside, acme.create(owner)).await;
            run(&outside, acme.create(owner)).await;
            let name = acme.name().as_str();
            let inside = world.open(&manager, "secret", name, &[]).await.unwrap();
            run(&inside, acme.open(owner)).await;
            run(&inside, acme.open(owner)).await;
            let client = world.enter_database(&acme).await;
            let judgement = judged(&client, &acme.identity()).await;
            assert!(judgement.may_serve(), "{:#?}", judgement.findings);
            drop((client, inside));
            world.deserted(name).await;
            run(&outside, acme.drop_plan()).await;
            run(&outside, acme.role().drop_plan()).await;
        }
        let sql = format!("DROP OWNED BY {manager}; DROP ROLE {manager}");
        world.admin.batch_execute(&sql).await.unwrap();
    })
    .await;
}
