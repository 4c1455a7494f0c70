//! The verifier, where logins are expected.

use tenancy_postgres::login::TenantLogins;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::verify::{Code, Expectations, Severity};
use tenancy_postgres::wall::Wall;

use Severity::{Hole as H, Warning as W};

use super::{TABLES, Town, in_every_town, tenant};
use crate::support::{on_every_major, run};
use crate::verify::look;
use crate::verify::planted::{self, Hole};

fn expectations(town: &Town) -> Expectations {
    Expectations::for_logins(&town.world.roles, &town.logins)
}

#[tokio::test]
async fn nothing_is_found_on_a_clean_installation() {
    in_every_town(async |town| {
        let expectations = expectations(&town);
        let acme = town.connect(TenantKind::Text, "acme").await;
        for client in [&town.world.admin, &acme] {
            assert_eq!(look(client, &expectations).await, []);
        }
    })
    .await;
}

/// What is planted on the runtime role of the sealed scope, planted on the group and on one login.
#[tokio::test]
async fn each_planted_hole_is_found() {
    in_every_town(async |town| {
        let group = town.logins.group().as_str().to_owned();
        for role in [group, town.login(TenantKind::Text, "acme")] {
            // There is nothing to see in the activity of another login.
            let applies = |hole: &&Hole| hole.0 != "activity in sight";
            let missed = miss(&town, &role, planted::all().filter(applies)).await;
            assert!(missed.is_empty(), "on {role}, missed: {missed:#?}");
        }
    })
    .await;
}

/// What only logins can have.
const HOLES: &[Hole] = &[
    (
        "a login that is another's member",
        "GRANT {other} TO {login}",
        Code::Membership,
        H,
    ),
    (
        "a login of the owner's",
        "GRANT {owner} TO {login}",
        Code::Membership,
        H,
    ),
    (
        "a login that administers the group",
        "GRANT {group} TO {login} WITH ADMIN OPTION",
        Code::Membership,
        H,
    ),
    (
        "a group with more",
        "GRANT {central} TO {group}",
        Code::Membership,
        H,
    ),
    (
        "a group that logs in",
        "ALTER ROLE {group} LOGIN",
        Code::RoleAttribute,
        W,
    ),
    (
        "a login with a setting, which is judged at its own connect",
        "ALTER ROLE {login} SET row_security = off",
        Code::RoleSetting,
        W,
    ),
    (
        "a login with a grant of its own",
        "CREATE TABLE free (id int); GRANT SELECT ON free TO {login}",
        Code::Unwalled,
        H,
    ),
    (
        "a group that is not recorded",
        "DELETE FROM tenancy.runtime_role WHERE role_name = '{group}'",
        Code::EventTrigger,
        W,
    ),
    (
        "a login that may enter a sealed scope",
        "GRANT EXECUTE ON FUNCTION tenancy.leave() TO {login}",
        Code::SealGrant,
        W,
    ),
    (
        "a role that can become a tenant's login",
        "GRANT {login} TO {owner}",
        Code::Membership,
        H,
    ),
    (
        "functions of another prefix",
        "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('tenancy.login_tenant()'::regprocedure), '^', '^other_'); END $$",
        Code::SealFunction,
        H,
    ),
    (
        "a function that is evaluated when it runs",
        "ALTER FUNCTION tenancy.login_tenant() STABLE",
        Code::SealFunction,
        H,
    ),
    (
        "a function of another owner",
        "ALTER FUNCTION tenancy.login_name() OWNER TO {owner}",
        Code::SealFunction,
        H,
    ),
    (
        "a wall that trusts the plan",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT tenancy.login_tenant() AS tenant)) WITH CHECK (tenant_id = (SELECT tenancy.login_tenant() AS tenant))",
        Code::WallExpression,
        H,
    ),
    (
        "a wall that compares the plan with itself",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT CASE WHEN tenancy.login_name() = tenancy.login_name() THEN tenancy.login_tenant() END AS tenant))",
        Code::WallExpression,
        H,
    ),
    (
        "a wall that checks no spelling",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT substr(session_user::text, 15) AS tenant)) WITH CHECK (tenant_id = (SELECT substr(session_user::text, 15) AS tenant))",
        Code::WallExpression,
        H,
    ),
    (
        "a wall that reads the current user",
        "DO $$ DECLARE wall text; BEGIN SELECT replace(qual, 'SESSION_USER', 'CURRENT_USER') INTO wall FROM pg_policies WHERE tablename = 'notes' AND policyname = 'tenancy_wall'; EXECUTE format('ALTER POLICY tenancy_wall ON notes USING (%s) WITH CHECK (%s)', wall, wall); END $$",
        Code::WallExpression,
        H,
    ),
    (
        "a wall of the sealed scope",
        "ALTER POLICY tenancy_wall ON notes USING (tenant_id = (SELECT tenancy.current_tenant())) WITH CHECK (tenant_id = (SELECT tenancy.current_tenant()))",
        Code::WallExpression,
        H,
    ),
    (
        "a default of the sealed scope",
        "ALTER TABLE notes ALTER tenant_id SET DEFAULT tenancy.current_tenant()",
        Code::TenantDefault,
        W,
    ),
];

#[tokio::test]
async fn what_only_logins_can_have_is_found() {
    in_every_town(async |town| {
        let missed = miss(&town, "", HOLES.iter()).await;
        assert!(missed.is_empty(), "missed: {missed:#?}");
    })
    .await;
}

/// What was missed of `holes`, with `role` in the runtime role's place.
async fn miss<'a>(town: &Town, role: &str, holes: impl Iterator<Item = &'a Hole>) -> Vec<String> {
    let expectations = expectations(town);
    let (admin, roles) = (&town.world.admin, &town.world.roles);
    let quoted = |id| town.logins.login(TenantKind::Text, &tenant(id)).unwrap();
    let mut missed = Vec::new();
    for (name, sql, code, severity) in holes {
        let sql = as_login_wall(town, sql)
            .replace("{runtime}", role)
            .replace("{central}", roles.central().as_str())
            .replace("{owner}", roles.table_owner().as_str())
            .replace("{group}", town.logins.group().as_str())
            .replace("{login}", quoted("acme").as_str())
            .replace("{other}", quoted("beta").as_str());
        admin
            .batch_execute(&format!("BEGIN; {sql}"))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        // A tenant can give itself a setting, and must lock nobody else out by it.
        let severity = if *code == Code::RoleSetting {
            W
        } else {
            *severity
        };
        let findings = look(admin, &expectations).await;
        for finding in &findings {
            let said = finding.to_string();
            assert!(
                !said.contains("acme") && !said.contains("beta"),
                "{name} names a tenant: {said}"
            );
        }
        if !findings
            .iter()
            .any(|f| (f.code, f.severity) == (*code, severity))
        {
            missed.push(format!("{name}: {code} not in {findings:#?}"));
        }
        admin.batch_execute("ROLLBACK").await.unwrap();
    }
    assert_eq!(look(admin, &expectations).await, [], "left behind");
    missed
}

/// The sealed scope's holes are planted in walls of the kind that is expected here.
fn as_login_wall(town: &Town, sql: &str) -> String {
    if HOLES.iter().any(|(_, hole, ..)| *hole == sql) {
        return sql.to_owned();
    }
    let plan = town.wall("notes", TenantKind::Text).plan(&town.world.roles);
    let (_, wall) = plan.steps()[0]
        .sql()
        .split_once("WITH CHECK (\"tenant_id\" = ")
        .unwrap();
    sql.replace(
        "(SELECT tenancy.current_tenant())",
        wall.strip_suffix(");")
            .unwrap_or_else(|| wall.split_once(");").unwrap().0),
    )
    .replace(
        "DEFAULT tenancy.current_tenant()",
        "DEFAULT tenancy.login_tenant()",
    )
}

/// A sealed wall where logins are expected, and the reverse: each is sound where it belongs.
#[tokio::test]
async fn one_kind_of_wall_is_a_hole_where_the_other_is_expected() {
    in_every_town(async |town| {
        let (admin, roles) = (&town.world.admin, &town.world.roles);
        for (table, kind, _) in TABLES {
            let sealed =
                Wall::new(table.parse().unwrap(), "tenant_id".parse().unwrap(), kind).unwrap();
            run(admin, sealed.plan(roles)).await;
            let findings = look(admin, &expectations(&town)).await;
            let object = format!("public.{table}");
            assert!(
                findings
                    .iter()
                    .any(|f| f.code == Code::WallExpression && f.object == object),
                "{findings:#?}"
            );
            run(admin, town.wall(table, kind).plan(roles)).await;
            assert_eq!(look(admin, &expectations(&town)).await, []);
        }
    })
    .await;
    on_every_major(async |world| {
        let installed = TenantLogins::new(
            format!("{}_tenants", world.database.name())
                .parse()
                .unwrap(),
            "tn_",
        )
        .unwrap();
        run(&world.admin, installed.install(&world.roles).unwrap()).await;
        let logins = TenantLogins::new(world.roles.runtime().clone(), "tn_").unwrap();
        // The runtime role in the group's place, so that the table stays in its reach.
        let wall = Wall::new(
            "notes".parse().unwrap(),
            "tenant_id".parse().unwrap(),
            TenantKind::Text,
        )
        .unwrap();
        run(&world.admin, wall.for_logins(&logins).plan(&world.roles)).await;
        let findings = look(&world.admin, &Expectations::new(world.roles.clone())).await;
        assert!(
            findings
                .iter()
                .any(|f| f.code == Code::WallExpression && f.is_hole()),
            "{findings:#?}"
        );
    })
    .await;
}

/// A role of the installation with a name like a login's.
#[tokio::test]
async fn a_role_that_looks_like_a_login_is_found() {
    in_every_town(async |town| {
        let prefix = "t_";
        let logins = TenantLogins::new("app_tenants".parse().unwrap(), prefix).unwrap();
        let findings = look(
            &town.world.admin,
            &Expectations::for_logins(&town.world.roles, &logins),
        )
        .await;
        let taken = findings
            .iter()
            .filter(|f| f.code == Code::RoleAttribute && f.what.contains("takes it for a tenant"));
        assert_eq!(taken.count(), 2, "central and the owner: {findings:#?}");
    })
    .await;
}
