//! Making schemas, and dropping them: nothing is ever taken over.

use tenancy_postgres::plan::Plan;
use tenancy_postgres::schema::{SchemaAccess, TenantSchema};
use tokio_postgres::Client;

use super::town::{Town, in_every_town};
use crate::support::{refused, run, text};
use crate::tenants::id;

fn schema(tenant: &str, name: &str) -> TenantSchema {
    TenantSchema::new(&id(tenant), name.parse().unwrap()).unwrap()
}

/// The code that a plan stops with.
async fn stopped(client: &Client, plan: Plan) -> String {
    for step in plan {
        if let Err(error) = client.batch_execute(step.sql()).await {
            return error.code().unwrap().code().to_owned();
        }
    }
    panic!("the plan was not stopped");
}

#[tokio::test]
async fn a_plan_may_run_twice() {
    in_every_town(async |town| {
        let owner = town.world.owner();
        for _ in 0..2 {
            run(town.admin(), town.a.schema.create(&owner, &town.a.access())).await;
            run(town.admin(), town.a.schema.grant(&owner, &town.a.access())).await;
        }
        let client = town.at(&town.a).await;
        assert_eq!(
            text(&client, "SELECT count(*) FROM notes").await.unwrap(),
            "2"
        );
    })
    .await;
}

#[tokio::test]
async fn what_the_owner_makes_later_is_granted_and_ddl_is_not() {
    in_every_town(async |town| {
        town.admin()
            .batch_execute(&format!(
                "SET ROLE {}; CREATE TABLE a.later (id bigserial, title text); RESET ROLE",
                town.world.owner().quoted()
            ))
            .await
            .unwrap();
        let client = town.at(&town.a).await;
        client
            .batch_execute(
                "INSERT INTO later (title) VALUES ('x'); UPDATE later SET title = 'y'; SELECT * FROM later; \
                 SELECT nextval('numbers'); SELECT whose(); SELECT * FROM titles; DELETE FROM later",
            )
            .await
            .unwrap();
        for sql in [
            "TRUNCATE later",
            "DROP TABLE later",
            "ALTER TABLE later ADD COLUMN more text",
            "CREATE INDEX ON later (title)",
            "CREATE TABLE mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "COMMENT ON SCHEMA a IS 'tenancy: tenant b'",
            "ALTER SCHEMA a RENAME TO c",
            "SELECT setval('numbers', 1)",
        ] {
            let code = refused(&client, sql).await;
            assert!(code == "42501", "{sql}: {code}");
        }
        // Warns, and does nothing.
        client
            .batch_execute("GRANT SELECT ON later TO PUBLIC")
            .await
            .unwrap();
        let granted = "SELECT has_table_privilege('{}', 'a.later', 'SELECT')"
            .replace("{}", town.b.login.name().as_str());
        assert_eq!(text(town.admin(), &granted).await.unwrap(), "f");
    })
    .await;
}

#[tokio::test]
async fn a_schema_that_is_there_and_not_the_tenants_is_never_adopted() {
    in_every_town(async |town| {
        let (owner, runtime) = (town.world.owner(), town.world.routed());
        let admin = town.admin();
        admin
            .batch_execute(&format!(
                "CREATE SCHEMA unmarked AUTHORIZATION {0}; \
                 CREATE SCHEMA described AUTHORIZATION {0}; COMMENT ON SCHEMA described IS 'of tenant c'; \
                 CREATE SCHEMA of_another; COMMENT ON SCHEMA of_another IS 'tenancy: tenant c'",
                owner.quoted()
            ))
            .await
            .unwrap();
        for name in ["unmarked", "described", "of_another", "b"] {
            let schema = schema("c", name);
            assert_eq!(stopped(admin, schema.create(&owner, &runtime)).await, "TN010", "{name}");
        }
        // Nor granted nor dropped.
        for name in ["unmarked", "described", "b", "missing"] {
            let schema = schema("c", name);
            assert_eq!(stopped(admin, schema.grant(&owner, &runtime)).await, "TN010", "{name}");
        }
        for name in ["unmarked", "described", "b"] {
            let schema = schema("c", name);
            assert_eq!(stopped(admin, schema.drop_plan()).await, "TN010", "{name}");
        }
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('unmarked', 'described', 'of_another', 'b') \
                    AND NOT (nspname <> 'b' AND has_schema_privilege('{}', oid, 'USAGE'))";
        let left = left.replace("{}", town.world.database.runtime_role());
        assert_eq!(text(admin, &left).await.unwrap(), "4");
        assert_eq!(text(admin, "SELECT count(*) FROM b.notes").await.unwrap(), "2");
    })
    .await;
}

#[tokio::test]
async fn another_tenants_login_gets_nothing_and_a_tenants_login_is_shared_by_nobody() {
    in_every_town(async |town| {
        let (owner, admin) = (town.world.owner(), town.admin());
        let of_b = SchemaAccess::Routed {
            runtime: town.b.login.name().clone(),
        };
        let c = schema("c", "c");
        for (schema, access) in [
            (&town.a.schema, town.b.access()),
            (&town.a.schema, of_b.clone()),
            (&c, town.b.access()),
            (&c, of_b),
        ] {
            assert_eq!(
                stopped(admin, schema.create(&owner, &access)).await,
                "TN010"
            );
            assert_eq!(stopped(admin, schema.grant(&owner, &access)).await, "TN010");
        }
        let has = format!(
            "SELECT has_schema_privilege('{}', 'a', 'USAGE'), to_regnamespace('c')",
            town.b.login.name()
        );
        assert_eq!(text(admin, &has).await.unwrap(), "f");
        assert_eq!(
            text(
                admin,
                "SELECT count(*) FROM pg_namespace WHERE nspname = 'c'"
            )
            .await
            .unwrap(),
            "0"
        );
    })
    .await;
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_can_do_it_too() {
    in_every_town(async |town| {
        // The database's owner, who is the tables' owner as well.
        let admin = town
            .world
            .database
            .connect(&town.world.database.owner_url())
            .await
            .unwrap();
        let schema = schema("c", "c");
        run(
            &admin,
            schema.create(&town.world.owner(), &town.world.routed()),
        )
        .await;
        admin
            .batch_execute("CREATE TABLE c.notes (id int)")
            .await
            .unwrap();
        run(&admin, schema.drop_plan()).await;
        run(&admin, schema.drop_plan()).await;
    })
    .await;
}

async fn plant(town: &Town, sql: &str) {
    town.admin().batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_drop_reaches_into_no_other_schema() {
    in_every_town(async |town| {
        for (what, remove) in [
            (
                "CREATE VIEW b.of_a AS SELECT * FROM a.notes",
                "DROP VIEW b.of_a",
            ),
            (
                "CREATE TABLE b.more (id bigint REFERENCES a.notes)",
                "DROP TABLE b.more",
            ),
            (
                "CREATE TABLE b.more (id bigint DEFAULT nextval('a.numbers'))",
                "DROP TABLE b.more",
            ),
            (
                "CREATE TYPE a.mood AS ENUM ('x'); CREATE TABLE b.more (m a.mood)",
                "DROP TABLE b.more; DROP TYPE a.mood",
            ),
            (
                "CREATE TABLE b.more (id bigint) INHERITS (a.notes)",
                "DROP TABLE b.more",
            ),
        ] {
            plant(town, what).await;
            assert_eq!(
                stopped(town.admin(), town.a.schema.drop_plan()).await,
                "TN010",
                "{what}"
            );
            plant(town, remove).await;
        }
        run(town.admin(), town.a.schema.drop_plan()).await;
        assert_eq!(
            text(town.admin(), "SELECT count(*) FROM b.notes")
                .await
                .unwrap(),
            "2"
        );
    })
    .await;
}
