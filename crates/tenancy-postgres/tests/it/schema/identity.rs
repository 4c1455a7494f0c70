//! Who a schema's login is: sound as it is made, and each flaw found.

use tenancy_postgres::Error;
use tenancy_postgres::identity::Judgement;
use tenancy_postgres::schema::routed_identity;
use tenancy_postgres::verify::Code;

use super::town::{House, Town, in_every_town};
use crate::support::text;
use crate::tenants::{PASSWORD, holes, judged};

async fn look(town: &Town, house: &House) -> Judgement {
    let identity = house.schema.identity(house.login.name());
    judged(&town.at(house).await, &identity).await
}

async fn fingerprint(town: &Town, house: &House) -> String {
    let identity = house.schema.identity(house.login.name());
    text(&town.at(house).await, &identity.fingerprint_sql())
        .await
        .unwrap()
}

#[tokio::test]
async fn logins_are_sound_as_they_are_made() {
    in_every_town(async |town| {
        for house in [&town.a, &town.b] {
            let judgement = look(town, house).await;
            assert_eq!(judgement.findings, [], "{}", house.tenant());
            assert_eq!(fingerprint(town, house).await, judgement.fingerprint);
        }
        let identity = routed_identity(town.world.roles.runtime());
        let judgement = judged(&town.shared().await, &identity).await;
        assert_eq!(judgement.findings, []);
    })
    .await;
}

/// What makes a flaw of login `{a}`, what unmakes it, how it is found, and whether the cheap
/// question tells too.
const FLAWS: &[(&str, &str, Code, bool)] = &[
    (
        "ALTER ROLE {a} SUPERUSER",
        "ALTER ROLE {a} NOSUPERUSER",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {a} BYPASSRLS",
        "ALTER ROLE {a} NOBYPASSRLS",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {a} CREATEROLE",
        "ALTER ROLE {a} NOCREATEROLE",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {a} CREATEDB",
        "ALTER ROLE {a} NOCREATEDB",
        Code::RoleAttribute,
        true,
    ),
    (
        "ALTER ROLE {a} REPLICATION",
        "ALTER ROLE {a} NOREPLICATION",
        Code::RoleAttribute,
        true,
    ),
    (
        "GRANT {b} TO {a}",
        "REVOKE {b} FROM {a}",
        Code::Membership,
        true,
    ),
    (
        "GRANT {a} TO {b}",
        "REVOKE {a} FROM {b}",
        Code::Membership,
        true,
    ),
    (
        "GRANT {owner} TO {a}",
        "REVOKE {owner} FROM {a}",
        Code::Membership,
        true,
    ),
    (
        "GRANT {superuser} TO {a}",
        "REVOKE {superuser} FROM {a}",
        Code::Membership,
        true,
    ),
    (
        "GRANT pg_read_all_data TO {a}",
        "REVOKE pg_read_all_data FROM {a}",
        Code::Membership,
        true,
    ),
    (
        "COMMENT ON SCHEMA a IS NULL",
        "COMMENT ON SCHEMA a IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "COMMENT ON SCHEMA a IS 'tenancy: tenant b'",
        "COMMENT ON SCHEMA a IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "ALTER SCHEMA a RENAME TO was_a",
        "ALTER SCHEMA was_a RENAME TO a",
        Code::Mark,
        true,
    ),
    (
        "COMMENT ON ROLE {a} IS 'tenancy: tenant b'",
        "COMMENT ON ROLE {a} IS 'tenancy: tenant a'",
        Code::Mark,
        true,
    ),
    (
        "GRANT USAGE ON SCHEMA b TO {a}",
        "REVOKE USAGE ON SCHEMA b FROM {a}",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT USAGE ON SCHEMA b TO PUBLIC",
        "REVOKE USAGE ON SCHEMA b FROM PUBLIC",
        Code::SchemaPrivilege,
        false,
    ),
    (
        "REVOKE USAGE ON SCHEMA a FROM {a}",
        "GRANT USAGE ON SCHEMA a TO {a}",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT CREATE ON SCHEMA a TO {a}",
        "REVOKE CREATE ON SCHEMA a FROM {a}",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        Code::SchemaPrivilege,
        true,
    ),
    (
        "GRANT CREATE ON DATABASE {db} TO {a}",
        "REVOKE CREATE ON DATABASE {db} FROM {a}",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT TEMPORARY ON DATABASE {db} TO PUBLIC",
        "REVOKE TEMPORARY ON DATABASE {db} FROM PUBLIC",
        Code::DatabasePrivilege,
        true,
    ),
    (
        "GRANT TRUNCATE ON a.notes TO {a}",
        "REVOKE TRUNCATE ON a.notes FROM {a}",
        Code::TablePrivilege,
        false,
    ),
    (
        "CREATE VIEW a.of_b AS SELECT * FROM b.notes",
        "DROP VIEW a.of_b",
        Code::CrossSchema,
        false,
    ),
    (
        "CREATE TABLE a.of_b (id bigint REFERENCES b.notes)",
        "DROP TABLE a.of_b",
        Code::CrossSchema,
        false,
    ),
    (
        "CREATE TABLE a.of_b (id bigint DEFAULT nextval('b.numbers'))",
        "DROP TABLE a.of_b",
        Code::CrossSchema,
        false,
    ),
    (
        "CREATE FUNCTION a.of_b() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT title FROM b.notes; END",
        "DROP FUNCTION a.of_b()",
        Code::CrossSchema,
        false,
    ),
    (
        "CREATE FUNCTION a.lent() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM b.notes'",
        "DROP FUNCTION a.lent()",
        Code::DefinerFunction,
        false,
    ),
    (
        "ALTER TABLE a.notes OWNER TO {a}",
        "ALTER TABLE a.notes OWNER TO {owner}",
        Code::Ownership,
        true,
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO {a}",
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM {a}",
        Code::ServerFunction,
        true,
    ),
    (
        "GRANT SET ON PARAMETER session_replication_role TO {a}",
        "REVOKE SET ON PARAMETER session_replication_role FROM {a}",
        Code::ParameterPrivilege,
        true,
    ),
    (
        "ALTER ROLE {a} SET statement_timeout = '77s'",
        "ALTER ROLE {a} RESET statement_timeout",
        Code::RoleSetting,
        true,
    ),
    (
        "ALTER ROLE {a} IN DATABASE {db} SET work_mem = '64kB'",
        "ALTER ROLE {a} IN DATABASE {db} RESET work_mem",
        Code::RoleSetting,
        true,
    ),
];

fn filled(sql: &str, town: &Town) -> String {
    sql.replace("{a}", town.a.login.name().as_str())
        .replace("{b}", town.b.login.name().as_str())
        .replace("{owner}", town.world.database.owner_role())
        .replace("{superuser}", &superuser(town))
        .replace("{db}", town.world.database.name())
}

/// What one session gives the shared role and takes back, another may have begun with in between.
#[tokio::test]
async fn a_setting_that_was_there_for_a_moment_is_found_on_the_connection_that_has_it() {
    in_every_town(async |town| {
        let identity = routed_identity(town.world.roles.runtime());
        let hostile = town.shared().await;
        hostile
            .batch_execute("ALTER ROLE CURRENT_USER SET gin_fuzzy_search_limit = 1; ALTER ROLE CURRENT_USER SET search_path = evil")
            .await
            .unwrap();
        let late = town.shared().await;
        hostile
            .batch_execute("ALTER ROLE CURRENT_USER RESET ALL")
            .await
            .unwrap();
        assert_eq!(
            text(&late, "SHOW gin_fuzzy_search_limit").await.unwrap(),
            "1"
        );
        let judgement = judged(&late, &identity).await;
        assert_eq!(holes(&judgement), [Code::RoleSetting], "{judgement:#?}");
        let sound = judged(&town.shared().await, &identity).await;
        assert_eq!(sound.findings, []);
        assert_ne!(sound.fingerprint, judgement.fingerprint);
        let expecting = identity.expect_role_setting("gin_fuzzy_search_limit=1");
        assert_eq!(judged(&late, &expecting).await.findings, []);
    })
    .await;
}

/// Who grants its own role is, by the catalog, the grantor of itself.
fn superuser(town: &Town) -> String {
    let config: tokio_postgres::Config = town.world.database.admin_url().parse().unwrap();
    config.get_user().unwrap().to_owned()
}

#[tokio::test]
async fn each_flaw_is_found() {
    in_every_town(async |town| {
        for (flaw, mend, code, seen_cheaply) in FLAWS {
            let sound = fingerprint(town, &town.a).await;
            let flaw = filled(flaw, town);
            town.admin().batch_execute(&flaw).await.unwrap();
            let judgement = look(town, &town.a).await;
            assert!(!judgement.may_serve(), "{flaw}");
            assert!(holes(&judgement).contains(code), "{flaw}: {judgement:?}");
            for finding in &judgement.findings {
                // Not even in a mend.
                let words = finding.to_string();
                assert!(
                    !words.contains(town.b.login.name().as_str()) && !words.contains("tenant b"),
                    "names another tenant: {words}"
                );
            }
            let again = fingerprint(town, &town.a).await;
            assert_eq!(again, judgement.fingerprint, "{flaw}");
            assert_eq!(again != sound, *seen_cheaply, "{flaw}");
            town.admin()
                .batch_execute(&filled(mend, town))
                .await
                .unwrap();
            assert_eq!(look(town, &town.a).await.findings, [], "after {flaw}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_login_and_another_path_are_found() {
    in_every_town(async |town| {
        let of_a = town.a.schema.identity(town.a.login.name());
        // The credential of another tenant.
        let judgement = judged(&town.at(&town.b).await, &of_a).await;
        assert!(holes(&judgement).contains(&Code::Identity));
        let answer = judged(&town.shared().await, &of_a).await;
        assert!(holes(&answer).contains(&Code::Identity));
        // A pooler that drops the startup options.
        let bare = town
            .connect(town.a.login.name().as_str(), PASSWORD, &[])
            .await;
        let judgement = judged(&bare, &of_a).await;
        assert_eq!(holes(&judgement), [Code::SearchPath]);
        // The login acts as another role.
        town.admin()
            .batch_execute(&filled("GRANT {b} TO {a}", town))
            .await
            .unwrap();
        let client = town.at(&town.a).await;
        client
            .batch_execute(&filled("SET ROLE {b}", town))
            .await
            .unwrap();
        let judgement = judged(&client, &of_a).await;
        assert!(holes(&judgement).contains(&Code::Identity));
        for answer in ["", "{}", "null", "[]", "1"] {
            assert!(matches!(of_a.judge(answer), Err(Error::Identity { .. })));
        }
    })
    .await;
}

#[tokio::test]
async fn the_shared_login_of_the_routed_tier_runs_no_ddl_and_is_above_nothing() {
    in_every_town(async |town| {
        let runtime = town.world.database.runtime_role();
        let identity = routed_identity(town.world.roles.runtime());
        let flaws = [
            (
                "ALTER ROLE {r} BYPASSRLS",
                "ALTER ROLE {r} NOBYPASSRLS",
                Code::RoleAttribute,
            ),
            (
                "GRANT {owner} TO {r}",
                "REVOKE {owner} FROM {r}",
                Code::Membership,
            ),
            (
                "GRANT CREATE ON SCHEMA a TO {r}",
                "REVOKE CREATE ON SCHEMA a FROM {r}",
                Code::SchemaPrivilege,
            ),
            (
                "GRANT CREATE ON DATABASE {db} TO {r}",
                "REVOKE CREATE ON DATABASE {db} FROM {r}",
                Code::DatabasePrivilege,
            ),
            (
                "GRANT TEMPORARY ON DATABASE {db} TO {r}",
                "REVOKE TEMPORARY ON DATABASE {db} FROM {r}",
                Code::DatabasePrivilege,
            ),
            (
                "GRANT TRUNCATE ON a.notes TO {r}",
                "REVOKE TRUNCATE ON a.notes FROM {r}",
                Code::TablePrivilege,
            ),
            (
                "ALTER TABLE a.notes OWNER TO {r}",
                "ALTER TABLE a.notes OWNER TO {owner}",
                Code::Ownership,
            ),
            (
                "COMMENT ON ROLE {r} IS 'tenancy: tenant a'",
                "COMMENT ON ROLE {r} IS NULL",
                Code::Mark,
            ),
            (
                "ALTER ROLE {r} SET work_mem = '64kB'",
                "ALTER ROLE {r} RESET work_mem",
                Code::RoleSetting,
            ),
        ];
        for (flaw, mend, code) in flaws {
            let fill = |sql: &str| filled(&sql.replace("{r}", runtime), town);
            town.admin().batch_execute(&fill(flaw)).await.unwrap();
            let judgement = judged(&town.shared().await, &identity).await;
            assert!(holes(&judgement).contains(&code), "{flaw}: {judgement:?}");
            town.admin().batch_execute(&fill(mend)).await.unwrap();
        }
        assert_eq!(judged(&town.shared().await, &identity).await.findings, []);
    })
    .await;
}
