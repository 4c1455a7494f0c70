//! The attacks that succeed where the wall is another one: they are no empty threats.

use tenancy_postgres::seal::TenantKind;

use super::{TABLES, Town, in_every_town};
use crate::support::{column, text};

async fn rebuild(town: &Town, table: &str, tenant: &str) {
    let wall = format!(
        "tenant_id = (SELECT {})",
        tenant.replace("{n}", &(town.logins.prefix().len() + 1).to_string())
    );
    let sql = format!("ALTER POLICY tenancy_wall ON {table} USING ({wall}) WITH CHECK ({wall})");
    town.world.admin.batch_execute(&sql).await.unwrap();
}

/// A setting is anybody's, and `current_user` follows `SET ROLE` and definer functions;
/// `session_user` does neither.
#[tokio::test]
async fn a_setting_or_the_current_user_can_be_changed_by_sql() {
    in_every_town(async |town| {
        let [a, b] = TABLES[0].2;
        let other = town
            .logins
            .login(TenantKind::Text, &super::tenant(b))
            .unwrap()
            .quoted();
        let mine = town
            .logins
            .login(TenantKind::Text, &super::tenant(a))
            .unwrap()
            .quoted();
        town.world
            .admin
            .batch_execute(&format!("GRANT {other} TO {mine}"))
            .await
            .unwrap();
        let client = town.connect(TenantKind::Text, a).await;
        let become_other =
            format!("SET ROLE {other}; SELECT min(tenant_id) FROM notes; RESET ROLE");
        let read = |sql: String| {
            let client = &client;
            async move { column(client, &sql).await.unwrap() }
        };
        assert_eq!(
            read(become_other.clone()).await,
            [Some(a.to_owned())],
            "granted by mistake, and no harm"
        );
        rebuild(&town, "notes", "substr(current_user::text, {n})").await;
        assert_eq!(read(become_other).await, [Some(b.to_owned())]);
        rebuild(&town, "notes", "current_setting('app.tenant')").await;
        let forge = format!(
            "SELECT set_config('app.tenant', '{b}', false); SELECT min(tenant_id) FROM notes"
        );
        assert_eq!(read(forge).await, [Some(b.to_owned())]);
    })
    .await;
}

/// Without the check of the spelling two logins are one tenant.
#[tokio::test]
async fn a_cast_alone_makes_one_of_two_logins() {
    in_every_town(async |town| {
        rebuild(&town, "tickets", "substr(session_user::text, {n})::bigint").await;
        rebuild(&town, "papers", "substr(session_user::text, {n})::uuid").await;
        let client = town.stranger("01000").await;
        assert_eq!(
            text(&client, "SELECT count(*) FROM tickets").await.unwrap(),
            "2"
        );
        let client = town.stranger("6F1C2F0E00004000800000000000000A").await;
        assert_eq!(
            text(&client, "SELECT count(*) FROM papers").await.unwrap(),
            "2"
        );
    })
    .await;
}
