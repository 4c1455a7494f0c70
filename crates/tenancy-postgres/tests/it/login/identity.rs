//! Who a connection is: nothing is found on a sound login, and each planted flaw is.

use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Code, Finding};
use tokio_postgres::Client;

use super::{TABLES, Town, in_every_town, tenant};
use crate::support::{run, text};

const KIND: TenantKind = TenantKind::Text;

async fn ask(town: &Town, client: &Client) -> String {
    text(client, &town.logins.identity_sql()).await.unwrap()
}

async fn judge(town: &Town, client: &Client, id: &str) -> Vec<Finding> {
    let answer = ask(town, client).await;
    let judgement = town
        .logins
        .judge_identity(KIND, &tenant(id), &answer)
        .unwrap();
    assert_eq!(judgement.fingerprint, answer);
    judgement.findings
}

#[tokio::test]
async fn nothing_is_found_on_a_sound_login() {
    in_every_town(async |town| {
        for (_, kind, ids) in TABLES {
            for id in ids {
                let client = town.connect(kind, id).await;
                let answer = ask(&town, &client).await;
                let judgement = town.logins.judge_identity(kind, &tenant(id), &answer).unwrap();
                assert!(judgement.may_serve() && judgement.findings.is_empty(), "{judgement:#?}");
                assert_eq!(answer, ask(&town, &town.connect(kind, id).await).await, "the same login says the same");
                // Whatever it set for itself.
                client
                    .batch_execute("SET search_path = evil; SET standard_conforming_strings = off; SET transform_null_equals = on")
                    .await
                    .unwrap();
                assert_eq!(answer, ask(&town, &client).await);
            }
        }
    })
    .await;
}

/// With `{login}`, `{other}` (another tenant's login), `{group}` and `{central}`.
const FLAWS: &[(&str, &str, Code)] = &[
    (
        "another tenant's login granted by mistake",
        "GRANT {other} TO {login}",
        Code::Membership,
    ),
    (
        "a predefined role",
        "GRANT pg_read_all_data TO {login}",
        Code::Membership,
    ),
    ("central", "GRANT {central} TO {login}", Code::Membership),
    (
        "a role that is, by the catalog, the grantor of itself",
        "GRANT {superuser} TO {login}",
        Code::Membership,
    ),
    (
        "a role behind the group",
        "GRANT {central} TO {group}",
        Code::Membership,
    ),
    (
        "admin of its group",
        "GRANT {group} TO {login} WITH ADMIN OPTION",
        Code::Membership,
    ),
    (
        "out of its group",
        "REVOKE {group} FROM {login}",
        Code::Membership,
    ),
    (
        "without its group's rights",
        "ALTER ROLE {login} NOINHERIT",
        Code::Membership,
    ),
    (
        "superuser",
        "ALTER ROLE {login} SUPERUSER",
        Code::RoleAttribute,
    ),
    (
        "bypassrls",
        "ALTER ROLE {login} BYPASSRLS",
        Code::RoleAttribute,
    ),
    (
        "createrole",
        "ALTER ROLE {login} CREATEROLE",
        Code::RoleAttribute,
    ),
    (
        "createdb",
        "ALTER ROLE {login} CREATEDB",
        Code::RoleAttribute,
    ),
    (
        "replication",
        "ALTER ROLE {login} REPLICATION",
        Code::RoleAttribute,
    ),
    (
        "another's mark",
        "COMMENT ON ROLE {login} IS 'tenancy: tenant beta'",
        Code::Mark,
    ),
    ("no mark", "COMMENT ON ROLE {login} IS NULL", Code::Mark),
    (
        "an owner",
        "CREATE TABLE own (id int); ALTER TABLE own OWNER TO {login}",
        Code::Ownership,
    ),
    (
        "a setting by an administrator",
        "ALTER ROLE {login} SET row_security = off",
        Code::RoleSetting,
    ),
];

#[tokio::test]
async fn each_flaw_is_found() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "acme").await;
        let sound = ask(&town, &client).await;
        let quoted = |id| town.logins.login(KIND, &tenant(id)).unwrap().quoted();
        let superuser = text(&town.world.admin, "SELECT quote_ident(current_user)")
            .await
            .unwrap();
        for (name, sql, code) in FLAWS {
            let sql = sql
                .replace("{login}", &quoted("acme"))
                .replace("{superuser}", &superuser)
                .replace("{other}", &quoted("beta"))
                .replace("{group}", &town.logins.group().quoted())
                .replace("{central}", &town.world.roles.central().quoted());
            // The catalogs of roles are read as they are, so the administrator looks for the login.
            town.world
                .admin
                .batch_execute(&format!(
                    "BEGIN; {sql}; SET LOCAL SESSION AUTHORIZATION {}",
                    quoted("acme")
                ))
                .await
                .unwrap();
            let answer = ask(&town, &town.world.admin).await;
            town.world.admin.batch_execute("ROLLBACK").await.unwrap();
            let judgement = town
                .logins
                .judge_identity(KIND, &tenant("acme"), &answer)
                .unwrap();
            assert!(
                judgement
                    .findings
                    .iter()
                    .any(|finding| finding.code == *code),
                "{name}: {judgement:#?}"
            );
            let said = format!("{:?}", judgement.findings);
            assert!(
                !said.contains("beta"),
                "{name}: names another tenant: {said}"
            );
            assert_ne!(answer, sound, "{name}");
            let harmless = ["out of its group", "without its group's rights"].contains(name);
            assert_eq!(judgement.may_serve(), harmless, "{name}");
        }
        assert_eq!(sound, ask(&town, &client).await);
    })
    .await;
}

/// A setting by `ALTER ROLE CURRENT_USER SET` outlives the connection, and is found on the next.
#[tokio::test]
async fn a_setting_that_a_login_gave_itself_is_found_at_the_next_connect() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "acme").await;
        let sound = ask(&town, &client).await;
        for setting in [
            "search_path = evil",
            "statement_timeout = '5s'",
            "application_name = 'beta'",
            "role = 'none'",
        ] {
            client
                .batch_execute(&format!("ALTER ROLE CURRENT_USER SET {setting}"))
                .await
                .unwrap();
            let next = town.connect(KIND, "acme").await;
            assert_ne!(ask(&town, &next).await, sound);
            let findings = judge(&town, &next, "acme").await;
            assert_eq!(
                (findings.len(), findings[0].code),
                (1, Code::RoleSetting),
                "{setting}: {findings:#?}"
            );
            assert!(!findings[0].what.contains("beta"), "{findings:#?}");
            client
                .batch_execute("ALTER ROLE CURRENT_USER RESET ALL")
                .await
                .unwrap();
        }
        let here = format!(
            "ALTER ROLE CURRENT_USER IN DATABASE {} SET search_path = evil",
            town.world.database.name()
        );
        client.batch_execute(&here).await.unwrap();
        let findings = judge(&town, &town.connect(KIND, "acme").await, "acme").await;
        assert_eq!(findings.len(), 1, "{findings:#?}");

        let mut town = town;
        town.world
            .admin
            .batch_execute(&format!(
                "ALTER ROLE {} RESET ALL",
                town.login(KIND, "beta")
            ))
            .await
            .unwrap();
        town.logins = town.logins.expect_role_setting("search_path=evil");
        assert_eq!(
            judge(&town, &town.connect(KIND, "acme").await, "acme").await,
            []
        );
    })
    .await;
}

#[tokio::test]
async fn another_tenants_connection_is_found_and_named_to_nobody() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "beta").await;
        let findings = judge(&town, &client, "acme").await;
        assert_eq!((findings.len(), findings[0].code), (1, Code::Identity));
        assert!(!findings[0].to_string().contains("beta"), "{findings:?}");
        assert!(
            town.logins
                .judge_identity(KIND, &tenant("acme"), "{}")
                .is_err()
        );
        assert!(
            town.logins
                .judge_identity(KIND, &tenant("acme"), "")
                .is_err()
        );

        // A password that injected SQL changed locks out this tenant alone, and is brought back.
        client
            .batch_execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
            .await
            .unwrap();
        let login = town.login(KIND, "beta");
        assert_eq!(
            town.enter(&login).await.unwrap_err().code().unwrap().code(),
            "28P01"
        );
        let plan = town
            .logins
            .set_password(KIND, &tenant("beta"), &super::password())
            .unwrap();
        run(&town.world.admin, plan).await;
        assert_eq!(
            judge(&town, &town.connect(KIND, "beta").await, "beta").await,
            []
        );
    })
    .await;
}
