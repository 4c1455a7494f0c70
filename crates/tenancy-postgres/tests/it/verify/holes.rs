//! Holes planted one at a time, each in a transaction that is rolled back.

use tenancy_postgres::verify::{Code, Severity, Snapshot, judge, snapshot_sql};

use super::planted;
use super::{expectations, look};
use crate::support::{World, on_every_major, text};

use Severity::{Hole as H, Warning as W};

#[tokio::test]
async fn each_planted_hole_is_found() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        let mut missed = Vec::new();
        for (name, sql, code, severity) in planted::all() {
            plant(&world, sql)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let findings = look(&world.admin, &expectations).await;
            if !findings
                .iter()
                .any(|f| (f.code, f.severity) == (*code, *severity))
            {
                missed.push((name, code, findings));
            }
            world.admin.batch_execute("ROLLBACK").await.unwrap();
        }
        assert!(missed.is_empty(), "missed: {missed:#?}");
        let findings = look(&world.admin, &expectations).await;
        assert!(findings.is_empty(), "left behind: {findings:#?}");
    })
    .await;
}

/// What looks like a hole and is none.
const SOUND: &[(&str, &str)] = &[
    (
        "a view of the caller",
        "CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM notes; GRANT SELECT ON mine TO {runtime}",
    ),
    (
        "a view of the tables' owner",
        "CREATE VIEW mine AS SELECT * FROM notes; ALTER VIEW mine OWNER TO {owner}; GRANT SELECT ON mine TO {runtime}",
    ),
    (
        "a declared view",
        "CREATE VIEW totals AS SELECT count(*) FROM notes; INSERT INTO tenancy.shared_table VALUES ('totals', false); GRANT SELECT ON totals TO {runtime}",
    ),
    (
        "a declared table",
        "CREATE TABLE countries (code text PRIMARY KEY); INSERT INTO tenancy.shared_table VALUES ('countries', false); GRANT SELECT ON countries TO {runtime}; ALTER TABLE notes ADD country text REFERENCES countries",
    ),
    (
        "a key with the tenant",
        "ALTER TABLE notes ADD parent bigint, ADD FOREIGN KEY (tenant_id, parent) REFERENCES notes (tenant_id, id)",
    ),
    (
        "a table out of reach",
        "CREATE TABLE internal (id int PRIMARY KEY)",
    ),
    (
        "partitions of a walled table",
        "CREATE TABLE internal (tenant_id text NOT NULL, id int) PARTITION BY HASH (tenant_id); CREATE TABLE internal_0 PARTITION OF internal FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    ),
    (
        "a restrictive policy more",
        "CREATE POLICY own ON notes AS RESTRICTIVE USING (title <> 'secret')",
    ),
    (
        "a tenant column that refers to a directory out of reach",
        "CREATE TABLE tenants (id text PRIMARY KEY); ALTER TABLE notes ADD FOREIGN KEY (tenant_id) REFERENCES tenants (id) NOT VALID",
    ),
    (
        "a view of the caller, in another spelling",
        "CREATE VIEW mine WITH (security_invoker = t) AS SELECT * FROM notes; GRANT SELECT ON mine TO {runtime}",
    ),
    (
        "a definer function for a trigger that nothing runs",
        "CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'",
    ),
    ("an extension of aliases", "CREATE EXTENSION citext"),
    (
        "a definer function out of reach",
        "CREATE FUNCTION mine() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM notes'; REVOKE ALL ON FUNCTION mine() FROM PUBLIC",
    ),
    (
        "an exclusion within the tenant",
        "CREATE EXTENSION btree_gist; ALTER TABLE notes ADD EXCLUDE USING gist (tenant_id WITH =, title WITH =)",
    ),
    (
        "a serial",
        "CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO {runtime}",
    ),
    (
        "other roles' settings",
        "ALTER ROLE {owner} SET search_path = app",
    ),
    ("a C extension", "CREATE EXTENSION pgcrypto"),
];

#[tokio::test]
async fn what_is_sound_is_let_be() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        for (name, sql) in SOUND {
            plant(&world, sql)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let findings: Vec<_> = look(&world.admin, &expectations).await;
            // An exclusion's index can't lead with an equality alone in every case: it may warn.
            assert!(findings.is_empty(), "{name}: {findings:#?}");
            world.admin.batch_execute("ROLLBACK").await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_servers_own_settings_are_judged() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        let json = text(&world.admin, &snapshot_sql(&expectations))
            .await
            .unwrap();
        let with = |field: &str, value: serde_json::Value| {
            let mut snapshot: serde_json::Value = serde_json::from_str(&json).unwrap();
            snapshot[field] = value;
            Snapshot::parse(&snapshot.to_string()).unwrap()
        };
        let only = |snapshot: &Snapshot, allowed: bool| {
            let expectations = if allowed {
                expectations.clone().allow_version_below_floor()
            } else {
                expectations.clone()
            };
            let findings = judge(snapshot, &expectations);
            assert_eq!(findings.len(), 1, "{findings:#?}");
            (findings[0].code, findings[0].severity)
        };
        assert_eq!(
            only(&with("max_prepared_transactions", 5.into()), false),
            (Code::PreparedTransactions, H)
        );
        assert_eq!(
            only(&with("lo_compat_privileges", true.into()), false),
            (Code::LargeObject, H)
        );
        for number in [150_018, 160_014, 170_010, 180_005, 190_000] {
            let snapshot = with("server_version_num", number.into());
            assert_eq!(only(&snapshot, false), (Code::ServerVersion, H));
            assert_eq!(only(&snapshot, true), (Code::ServerVersion, W));
        }
        let too_old = with("server_version_num", 140_024.into());
        assert_eq!(only(&too_old, true), (Code::ServerVersion, H));
    })
    .await;
}

pub(crate) async fn plant(world: &World, sql: &str) -> Result<(), tokio_postgres::Error> {
    let sql = sql
        .replace("{runtime}", world.roles.runtime().as_str())
        .replace("{central}", world.roles.central().as_str())
        .replace("{owner}", world.roles.table_owner().as_str());
    world.admin.batch_execute(&format!("BEGIN; {sql}")).await
}

/// The search path is pinned, so that no expression reads like the wall's and is another one. What
/// it depends on is compared all the same.
#[tokio::test]
async fn a_wall_depends_on_its_reader_and_on_nothing_else() {
    on_every_major(async |world| {
        let expectations = expectations(&world);
        let json = text(&world.admin, &snapshot_sql(&expectations))
            .await
            .unwrap();
        for (field, value) in [
            ("others", serde_json::json!(1)),
            ("functions", serde_json::json!([])),
            ("functions", serde_json::json!([1])),
        ] {
            let mut snapshot: serde_json::Value = serde_json::from_str(&json).unwrap();
            let policies = snapshot["relations"][0]["policies"].as_array_mut().unwrap();
            let wall = policies
                .iter_mut()
                .find(|policy| policy["name"] == "tenancy_wall")
                .unwrap();
            wall[field] = value;
            let findings = judge(
                &Snapshot::parse(&snapshot.to_string()).unwrap(),
                &expectations,
            );
            assert!(
                findings
                    .iter()
                    .any(|finding| finding.code == Code::WallExpression),
                "{field}: {findings:#?}"
            );
        }
    })
    .await;
}
