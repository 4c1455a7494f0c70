//! Installing twice, at once, under odd names, and without a superuser.

use tenancy_postgres::ident::{Identifier, TableName};
use tenancy_postgres::install::{Install, Roles};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Code, Expectations};
use tenancy_postgres::wall::{SharedTable, Wall};
use tenancy_testkit::postgres::{Server, majors};

use crate::support::{World, key, on_every_major, refused, run, text};
use crate::verify::look;

#[tokio::test]
async fn twice_is_once() {
    on_every_major(async |world| {
        let install = Install::new(world.roles.clone(), world.key.clone());
        run(&world.admin, install.plan()).await;
        run(
            &world.admin,
            Install::without_key(world.roles.clone()).plan(),
        )
        .await;
        for table in ["seal_key", "runtime_role", "installed"] {
            let count = text(
                &world.admin,
                &format!("SELECT count(*) FROM tenancy.{table}"),
            )
            .await;
            assert_eq!(count.unwrap(), "1", "{table}");
        }
        let wall = Wall::new(
            "notes".parse().unwrap(),
            "tenant_id".parse().unwrap(),
            TenantKind::Text,
        );
        run(&world.admin, wall.unwrap().plan(&world.roles)).await;
        let findings = look(&world.admin, &Expectations::new(world.roles.clone())).await;
        assert!(findings.is_empty(), "{findings:#?}");
    })
    .await;
}

#[tokio::test]
async fn racing_installs_of_one_database() {
    for major in majors() {
        let world = World::bare(major).await;
        let install = Install::new(world.roles.clone(), world.key.clone());
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(world.database.admin().await.unwrap());
        }
        let [a, b, c, d] = &clients[..] else {
            unreachable!()
        };
        tokio::join!(
            run(a, install.plan()),
            run(b, install.plan()),
            run(c, install.plan()),
            run(d, install.plan())
        );
        assert_eq!(
            text(a, "SELECT count(*) FROM tenancy.seal_key")
                .await
                .unwrap(),
            "1"
        );
        let findings = look(a, &Expectations::new(world.roles.clone())).await;
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[tokio::test]
async fn a_later_version_is_left_alone() {
    on_every_major(async |world| {
        world
            .admin
            .batch_execute("UPDATE tenancy.installed SET version = 99")
            .await
            .unwrap();
        let plan = Install::new(world.roles.clone(), world.key.clone()).plan();
        let mut codes = Vec::new();
        for step in plan.steps() {
            if let Err(error) = world.admin.batch_execute(step.sql()).await {
                codes.push((step.name(), error.code().unwrap().code().to_owned()));
            }
        }
        let refused = |name| (name, "P0001".to_owned());
        assert_eq!(codes, [refused("tables"), refused("functions")]);
        let version = text(&world.admin, "SELECT version FROM tenancy.installed")
            .await
            .unwrap();
        assert_eq!(version, "99");
    })
    .await;
}

#[tokio::test]
async fn odd_names_are_names_and_nothing_more() {
    for major in majors() {
        let world = World::bare(major).await;
        let odd = |what: &str| {
            format!(
                "{} '\"; DROP TABLE t; -- \\ {what} é",
                world.database.name()
            )
        };
        let (runtime, central, owner) = (odd("r"), odd("c"), odd("o"));
        let named = |name: &str| Identifier::new(name).unwrap();
        let roles = Roles::new(named(&runtime), named(&central), named(&owner)).unwrap();
        run(&world.admin, Install::new(roles.clone(), key(1)).plan()).await;

        let table = TableName::new("Ünï \"co'de", "or\\der; --").unwrap();
        let column = named("select \"x'");
        world
            .admin
            .batch_execute(&format!(
                "CREATE SCHEMA {}; CREATE TABLE {table} ({column} text NOT NULL, \"order\" uuid NOT NULL); \
                 CREATE TABLE {}.keyword (\"order\" uuid NOT NULL)",
                table.schema().quoted(),
                table.schema().quoted(),
                table = table.quoted(),
                column = column.quoted(),
            ))
            .await
            .unwrap();
        let keyword = TableName::new(table.schema().as_str(), "keyword").unwrap();
        let wall = Wall::new(table, column, TenantKind::Text)
            .unwrap()
            .plan(&roles);
        let other = Wall::new(keyword, named("order"), TenantKind::Uuid)
            .unwrap()
            .plan(&roles);
        run(&world.admin, wall.then(other)).await;
        let expectations = Expectations::new(roles.clone());
        let findings = look(&world.admin, &expectations).await;
        assert!(findings.is_empty(), "{findings:#?}");
        for role in [roles.runtime(), roles.central(), roles.table_owner()] {
            let role = role.quoted();
            world
                .admin
                .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_role_that_owns_the_database_installs_without_a_superuser() {
    for major in majors() {
        // Who belongs to tenancy_owner shows in every database of a server.
        let server = Server::start(major).await.unwrap();
        let world = World::on(&server).await;
        // The role of the seal may have been made by another installer of this server.
        run(
            &world.admin,
            Install::new(world.roles.clone(), world.key.clone()).plan(),
        )
        .await;
        let owner = world.roles.table_owner().quoted();
        world
            .admin
            .batch_execute(&format!(
                "DROP SCHEMA tenancy CASCADE; DROP EVENT TRIGGER IF EXISTS tenancy_no_ddl; \
                 ALTER ROLE {owner} CREATEROLE; GRANT tenancy_owner TO {owner}; \
                 GRANT EXECUTE ON FUNCTION pg_terminate_backend(int, bigint) TO PUBLIC; \
                 GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC"
            ))
            .await
            .unwrap();
        let installer = world
            .database
            .connect(&world.database.owner_url())
            .await
            .unwrap();
        for step in Install::new(world.roles.clone(), world.key.clone()).plan() {
            let done = installer.batch_execute(step.sql()).await;
            assert!(
                done.is_ok() || step.is_optional(),
                "{}: {done:?}",
                step.name()
            );
            if let Some(holds) = step.holds_sql() {
                let holds = installer
                    .query_one(holds, &[])
                    .await
                    .unwrap()
                    .get::<_, bool>(0);
                assert!(holds || step.is_optional(), "{}", step.name());
                // What only seemed to be done is told apart.
                let refused = ["event trigger", "neighbours", "language"].contains(&step.name());
                assert_ne!(holds, refused, "{}", step.name());
            }
        }
        installer
            .batch_execute(
                "CREATE TABLE notes (tenant_id text, id bigint, PRIMARY KEY (tenant_id, id))",
            )
            .await
            .unwrap();
        let wall = Wall::new(
            "notes".parse().unwrap(),
            "tenant_id".parse().unwrap(),
            TenantKind::Text,
        );
        run(&installer, wall.unwrap().plan(&world.roles)).await;

        let client = world.runtime().await;
        world.enter(&client, "a").await;
        assert_eq!(
            text(
                &client,
                "INSERT INTO notes (id) VALUES (1) RETURNING tenant_id"
            )
            .await
            .unwrap(),
            "a"
        );
        let findings = look(&client, &Expectations::new(world.roles.clone())).await;
        assert!(
            findings.iter().all(|finding| !finding.is_hole()),
            "{findings:#?}"
        );
        for code in [
            Code::EventTrigger,
            Code::NeighbourFunction,
            Code::LanguagePrivilege,
            Code::SealMembership,
        ] {
            assert!(
                findings.iter().any(|finding| finding.code == code),
                "{code}: {findings:#?}"
            );
        }
    }
}

#[tokio::test]
async fn a_shared_table_is_declared_and_read_by_all() {
    on_every_major(async |world| {
        world
            .admin
            .batch_execute("CREATE TABLE countries (code text); INSERT INTO countries VALUES ('at'); CREATE TABLE chat (said text)")
            .await
            .unwrap();
        let read = SharedTable::read_only("countries".parse().unwrap()).unwrap();
        let write = SharedTable::writable("chat".parse().unwrap()).unwrap();
        run(&world.admin, read.plan(&world.roles).then(write.plan(&world.roles))).await;
        let client = world.runtime().await;
        assert_eq!(text(&client, "SELECT code FROM countries").await.unwrap(), "at");
        assert_eq!(refused(&client, "DELETE FROM countries").await, "42501");
        client.batch_execute("INSERT INTO chat VALUES ('hello')").await.unwrap();
        let findings = look(&client, &Expectations::new(world.roles.clone())).await;
        assert!(findings.is_empty(), "{findings:#?}");
        for reserved in ["tenancy.seal_key", "pg_catalog.pg_class", "information_schema.tables"] {
            assert!(SharedTable::read_only(reserved.parse().unwrap()).is_err());
            assert!(Wall::new(reserved.parse().unwrap(), "x".parse().unwrap(), TenantKind::Text).is_err());
        }
    })
    .await;
}
