//! Nothing is found on a clean installation, and each planted hole is.

pub(crate) mod holes;
pub(crate) mod planted;

use tenancy_postgres::verify::{
    Code, Expectations, Finding, Snapshot, judge, snapshot_sql, unreadable,
};
use tokio_postgres::Client;

use crate::support::{World, on_every_major, text};

pub(crate) fn expectations(world: &World) -> Expectations {
    Expectations::new(world.roles.clone())
}

pub(crate) async fn look(client: &Client, expectations: &Expectations) -> Vec<Finding> {
    let json = text(client, &snapshot_sql(expectations)).await.unwrap();
    judge(&Snapshot::parse(&json).unwrap(), expectations)
}

#[tokio::test]
async fn nothing_is_found_on_a_clean_installation() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        for client in [&world.admin, &world.runtime().await] {
            let findings = look(client, &expectations).await;
            assert!(findings.is_empty(), "{findings:#?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_hostile_search_path_changes_no_answer() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        world
            .admin
            .batch_execute(
                "CREATE SCHEMA evil; \
                 CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'; \
                 CREATE FUNCTION evil.never(name, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'; \
                 CREATE FUNCTION evil.never(oid, oid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'; \
                 CREATE FUNCTION evil.never(\"char\", \"char\") RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'; \
                 CREATE FUNCTION evil.always(oid, oid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'; \
                 CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.never); \
                 CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.never); \
                 CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.never); \
                 CREATE OPERATOR evil.= (LEFTARG = \"char\", RIGHTARG = \"char\", FUNCTION = evil.never); \
                 CREATE OPERATOR evil.<> (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.always);",
            )
            .await
            .unwrap();
        let plain = text(&world.admin, &snapshot_sql(&expectations)).await.unwrap();
        world.admin.batch_execute("SET search_path = evil, tenancy, pg_catalog, public").await.unwrap();
        let hostile = text(&world.admin, &snapshot_sql(&expectations)).await.unwrap();
        assert_eq!(plain, hostile);

        // A wall over the hostile operator reads the same on that path, and is another one.
        world
            .admin
            .batch_execute(
                "DROP POLICY tenancy_wall ON notes; CREATE POLICY tenancy_wall ON notes AS RESTRICTIVE \
                 USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))",
            )
            .await
            .unwrap();
        let findings = look(&world.admin, &expectations).await;
        assert!(findings.iter().any(|f| f.code == Code::WallExpression), "{findings:#?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_installed_is_a_finding() {
    for major in tenancy_testkit::postgres::majors() {
        let world = World::bare(major).await;
        let error = world
            .admin
            .simple_query(&snapshot_sql(&expectations(&world)))
            .await
            .unwrap_err();
        let finding = unreadable(error.code().unwrap().code());
        assert_eq!(
            (finding.code, finding.is_hole()),
            (Code::NotInstalled, true)
        );
    }
}
