//! How a wall that reads the login is planned, and what a plan that was made before knows.

use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Expectations, Finding};
use tokio_postgres::Client;

use super::{Town, in_every_town};
use crate::support::{column, refused, run, text};
use crate::verify::look;

const KIND: TenantKind = TenantKind::Text;

async fn explain(client: &Client, sql: &str) -> String {
    let plan = column(client, &format!("EXPLAIN {sql}")).await.unwrap();
    plan.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Only a superuser's session can change its login. A plan that was made before, as in a definer
/// function, has the former tenant in it, and shows its rows to nobody else.
#[tokio::test]
async fn a_plan_outlives_no_login() {
    in_every_town(async |town| {
        let admin = &town.world.admin;
        let owner = town.world.roles.table_owner().quoted();
        let [acme, beta] = ["acme", "beta"].map(|id| town.login(KIND, id));
        admin
            .batch_execute(&format!(
                "CREATE FUNCTION all_notes() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \
                 $$ BEGIN RETURN (SELECT string_agg(title, ',') FROM public.notes); END $$; \
                 ALTER FUNCTION all_notes() OWNER TO {owner}; \
                 CREATE FUNCTION add_note() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \
                 $$ DECLARE who text; BEGIN INSERT INTO public.notes (id) VALUES (7) RETURNING tenant_id INTO who; \
                 DELETE FROM public.notes WHERE id = 7; RETURN who; END $$; \
                 ALTER FUNCTION add_note() OWNER TO {owner}; SET plan_cache_mode = force_generic_plan"
            ))
            .await
            .unwrap();
        admin
            .batch_execute(&format!(
                "SET SESSION AUTHORIZATION {acme}; PREPARE mine AS SELECT string_agg(title, ',') FROM notes"
            ))
            .await
            .unwrap();
        for sql in ["EXECUTE mine", "SELECT all_notes()", "EXECUTE mine", "SELECT all_notes()"] {
            assert!(text(admin, sql).await.unwrap().contains("of acme"), "{sql}");
        }
        assert_eq!(text(admin, "SELECT add_note()").await.unwrap(), "acme");
        admin
            .batch_execute(&format!("SET SESSION AUTHORIZATION {beta}"))
            .await
            .unwrap();
        for sql in ["EXECUTE mine", "SELECT all_notes()", "SELECT add_note()"] {
            let read = text(admin, sql).await.unwrap_or_default();
            assert!(!read.contains("acme"), "{sql}: {read}");
        }
        admin
            .batch_execute("RESET SESSION AUTHORIZATION; DEALLOCATE ALL")
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn parallel_workers_see_the_same() {
    in_every_town(async |town| {
        town.world
            .admin
            .batch_execute("INSERT INTO notes SELECT 'acme', n, 'more' FROM generate_series(10, 20000) AS n; ANALYZE notes")
            .await
            .unwrap();
        let client = town.connect(KIND, "acme").await;
        client
            .batch_execute(
                "SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET parallel_setup_cost = 0; \
                 SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2",
            )
            .await
            .unwrap();
        let read = "SELECT count(*) || ' ' || count(*) FILTER (WHERE tenant_id = 'acme') FROM notes WHERE title > ''";
        let plan = explain(&client, read).await;
        assert!(plan.contains("Gather"), "{plan}");
        assert_eq!(text(&client, read).await.unwrap(), "19993 19993");
    })
    .await;
}

/// The login is a name, whose collation would keep the index of another one out of use.
#[tokio::test]
async fn the_index_is_used_whatever_the_columns_collation() {
    in_every_town(async |town: Town| {
        let admin = &town.world.admin;
        for collation in ["C", "default", "POSIX"] {
            admin
                .batch_execute(&format!(
                    "DROP POLICY IF EXISTS tenancy_wall ON notes; \
                     ALTER TABLE notes ALTER tenant_id TYPE text COLLATE \"{collation}\"; ANALYZE notes"
                ))
                .await
                .unwrap();
            run(admin, town.wall("notes", KIND).plan(&town.world.roles)).await;
            let client = town.connect(KIND, "acme").await;
            let plan = explain(&client, "SELECT title FROM notes WHERE id = 1").await;
            // A table of four rows is read whole unless that is made dear.
            client.batch_execute("SET enable_seqscan = off").await.unwrap();
            let plan = plan + &explain(&client, "SELECT title FROM notes WHERE id = 1").await;
            assert!(plan.contains("Index Cond: ((tenant_id = "), "{collation}: {plan}");
        }
        let expectations = Expectations::for_logins(&town.world.roles, &town.logins);
        assert_eq!(look(admin, &expectations).await, []);
    })
    .await;
}

/// A membership in a tenant's login is its password: no tenant can give it, whichever it is.
#[tokio::test]
async fn no_login_can_be_given_away() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "acme").await;
        let [acme, beta] = ["acme", "beta"].map(|id| town.login(KIND, id));
        let group = town.logins.group().quoted();
        for sql in [
            format!("GRANT {acme} TO {beta}"),
            format!("GRANT {beta} TO {acme}"),
            format!("GRANT {group} TO {acme} WITH ADMIN OPTION"),
            format!("REVOKE {group} FROM {beta}"),
        ] {
            assert_eq!(refused(&client, &sql).await, "42501", "{sql}");
        }
        // An administrator can, by mistake. It opens no row, and both are told at their next connect.
        town.world
            .admin
            .batch_execute(&format!("GRANT {acme} TO {beta}"))
            .await
            .unwrap();
        let other = town.connect(KIND, "beta").await;
        other
            .batch_execute(&format!("SET ROLE {acme}"))
            .await
            .unwrap();
        let read = "SELECT string_agg(DISTINCT tenant_id, ',') FROM notes";
        assert_eq!(text(&other, read).await.unwrap(), "beta");
        for id in ["acme", "beta"] {
            let client = town.connect(KIND, id).await;
            let answer = text(&client, &town.logins.identity_sql()).await.unwrap();
            let judgement = town
                .logins
                .judge_identity(KIND, &super::tenant(id), &answer)
                .unwrap();
            assert!(!judgement.may_serve(), "{id}");
        }
    })
    .await;
}

/// What a tenant can do to its own login is found at its own next connect, and stops no other.
#[tokio::test]
async fn what_a_tenant_does_to_its_login_locks_nobody_else_out() {
    in_every_town(async |town| {
        let client = town.connect(KIND, "acme").await;
        client
            .batch_execute("ALTER ROLE CURRENT_USER SET row_security = off; ALTER ROLE CURRENT_USER PASSWORD 'mine'")
            .await
            .unwrap();
        // Before 16 a member may become its group, which logs in nowhere.
        let group = town.logins.group().quoted();
        let _ = client
            .batch_execute(&format!("SET ROLE {group}; ALTER ROLE CURRENT_USER SET role = 'none'"))
            .await;
        // Where no superuser installed the event trigger, it may say what shall hold for what it will
        // make, which is nothing.
        let admin = &town.world.admin;
        admin.batch_execute("DROP EVENT TRIGGER tenancy_no_ddl").await.unwrap();
        client
            .batch_execute("RESET ROLE; ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO PUBLIC")
            .await
            .unwrap();
        let other = town.connect(KIND, "beta").await;
        let expectations = Expectations::for_logins(&town.world.roles, &town.logins);
        let findings = look(&other, &expectations).await;
        assert!(
            !findings.is_empty() && !findings.iter().any(Finding::is_hole),
            "{findings:#?}"
        );
        assert_eq!(
            text(&other, "SELECT count(*) FROM notes").await.unwrap(),
            "2"
        );
        run(admin, town.logins.drop_login(KIND, &super::tenant("acme")).unwrap()).await;
    })
    .await;
}
