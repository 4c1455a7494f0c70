//! Leading a shared connection to one tenant's schema, or to none.

use tenancy_postgres::Error;
use tenancy_postgres::schema::{BIND, RESTING_PATH, TenantSchema};
use tenancy_postgres::scrub::{Nonce, unscoped_scrub_sql};
use tenancy_postgres::seal::Binding;
use tokio_postgres::Client;

use super::town::{borrowed, in_every_town, last_row};
use crate::support::{refused, run, text};
use crate::tenants::id;

const TITLES: &str = "SELECT string_agg(title, ',' ORDER BY id) FROM notes";
const UNDEFINED_TABLE: &str = "42P01";

async fn bind(client: &Client, schema: &TenantSchema, how: Binding) -> Result<(), Error> {
    let row = last_row(client, &schema.bind_sql(how)).await;
    schema.judge_binding(&borrowed(&row))
}

#[tokio::test]
async fn for_a_transaction_it_ends_with_it() {
    in_every_town(async |town| {
        let client = town.shared().await;
        assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
        for (house, titles) in [(&town.a, "a1,a2"), (&town.b, "b1,b2")] {
            for end in ["COMMIT", "ROLLBACK"] {
                client.batch_execute("BEGIN").await.unwrap();
                bind(&client, &house.schema, Binding::Transaction)
                    .await
                    .unwrap();
                assert_eq!(text(&client, TITLES).await.unwrap(), titles);
                client.batch_execute(end).await.unwrap();
                assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn for_a_session_it_ends_with_the_scrub() {
    in_every_town(async |town| {
        let client = town.shared().await;
        bind(&client, &town.a.schema, Binding::Session)
            .await
            .unwrap();
        client.batch_execute("BEGIN; ROLLBACK").await.unwrap();
        assert_eq!(text(&client, TITLES).await.unwrap(), "a1,a2");
        client
            .batch_execute(&unscoped_scrub_sql(&Nonce::random().unwrap()))
            .await
            .unwrap();
        assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
        assert_eq!(
            text(&client, "SHOW search_path").await.unwrap(),
            RESTING_PATH
        );
    })
    .await;
}

/// A statement that was sent behind the binding, without waiting for its answer, finds nothing.
#[tokio::test]
async fn what_is_not_the_tenants_is_not_bound_to() {
    in_every_town(async |town| {
        let admin = town.admin();
        let client = town.shared().await;
        let cases = [
            ("nothing is there", "DROP SCHEMA c CASCADE"),
            ("made again, without a mark", "DROP SCHEMA c CASCADE; CREATE SCHEMA c"),
            ("the mark was taken off", "COMMENT ON SCHEMA c IS NULL"),
            ("marked for another", "COMMENT ON SCHEMA c IS 'tenancy: tenant d'"),
            ("another in its place", "ALTER SCHEMA c RENAME TO d; ALTER SCHEMA b RENAME TO c"),
            ("a mark that only starts so", "COMMENT ON SCHEMA c IS 'tenancy: tenant c-2'"),
            ("another's case", "COMMENT ON SCHEMA c IS 'tenancy: tenant C'"),
            ("renamed", "ALTER SCHEMA c RENAME TO d"),
            ("no right", "REVOKE USAGE ON SCHEMA c FROM PUBLIC, {runtime}"),
        ];
        for (what, sql) in cases {
            let schema =
                TenantSchema::new(&id("c"), "c".parse().unwrap()).unwrap();
            admin.batch_execute("BEGIN").await.unwrap();
            for step in schema.create(&town.world.owner(), &town.world.routed()) {
                admin.batch_execute(step.sql()).await.unwrap();
            }
            // Rows that must not be seen, wherever the schema goes.
            admin
                .batch_execute(&format!(
                    "RESET ROLE; CREATE TABLE c.notes AS SELECT 1 AS id, 'c1' AS title; GRANT SELECT ON c.notes TO PUBLIC; COMMIT; {}",
                    sql.replace("{runtime}", town.world.database.runtime_role())
                ))
                .await
                .unwrap();
            for how in [Binding::Transaction, Binding::Session] {
                client.batch_execute("BEGIN").await.unwrap();
                let error = bind(&client, &schema, how).await.unwrap_err();
                assert!(matches!(error, Error::SchemaBinding { .. }), "{what}: {error}");
                assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE, "{what}");
                client.batch_execute("ROLLBACK").await.unwrap();
            }
            admin
                .batch_execute(
                    "DO $$ BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'c' AND obj_description(oid) = 'tenancy: tenant b') \
                     THEN ALTER SCHEMA c RENAME TO b; END IF; END $$; \
                     DROP SCHEMA IF EXISTS c, d CASCADE",
                )
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_bound_connection_is_unbound_by_a_binding_that_fails() {
    in_every_town(async |town| {
        let client = town.shared().await;
        bind(&client, &town.a.schema, Binding::Session)
            .await
            .unwrap();
        let missing = TenantSchema::new(&id("c"), "c".parse().unwrap()).unwrap();
        assert!(bind(&client, &missing, Binding::Session).await.is_err());
        assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
    })
    .await;
}

/// Nor does what stands behind the tenant's schema take the place of its tables.
#[tokio::test]
async fn without_usage_nothing_shared_is_found_either() {
    in_every_town(async |town| {
        let owner = town.world.owner().quoted();
        town.admin()
            .batch_execute(&format!(
                "CREATE SCHEMA common AUTHORIZATION {owner}; \
                 CREATE TABLE common.notes AS SELECT 1 AS id, 'common' AS title; GRANT SELECT ON common.notes TO PUBLIC"
            ))
            .await
            .unwrap();
        let schema = town.a.schema.clone();
        let schema = schema.with_shared("common".parse().unwrap()).unwrap();
        let routed = town.world.routed();
        run(town.admin(), schema.grant(&town.world.owner(), &routed)).await;
        let client = town.shared().await;
        bind(&client, &schema, Binding::Session).await.unwrap();
        assert_eq!(text(&client, TITLES).await.unwrap(), "a1,a2");
        town.admin()
            .batch_execute(&format!(
                "REVOKE USAGE ON SCHEMA a FROM {}",
                town.world.database.runtime_role()
            ))
            .await
            .unwrap();
        assert!(bind(&client, &schema, Binding::Session).await.is_err());
        assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_another_message_is_no_answer() {
    in_every_town(async |town| {
        let client = town.shared().await;
        let row = last_row(&client, &town.a.schema.bind_sql(Binding::Session)).await;
        let row = borrowed(&row);
        assert!(town.a.schema.is_bound_by(&row));
        assert!(!town.b.schema.is_bound_by(&row));
        assert!(!town.a.schema.is_bound_by(&[]));
        assert!(!town.a.schema.is_bound_by(&row[..1]));
        for at in 0..row.len() {
            let mut spoilt = row.clone();
            spoilt[at] = None;
            assert!(!town.a.schema.is_bound_by(&spoilt));
            spoilt[at] = Some("");
            assert!(!town.a.schema.is_bound_by(&spoilt));
            // The schema had this name when it was another tenant's.
            spoilt[at] = Some("tenancy: tenant b");
            assert!(!town.a.schema.is_bound_by(&spoilt));
        }
    })
    .await;
}

/// Also with a hostile path and operators of its own: every name in the binding is qualified.
#[tokio::test]
async fn prepared_it_follows_its_parameters_and_so_do_the_users_statements() {
    in_every_town(async |town| {
        town.admin()
            .batch_execute(
                "CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC; \
                 CREATE FUNCTION trap.yes(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
                 CREATE FUNCTION trap.yes(name, name) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
                 CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.yes); \
                 CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.yes); \
                 CREATE FUNCTION trap.set_config(text, text, bool) RETURNS text LANGUAGE sql AS 'SELECT $2'",
            )
            .await
            .unwrap();
        let client = town.shared().await;
        client
            .batch_execute("SET search_path = trap, pg_catalog")
            .await
            .unwrap();
        let bind = client.prepare(BIND).await.unwrap();
        let mut notes = None;
        for (house, titles) in [(&town.a, "a1,a2"), (&town.b, "b1,b2"), (&town.a, "a1,a2")] {
            let asked = house.schema.bind_parameters(Binding::Session);
            let row = client
                .query_one(
                    &bind,
                    &[&asked.search_path, &asked.schema, &asked.mark, &asked.is_local],
                )
                .await
                .unwrap();
            let row: Vec<Option<&str>> = (0..3).map(|at| row.get(at)).collect();
            house.schema.judge_binding(&row).unwrap();
            // Planned once, and again when the path is another.
            if notes.is_none() {
                notes = Some(client.prepare(TITLES).await.unwrap());
            }
            for _ in 0..7 {
                let row = client.query_one(notes.as_ref().unwrap(), &[]).await.unwrap();
                assert_eq!(row.get::<_, &str>(0), titles);
            }
        }
        client
            .batch_execute("SET search_path = trap, pg_catalog")
            .await
            .unwrap();
        let wrong = town.a.schema.bind_parameters(Binding::Session);
        let row = client
            .query_one(&bind, &[&wrong.search_path, &"b", &wrong.mark, &wrong.is_local])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), RESTING_PATH);
        client
            .query_one(notes.as_ref().unwrap(), &[])
            .await
            .unwrap_err();
    })
    .await;
}

/// A savepoint that was set before the binding takes it back; one that was set after it does not.
#[tokio::test]
async fn no_savepoint_leads_to_another_tenant() {
    in_every_town(async |town| {
        let client = town.shared().await;
        client.batch_execute("BEGIN").await.unwrap();
        bind(&client, &town.a.schema, Binding::Transaction)
            .await
            .unwrap();
        client
            .batch_execute("SAVEPOINT s; SELECT 1 FROM notes; ROLLBACK TO s")
            .await
            .unwrap();
        assert_eq!(text(&client, TITLES).await.unwrap(), "a1,a2");
        client
            .batch_execute("ROLLBACK; BEGIN; SAVEPOINT s")
            .await
            .unwrap();
        bind(&client, &town.a.schema, Binding::Transaction)
            .await
            .unwrap();
        client.batch_execute("ROLLBACK TO s").await.unwrap();
        assert_eq!(refused(&client, TITLES).await, UNDEFINED_TABLE);
    })
    .await;
}
