//! Databases whose wall or roles are broken, under a sound adapter.

use tenancy_conformance::Suite;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::postgres::{Database, Major, Server, majors};

use super::{Broken, SOUND, all_are_caught};
use crate::reference::Reference;
use crate::world::World;

pub(super) fn runtime(database: &Database) -> &str {
    database.runtime_role()
}

const BUILDS: &[Broken] = &[
    Broken {
        what: "the wall is dropped, and the permissive `true` policy is all there is",
        sql: |_| policies("RESTRICTIVE", "DROP POLICY %I ON %s"),
        caught_by: &[
            "reads.own_rows",
            "reads.joins",
            "writes.insert_for_other",
            "tables.reads",
        ],
        ..SOUND
    },
    Broken {
        what: "all policies are dropped, so that nobody reads anything",
        sql: |_| {
            policies("RESTRICTIVE", "DROP POLICY %I ON %s")
                + &policies("PERMISSIVE", "DROP POLICY %I ON %s")
        },
        caught_by: &["reads.own_rows", "writes.default_tenant"],
        ..SOUND
    },
    Broken {
        what: "the wall is for a named role: the owner's functions read through it",
        sql: |database| {
            policies(
                "RESTRICTIVE",
                &format!("ALTER POLICY %I ON %s TO {}", runtime(database)),
            )
        },
        caught_by: &["reads.of_owner"],
        ..SOUND
    },
    Broken {
        what: "the wall is for a named role, which removes it with DROP OWNED BY itself",
        sql: |database| {
            policies(
                "RESTRICTIVE",
                &format!("ALTER POLICY %I ON %s TO {}", runtime(database)),
            ) + &no_event_trigger()
        },
        since: Major::V16,
        caught_by: &["takedown.drop_owned"],
        ..SOUND
    },
    Broken {
        what: "the wall has no WITH CHECK",
        sql: |_| policies("RESTRICTIVE", "ALTER POLICY %I ON %s WITH CHECK (true)"),
        caught_by: &[
            "writes.insert_for_other",
            "writes.move_over",
            "writes.merge",
            "tables.changes",
            "tables.inserts",
        ],
        ..SOUND
    },
    Broken {
        what: "the wall covers SELECT alone",
        sql: |_| {
            policies("RESTRICTIVE", "DROP POLICY %I ON %s")
                + "CREATE POLICY half ON conformance.notes AS RESTRICTIVE FOR SELECT \
                   USING (tenant_id = (SELECT tenancy.current_tenant()));"
        },
        caught_by: &["writes.insert_for_other"],
        ..SOUND
    },
    Broken {
        what: "row security is not forced, and the owner has a view",
        sql: |_| "ALTER TABLE conformance.notes NO FORCE ROW LEVEL SECURITY".into(),
        caught_by: &["reads.of_owner"],
        ..SOUND
    },
    Broken {
        what: "one table was forgotten",
        sql: |_| "ALTER TABLE conformance.comments DISABLE ROW LEVEL SECURITY".into(),
        caught_by: &[
            "reads.joins",
            "writes.all_rows",
            "tables.reads",
            "tables.no_scope",
        ],
        ..SOUND
    },
    Broken {
        what: "a partition was forgotten, and has grants of its own",
        sql: |_| "ALTER TABLE conformance.events_low DISABLE ROW LEVEL SECURITY".into(),
        caught_by: &["reads.partitions"],
        ..SOUND
    },
    Broken {
        what: "a foreign key that does not contain the tenant",
        sql: |_| {
            "DELETE FROM conformance.comments; DELETE FROM conformance.notes; \
             ALTER TABLE conformance.comments DROP CONSTRAINT comments_tenant_id_note_id_fkey; \
             CREATE TABLE conformance.note_ids AS SELECT n FROM generate_series(1, 500) AS n; \
             ALTER TABLE conformance.note_ids ADD PRIMARY KEY (n); \
             ALTER TABLE conformance.comments ADD FOREIGN KEY (note_id) REFERENCES conformance.note_ids (n);"
                .into()
        },
        caught_by: &["writes.foreign_key"],
        ..SOUND
    },
    Broken {
        what: "the tenant column has no default",
        sql: |_| "ALTER TABLE conformance.notes ALTER COLUMN tenant_id DROP DEFAULT".into(),
        caught_by: &["writes.default_tenant", "writes.bulk"],
        ..SOUND
    },
    Broken {
        what: "TRUNCATE was granted",
        sql: |database| {
            format!(
                "GRANT TRUNCATE ON ALL TABLES IN SCHEMA conformance TO {}",
                runtime(database)
            )
        },
        caught_by: &["writes.truncate", "tables.changes"],
        ..SOUND
    },
    Broken {
        what: "a shared table can be written",
        sql: |database| {
            format!(
                "GRANT INSERT, UPDATE ON conformance.plans TO {}",
                runtime(database)
            )
        },
        caught_by: &["reads.shared"],
        ..SOUND
    },
    Broken {
        what: "row security that the administrator took for a filter: no wall on the table, only on a view",
        sql: |database| {
            format!(
                "ALTER TABLE conformance.notes DISABLE ROW LEVEL SECURITY; \
                 DROP VIEW conformance.notes_of_owner; CREATE VIEW conformance.notes_of_owner AS \
                 SELECT * FROM conformance.notes WHERE tenant_id = (SELECT tenancy.current_tenant()); \
                 GRANT SELECT ON conformance.notes_of_owner TO {}",
                runtime(database)
            )
        },
        caught_by: &["reads.own_rows", "forging.leaky_functions"],
        ..SOUND
    },
    Broken {
        what: "TEMPORARY was granted",
        sql: temporary,
        caught_by: &["hostile_names.temporary"],
        ..SOUND
    },
    Broken {
        what: "CREATE on a schema was granted",
        sql: |database| {
            format!("GRANT CREATE ON SCHEMA public TO {};", runtime(database)) + &no_event_trigger()
        },
        caught_by: &["hostile_names.create"],
        ..SOUND
    },
    Broken {
        what: "the runtime role bypasses row security",
        sql: |database| format!("ALTER ROLE {} BYPASSRLS", runtime(database)),
        caught_by: &["reads.own_rows", "forging.roles", "tables.reads"],
        ..SOUND
    },
    Broken {
        what: "the runtime role is a superuser",
        sql: |database| format!("ALTER ROLE {} SUPERUSER", runtime(database)),
        caught_by: &[
            "reads.own_rows",
            "forging.roles",
            "takedown.catalogs",
            "hostile_names.create",
        ],
        ..SOUND
    },
    Broken {
        what: "the table owner is the runtime role",
        sql: |database| {
            format!(
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenancy TO {owner}; GRANT SELECT ON conformance.plans TO {owner};",
                owner = database.owner_role()
            )
        },
        login: Database::owner_url,
        caught_by: &["takedown.ddl", "writes.truncate"],
        ..SOUND
    },
    Broken {
        what: "the runtime role is a member of the central role",
        sql: |database| format!("GRANT {} TO {}", database.central_role(), runtime(database)),
        caught_by: &["forging.roles"],
        ..SOUND
    },
    Broken {
        what: "the runtime role may read all data",
        sql: |database| format!("GRANT pg_read_all_data TO {}", runtime(database)),
        caught_by: &["carrier.key_tables", "carrier.sequences"],
        ..SOUND
    },
    Broken {
        what: "the runtime role may read and end its neighbours' queries",
        sql: |database| {
            format!(
                "GRANT EXECUTE ON FUNCTION pg_terminate_backend(int, bigint), pg_cancel_backend(int), \
                 pg_stat_get_activity(int) TO {0}; ALTER ROLE {0} RESET track_activities",
                runtime(database)
            )
        },
        caught_by: &["takedown.neighbours"],
        ..SOUND
    },
];

/// `statement` for every policy of a kind in the fixture's schema; `%I` is the policy, `%s` the
/// table.
fn policies(kind: &str, statement: &str) -> String {
    format!(
        "DO $do$ DECLARE p record; BEGIN FOR p IN SELECT policyname, schemaname || '.' || tablename AS name FROM pg_policies \
         WHERE schemaname = 'conformance' AND permissive = '{kind}' LOOP \
         EXECUTE format('{statement}', p.policyname, p.name); END LOOP; END $do$;"
    )
}

/// The runtime role may make temporary objects.
pub(super) fn temporary(database: &Database) -> String {
    format!(
        "GRANT TEMPORARY ON DATABASE {} TO {};",
        database.name(),
        runtime(database)
    ) + &no_event_trigger()
}

/// Without the trigger that stops the runtime role's DDL before rights are looked at.
fn no_event_trigger() -> String {
    "DO $do$ DECLARE t text; BEGIN FOR t IN SELECT evtname FROM pg_event_trigger LOOP \
     EXECUTE format('DROP EVENT TRIGGER %I', t); END LOOP; END $do$;"
        .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases() {
    all_are_caught(BUILDS, &majors()).await;
}

/// A server that lets transactions be prepared: their locks outlive the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepared_transactions() {
    let server = Server::builder(Major::V18)
        .setting("max_prepared_transactions", "5")
        .start()
        .await
        .unwrap();
    let database = server.database().await.unwrap();
    let world = World::on(database, TenantKind::Text, Database::runtime_url).await;
    let key = world.stage.sealing_key().unwrap().clone();
    let reference = Reference::new(&world.database.runtime_url(), key, TenantKind::Text, None);
    let suite = Suite::row_level_postgres().only(&["leftovers.prepared_transactions"]);
    let report = suite.run(&reference, &world.stage).await;
    assert_eq!(report.failures().count(), 1, "{report}");
}
