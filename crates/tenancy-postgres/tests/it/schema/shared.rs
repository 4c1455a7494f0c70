//! What stands in a schema that tenants share, or reaches from one tenant's schema into
//! another's, lends its owner's rights: each is shown to leak, and found.

use tenancy_postgres::schema::TenantSchema;
use tenancy_postgres::verify::Code;
use tokio_postgres::Client;

use super::town::{Town, in_every_town};
use crate::support::{refused, run, text};
use crate::tenants::{PASSWORD, holes, judged};

/// What makes a flaw, what the login of `a` then runs, what it learns by it, and how that is found.
const FLAWS: &[(&str, &str, &str, Code)] = &[
    (
        "CREATE VIEW common.everyone AS SELECT title FROM b.notes; GRANT SELECT ON common.everyone TO PUBLIC",
        "SELECT min(title) FROM everyone",
        "b1",
        Code::CrossSchema,
    ),
    (
        "CREATE VIEW common.inner_view AS SELECT title FROM b.notes; CREATE VIEW common.everyone AS SELECT * FROM common.inner_view; \
         GRANT SELECT ON common.everyone TO PUBLIC",
        "SELECT min(title) FROM everyone",
        "b1",
        Code::CrossSchema,
    ),
    (
        "CREATE MATERIALIZED VIEW common.everyone AS SELECT title FROM b.notes; GRANT SELECT ON common.everyone TO PUBLIC",
        "SELECT min(title) FROM everyone",
        "b1",
        Code::CrossSchema,
    ),
    (
        "CREATE FUNCTION common.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT min(title) FROM b.notes'",
        "SELECT peek()",
        "b1",
        Code::DefinerFunction,
    ),
    (
        "CREATE TABLE common.everyone (tenant text, title text) PARTITION BY LIST (tenant); \
         CREATE TABLE b.part PARTITION OF common.everyone FOR VALUES IN ('b'); \
         INSERT INTO b.part VALUES ('b', 'b1'); GRANT SELECT ON common.everyone TO PUBLIC",
        "SELECT title FROM everyone",
        "b1",
        Code::CrossSchema,
    ),
    (
        "CREATE TABLE b.child () INHERITS (a.notes); INSERT INTO b.child VALUES (9, 'of b')",
        "SELECT max(title) FROM notes",
        "of b",
        Code::CrossSchema,
    ),
    (
        "CREATE TABLE b.child (note bigint REFERENCES a.notes); INSERT INTO b.child VALUES (1)",
        "DELETE FROM notes WHERE id = 1",
        "23503",
        Code::CrossSchema,
    ),
    (
        "CREATE TABLE common.list (title text); GRANT INSERT, SELECT ON common.list TO PUBLIC",
        "INSERT INTO list VALUES ('mine') RETURNING title",
        "mine",
        Code::SharedWrite,
    ),
];

/// One text, or the code of the error. Nothing is kept.
async fn said(client: &Client, sql: &str) -> String {
    let said = text(client, &format!("BEGIN; {sql}")).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    said.unwrap_or_else(|error| error.code().unwrap().code().to_owned())
}

async fn shared(town: &Town) -> TenantSchema {
    let owner = town.world.owner();
    town.admin()
        .batch_execute(&format!(
            "CREATE SCHEMA common AUTHORIZATION {0}; SET ROLE {0}; \
             CREATE TABLE common.countries AS SELECT 'nl' AS title; \
             CREATE VIEW common.all_countries AS SELECT * FROM common.countries; \
             CREATE FUNCTION common.half(int) RETURNS int LANGUAGE sql AS 'SELECT $1 / 2'; \
             GRANT SELECT ON ALL TABLES IN SCHEMA common TO PUBLIC; RESET ROLE",
            owner.quoted()
        ))
        .await
        .unwrap();
    let schema = town
        .a
        .schema
        .clone()
        .with_shared("common".parse().unwrap())
        .unwrap();
    run(town.admin(), schema.grant(&owner, &town.a.access())).await;
    schema
}

#[tokio::test]
async fn what_leads_from_one_tenant_to_another_is_found() {
    in_every_town(async |town| {
        let schema = shared(town).await;
        let login = town.a.login.name();
        let owner = town.world.owner().quoted();
        for (flaw, attack, learnt, code) in FLAWS {
            let options = schema.startup_options();
            let client = town.connect(login.as_str(), PASSWORD, &options).await;
            let sound = judged(&client, &schema.identity(login)).await;
            assert_eq!(sound.findings, [], "before {flaw}");
            assert_ne!(said(&client, attack).await, *learnt, "{attack}");

            town.admin()
                .batch_execute(&format!("SET ROLE {owner}; {flaw}; RESET ROLE"))
                .await
                .unwrap();
            assert_eq!(said(&client, attack).await, *learnt, "{attack}");
            let judgement = judged(&client, &schema.identity(login)).await;
            assert!(holes(&judgement).contains(code), "{flaw}: {judgement:#?}");
            town.admin()
                .batch_execute(
                    "DROP VIEW IF EXISTS common.inner_view CASCADE; DROP TABLE IF EXISTS b.part, b.child, common.list; \
                     DROP FUNCTION IF EXISTS common.peek(); \
                     DO $$ DECLARE kind \"char\"; BEGIN \
                     SELECT relkind INTO kind FROM pg_class WHERE oid = to_regclass('common.everyone'); \
                     IF kind IS NOT NULL THEN EXECUTE 'DROP ' || \
                     CASE kind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END || ' common.everyone'; END IF; END $$",
                )
                .await
                .unwrap();
        }
        // A function that nobody may call lends nobody anything.
        town.admin()
            .batch_execute(
                "CREATE FUNCTION common.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT min(title) FROM b.notes'; \
                 REVOKE EXECUTE ON FUNCTION common.peek() FROM PUBLIC",
            )
            .await
            .unwrap();
        let options = schema.startup_options();
        let client = town.connect(login.as_str(), PASSWORD, &options).await;
        assert_eq!(refused(&client, "SELECT peek()").await, "42501");
        assert_eq!(judged(&client, &schema.identity(login)).await.findings, []);
    })
    .await;
}
