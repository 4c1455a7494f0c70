//! What stands before a tenant's table on a careless path, and does not on ours. Each attack is
//! seen to succeed the usual way first.

use tenancy_postgres::schema::{SchemaAccess, TenantSchema};
use tenancy_postgres::seal::Binding;
use tokio_postgres::Client;

use super::town::{Town, borrowed, in_every_town, last_row};
use crate::support::{refused, run, text};
use crate::tenants::{PASSWORD, id};

async fn naive(client: &Client) {
    client
        .batch_execute("SET search_path = a, public")
        .await
        .unwrap();
}

async fn ours(client: &Client, schema: &TenantSchema) {
    let row = last_row(client, &schema.bind_sql(Binding::Session)).await;
    schema.judge_binding(&borrowed(&row)).unwrap();
}

/// The rights that a careless database gives everybody.
async fn careless(town: &Town) {
    town.admin()
        .batch_execute(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC; GRANT TEMPORARY ON DATABASE {} TO PUBLIC",
            town.world.database.name()
        ))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_temporary_table() {
    in_every_town(async |town| {
        careless(town).await;
        let client = town.shared().await;
        client
            .batch_execute("CREATE TEMPORARY TABLE notes AS SELECT 7 AS id, 'planted' AS title")
            .await
            .unwrap();
        let first = "SELECT min(title) FROM notes";
        naive(&client).await;
        assert_eq!(text(&client, first).await.unwrap(), "planted");
        ours(&client, &town.a.schema).await;
        assert_eq!(text(&client, first).await.unwrap(), "a1");
        client
            .batch_execute("INSERT INTO notes VALUES (3, 'a3')")
            .await
            .unwrap();
        assert_eq!(
            text(town.admin(), "SELECT count(*) FROM a.notes")
                .await
                .unwrap(),
            "3"
        );
    })
    .await;
}

#[tokio::test]
async fn a_table_in_public_where_the_tenants_is_missing() {
    in_every_town(async |town| {
        town.admin()
            .batch_execute(
                "CREATE TABLE public.invoices AS SELECT 'everybody''s' AS title; \
                 GRANT SELECT ON public.invoices TO PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC",
            )
            .await
            .unwrap();
        let client = town.shared().await;
        let sql = "SELECT title FROM invoices";
        naive(&client).await;
        assert_eq!(text(&client, sql).await.unwrap(), "everybody's");
        ours(&client, &town.a.schema).await;
        assert_eq!(refused(&client, sql).await, "42P01");
    })
    .await;
}

/// An exact match of types in `public` is taken before the server's own function or operator.
#[tokio::test]
async fn a_function_and_an_operator_in_public() {
    in_every_town(async |town| {
        careless(town).await;
        let stranger = town.at(&town.b).await;
        stranger
            .batch_execute(
                "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'planted' $$; \
                 CREATE FUNCTION public.same(varchar, varchar) RETURNS bool LANGUAGE sql AS $$ SELECT true $$; \
                 CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.same)",
            )
            .await
            .unwrap();
        let client = town.shared().await;
        let lower = "SELECT lower('X'::varchar)";
        let same = "SELECT 'x'::varchar = 'y'::varchar";
        naive(&client).await;
        assert_eq!(text(&client, lower).await.unwrap(), "planted");
        assert_eq!(text(&client, same).await.unwrap(), "t");
        ours(&client, &town.a.schema).await;
        assert_eq!(text(&client, lower).await.unwrap(), "x");
        assert_eq!(text(&client, same).await.unwrap(), "f");
        // Or it would outlive the login.
        stranger
            .batch_execute("DROP OPERATOR public.= (varchar, varchar); DROP FUNCTION public.lower(varchar), public.same(varchar, varchar)")
            .await
            .unwrap();
    })
    .await;
}

/// A tenant whose schema is called as the role is: `"$user"` leads there before a scope is open.
#[tokio::test]
async fn a_tenant_named_like_the_role() {
    in_every_town(async |town| {
        let role = town.world.database.runtime_role();
        let schema =
            TenantSchema::new(&id("c"), role.parse().unwrap()).unwrap();
        run(
            town.admin(),
            schema.create(&town.world.owner(), &town.world.routed()),
        )
        .await;
        town.admin()
            .batch_execute(&format!(
                "CREATE TABLE {role}.notes AS SELECT 1 AS id, 'c1' AS title; GRANT SELECT ON {role}.notes TO {role}"
            ))
            .await
            .unwrap();
        let sql = "SELECT title FROM notes";
        let usual = [("search_path", "\"$user\", public".to_owned())];
        let client = town
            .connect(role, town.world.database.password(), &usual)
            .await;
        assert_eq!(text(&client, sql).await.unwrap(), "c1");
        let client = town.shared().await;
        assert_eq!(refused(&client, sql).await, "42P01");
        ours(&client, &town.a.schema).await;
        assert_eq!(text(&client, "SELECT min(title) FROM notes").await.unwrap(), "a1");
    })
    .await;
}

/// What the server folds or cuts without a word is another tenant's name.
#[tokio::test]
async fn a_name_that_is_folded_or_cut() {
    in_every_town(async |town| {
        let client = town.shared().await;
        let sql = "SELECT min(title) FROM notes";
        client.batch_execute("SET search_path = A").await.unwrap();
        assert_eq!(text(&client, sql).await.unwrap(), "a1");
        let upper = TenantSchema::new(&id("c"), "A".parse().unwrap()).unwrap();
        let row = last_row(&client, &upper.bind_sql(Binding::Session)).await;
        assert!(!upper.is_bound_by(&borrowed(&row)));
        assert_eq!(refused(&client, sql).await, "42P01");

        let long = "n".repeat(63);
        let schema = TenantSchema::new(&id("d"), long.parse().unwrap()).unwrap();
        let runtime = SchemaAccess::Routed {
            runtime: town.world.roles.runtime().clone(),
        };
        run(town.admin(), schema.create(&town.world.owner(), &runtime)).await;
        town.admin()
            .batch_execute(&format!(
                "CREATE TABLE {long}.notes AS SELECT 'd1' AS title; GRANT SELECT ON {long}.notes TO PUBLIC"
            ))
            .await
            .unwrap();
        client
            .batch_execute(&format!("SET search_path = \"{long}-of-another\""))
            .await
            .unwrap();
        assert_eq!(text(&client, sql).await.unwrap(), "d1");
        assert!(format!("{long}-of-another").parse::<tenancy_postgres::ident::Identifier>().is_err());
    })
    .await;
}

/// What is shared by name stands behind the tenant's own, and nothing else does.
#[tokio::test]
async fn a_schema_that_is_shared_by_name_stands_behind_the_tenants() {
    in_every_town(async |town| {
        let owner = town.world.owner();
        town.admin()
            .batch_execute(&format!(
                "CREATE SCHEMA common AUTHORIZATION {0}; SET ROLE {0}; \
                 CREATE TABLE common.notes AS SELECT 'common' AS title; \
                 CREATE TABLE common.countries AS SELECT 'nl' AS title; \
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
        for access in [town.world.routed(), town.a.access()] {
            run(town.admin(), schema.grant(&owner, &access)).await;
        }
        let client = town.shared().await;
        ours(&client, &schema).await;
        let login = town
            .connect(
                town.a.login.name().as_str(),
                PASSWORD,
                &schema.startup_options(),
            )
            .await;
        for client in [client, login] {
            assert_eq!(
                text(&client, "SELECT min(title) FROM notes").await.unwrap(),
                "a1"
            );
            assert_eq!(
                text(&client, "SELECT title FROM countries").await.unwrap(),
                "nl"
            );
            assert_eq!(
                refused(&client, "CREATE TABLE common.mine (id int)").await,
                "42501"
            );
        }
    })
    .await;
}

/// The limit of the routed tier, so that nobody takes it for a wall.
#[tokio::test]
async fn raw_sql_behind_a_shared_login_reaches_every_schema() {
    in_every_town(async |town| {
        let client = town.shared().await;
        ours(&client, &town.a.schema).await;
        assert_eq!(
            text(&client, "SELECT min(title) FROM b.notes")
                .await
                .unwrap(),
            "b1"
        );
        let injected = "SELECT set_config('search_path', 'b', false); SELECT min(title) FROM notes";
        assert_eq!(text(&client, injected).await.unwrap(), "b1");
        // With its own login it does not.
        let client = town.at(&town.a).await;
        assert_eq!(
            refused(&client, "SELECT min(title) FROM b.notes").await,
            "42501"
        );
        assert_eq!(refused(&client, injected).await, "42P01");
    })
    .await;
}
