//! Names that want to be something else.

use tenancy_postgres::Error;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::schema::TenantSchema;
use tenancy_postgres::seal::Binding;

use super::town::{borrowed, in_every_town, last_row};
use crate::support::{run, text};
use crate::tenants::id;

#[test]
fn names_of_the_server_of_everybody_and_of_this_crate_are_no_tenants() {
    let tenant = id("a");
    for name in [
        "public",
        "Public",
        "tenancy",
        "information_schema",
        "pg_catalog",
        "pg_temp",
        "PG_TOAST",
        "pg_anything",
        "$user",
        "$USER",
    ] {
        assert!(
            matches!(
                TenantSchema::new(&tenant, name.parse().unwrap()),
                Err(Error::ReservedTenantSchema { .. })
            ),
            "{name}"
        );
    }
    // Folding these would make them one.
    assert!(TenantSchema::new(&tenant, "Acme".parse().unwrap()).is_ok());
    assert!(Identifier::new(&"a".repeat(64)).is_err());
    assert!(Identifier::new(&"ä".repeat(32)).is_err());
}

#[test]
fn only_what_is_not_its_own_is_shared_with_it() {
    let schema = TenantSchema::new(&id("a"), "a".parse().unwrap()).unwrap();
    assert!(schema.clone().with_shared("a".parse().unwrap()).is_err());
    assert!(
        schema
            .clone()
            .with_shared("$user".parse().unwrap())
            .is_err()
    );
    assert!(
        schema
            .clone()
            .with_shared("pg_temp".parse().unwrap())
            .is_err()
    );
    let both = schema.with_shared("public".parse().unwrap()).unwrap();
    assert_eq!(both.search_path(), r#""a", "public", pg_temp"#);
}

/// Each is one schema, bound to by its own name and no other's.
#[tokio::test]
async fn a_hostile_name_is_a_name_and_no_more() {
    let long = "n".repeat(63);
    let longest_of_two_bytes = format!("{}n", "ä".repeat(31));
    let names = [
        "Acme",
        "acme",
        "ACME",
        "acme ",
        "a,public",
        "a\", public, \"b",
        "a'; DROP SCHEMA b CASCADE; --",
        "a\\' OR true --",
        "$do$; DROP SCHEMA b CASCADE; $do$",
        "{schema}",
        "$1",
        "%I",
        "\u{202e}emca",
        "аcme", // a Cyrillic letter
        "new\nline",
        "select",
        ".",
        " ",
        long.as_str(),
        longest_of_two_bytes.as_str(),
    ];
    in_every_town(async |town| {
        let owner = town.world.owner();
        let shared = town.shared().await;
        let mut schemas = Vec::new();
        for (number, name) in names.into_iter().enumerate() {
            let tenant = id(&format!("t{number}"));
            let schema = TenantSchema::new(&tenant, name.parse().unwrap()).unwrap();
            run(town.admin(), schema.create(&owner, &town.world.routed())).await;
            town.admin()
                .batch_execute(&format!(
                    "SET ROLE {}; CREATE TABLE {1}.notes AS SELECT '{tenant}' AS title; RESET ROLE",
                    owner.quoted(),
                    schema.name().quoted()
                ))
                .await
                .unwrap();
            schemas.push(schema);
        }
        // With each setting that could give a text another meaning.
        for setting in ["on", "off"] {
            shared
                .batch_execute(&format!("SET standard_conforming_strings = {setting}"))
                .await
                .unwrap();
            for schema in &schemas {
                for how in [Binding::Transaction, Binding::Session] {
                    let sql = format!("BEGIN; {}", schema.bind_sql(how));
                    let row = last_row(&shared, &sql).await;
                    assert!(schema.is_bound_by(&borrowed(&row)), "{:?}", schema.name());
                    for other in schemas.iter().filter(|other| *other != schema) {
                        assert!(!other.is_bound_by(&borrowed(&row)), "{:?}", other.name());
                    }
                    let title = text(&shared, "SELECT title FROM notes").await.unwrap();
                    assert_eq!(title, schema.tenant().as_str(), "{:?}", schema.name());
                    shared.batch_execute("ROLLBACK").await.unwrap();
                }
            }
        }
        // Nothing that stood in a name was run.
        assert_eq!(
            text(town.admin(), "SELECT count(*) FROM b.notes").await.unwrap(),
            "2"
        );
        for schema in &schemas {
            run(town.admin(), schema.drop_plan()).await;
        }
        assert_eq!(
            text(town.admin(), "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema', 'a', 'b')")
                .await
                .unwrap(),
            "0"
        );
    })
    .await;
}

/// What the rule about `$user` is for.
#[tokio::test]
async fn dollar_user_in_quotes_is_the_roles_name_all_the_same() {
    in_every_town(async |town| {
        let client = town.shared().await;
        let role = town.world.database.runtime_role();
        town.admin()
            .batch_execute(&format!("CREATE SCHEMA {role} AUTHORIZATION {role}"))
            .await
            .unwrap();
        client
            .batch_execute(r#"SELECT set_config('search_path', '"$user"', false)"#)
            .await
            .unwrap();
        assert_eq!(
            text(&client, "SELECT current_schema()").await.unwrap(),
            role
        );
    })
    .await;
}
