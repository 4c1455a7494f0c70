//! Adapters and databases that are broken in the tiers where a tenant has a place or a login of
//! its own.

use std::time::Duration;

use tenancy_conformance::{Report, Stage, Suite, Tier};
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::pgbouncer::{PgBouncerConfig, is_left_out};
use tenancy_testkit::postgres::{Database, Major, majors};

use crate::reference::{Fault, Reference};
use crate::world::World;

/// One broken build.
struct Broken {
    what: &'static str,
    tiers: &'static [Tier],
    fault: Option<Fault>,
    /// Run by the administrator over a sound stage.
    sql: fn(&Stage) -> String,
    /// How the pooler is set up, where there is one.
    pooler: fn(&Database) -> PgBouncerConfig,
    /// The cases that must fail, in each of the tiers. Others may.
    caught_by: &'static [&'static str],
}

const LOGINS: &[Tier] = &[Tier::RowLevelLogins, Tier::SchemaLogins, Tier::Databases];
const SCHEMAS: &[Tier] = &[Tier::SchemaRouted, Tier::SchemaLogins];
const PLACES: &[Tier] = &[Tier::SchemaRouted, Tier::SchemaLogins, Tier::Databases];

const SOUND: Broken = Broken {
    what: "",
    tiers: &[],
    fault: None,
    sql: |_| String::new(),
    pooler: |database| PgBouncerConfig::careful(database),
    caught_by: &[],
};

const UNSEEN: Broken = Broken {
    fault: Some(Fault::NoIdentityCheck),
    ..SOUND
};

const ADAPTERS: &[Broken] = &[
    Broken {
        what: "a connection of one tenant's login goes to the other",
        tiers: LOGINS,
        fault: Some(Fault::LeaseIgnored),
        caught_by: &[
            "reads.own_rows",
            "concurrency.sessions",
            "writes.default_tenant",
        ],
        ..SOUND
    },
    Broken {
        what: "everyone is led to the first tenant's database",
        tiers: &[Tier::Databases],
        fault: Some(Fault::FirstDatabase),
        caught_by: &["reads.own_rows"],
        ..SOUND
    },
    Broken {
        what: "nobody asks whose a place is",
        tiers: PLACES,
        fault: Some(Fault::NoIdentityCheck),
        caught_by: &["routing.foreign_placement", "routing.unmarked"],
        ..SOUND
    },
    Broken {
        what: "nobody asks whose a schema is, at each binding",
        tiers: &[Tier::SchemaRouted],
        fault: Some(Fault::NoIdentityCheck),
        caught_by: &["routing.renamed"],
        ..SOUND
    },
    Broken {
        what: "`public` before the tenant's schema",
        tiers: SCHEMAS,
        fault: Some(Fault::PathWritten("public, {}, pg_temp")),
        caught_by: &["shadow.public"],
        ..SOUND
    },
    Broken {
        what: "`public` behind the tenant's schema",
        tiers: SCHEMAS,
        fault: Some(Fault::PathWritten("{}, public, pg_temp")),
        caught_by: &["shadow.public"],
        ..SOUND
    },
    Broken {
        what: "`\"$user\"` before the tenant's schema",
        tiers: SCHEMAS,
        fault: Some(Fault::PathWritten("\"$user\", {}, pg_temp")),
        caught_by: &["shadow.user"],
        ..SOUND
    },
    Broken {
        what: "pg_temp not named, and so first",
        tiers: SCHEMAS,
        fault: Some(Fault::PathWritten("{}")),
        caught_by: &["shadow.temporary"],
        ..SOUND
    },
    Broken {
        what: "a path of the session's, which the scrub leaves",
        tiers: &[Tier::SchemaRouted],
        fault: Some(Fault::PathRemembered),
        caught_by: &["cancellation.acquire", "leftovers.settings"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the settings, and so the path",
        tiers: &[Tier::SchemaRouted],
        fault: Some(Fault::ScrubWithout("RESET ALL")),
        caught_by: &["leftovers.settings", "routed.after_commit"],
        ..SOUND
    },
    Broken {
        what: "no scrub between scopes",
        tiers: &[
            Tier::RowLevelLogins,
            Tier::SchemaRouted,
            Tier::SchemaLogins,
            Tier::Databases,
        ],
        fault: Some(Fault::NoScrub),
        caught_by: &[
            "leftovers.settings",
            "leftovers.random_seed",
            "leftovers.hold_cursors",
            "leftovers.listeners",
            "leftovers.advisory_locks",
            "leftovers.prepared_by_sql",
            "leftovers.hijacked_statement",
        ],
        ..SOUND
    },
    Broken {
        // A routed connection is asked at its next binding whether it may use the schema.
        what: "no scrub between scopes of one login",
        tiers: LOGINS,
        fault: Some(Fault::NoScrub),
        caught_by: &["leftovers.role"],
        ..SOUND
    },
    Broken {
        what: "what was not committed is committed at release",
        tiers: PLACES,
        fault: Some(Fault::CommitOnDrop),
        caught_by: &["transactions.endings", "transactions.left_open"],
        ..SOUND
    },
    Broken {
        what: "whether a scope is still open is not asked",
        tiers: PLACES,
        fault: Some(Fault::TicketUnchecked),
        caught_by: &["scopes.ended", "scopes.mismatch"],
        ..SOUND
    },
];

/// Under an adapter that does not look: what its look would find, the attack itself has to show.
const DATABASES: &[Broken] = &[
    Broken {
        what: "one tenant's login has the other's schema too",
        tiers: &[Tier::SchemaLogins],
        sql: |stage| {
            let (schema, login) = (schema(stage, 1), login(stage, 0));
            format!(
                "GRANT USAGE ON SCHEMA {schema} TO {login}; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {login}"
            )
        },
        caught_by: &["reach.names", "reach.search_path"],
        ..UNSEEN
    },
    Broken {
        what: "the tenants' logins are members of one another",
        tiers: LOGINS,
        sql: |stage| format!("GRANT {} TO {}", login(stage, 1), login(stage, 0)),
        caught_by: &["reach.roles", "forging.roles"],
        ..UNSEEN
    },
    Broken {
        what: "a tenant's login may read all data",
        tiers: &[Tier::SchemaLogins],
        sql: |stage| {
            format!(
                "ALTER ROLE {0} INHERIT; GRANT pg_read_all_data TO {0}",
                login(stage, 0)
            )
        },
        caught_by: &["reach.names"],
        ..UNSEEN
    },
    Broken {
        // On shared tables the installation takes the functions from everyone.
        what: "a tenant's login sees its neighbours' queries, and ends them",
        tiers: &[Tier::SchemaLogins, Tier::Databases],
        sql: |stage| {
            format!(
                "ALTER ROLE {0} INHERIT; GRANT pg_read_all_stats, pg_signal_backend TO {0}",
                login(stage, 0)
            )
        },
        caught_by: &["takedown.neighbours"],
        ..UNSEEN
    },
    Broken {
        what: "everyone may connect to every database",
        tiers: &[Tier::Databases],
        sql: |stage| {
            let database = stage.tenants()[1]
                .placement()
                .database_name()
                .unwrap()
                .to_owned();
            format!("GRANT CONNECT ON DATABASE \"{database}\" TO PUBLIC")
        },
        caught_by: &["reach.log_in"],
        ..UNSEEN
    },
    Broken {
        what: "the tenants' logins have one password",
        tiers: LOGINS,
        sql: |stage| {
            use secrecy::ExposeSecret as _;
            let password = stage.tenants()[0]
                .password()
                .unwrap()
                .expose_secret()
                .to_owned();
            format!("ALTER ROLE {} PASSWORD '{password}'", login(stage, 1))
        },
        caught_by: &["reach.log_in"],
        ..UNSEEN
    },
    Broken {
        what: "a tenant's login may make schemas and temporary tables",
        tiers: SCHEMAS,
        sql: |_| {
            "DO $do$ BEGIN EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $do$"
                .into()
        },
        caught_by: &["hostile_names.create", "hostile_names.temporary"],
        ..UNSEEN
    },
    Broken {
        what: "the wall for logins was dropped",
        tiers: &[Tier::RowLevelLogins],
        sql: |_| "ALTER TABLE conformance.notes DISABLE ROW LEVEL SECURITY".into(),
        caught_by: &[
            "reads.own_rows",
            "logins.strangers",
            "writes.insert_for_other",
        ],
        ..UNSEEN
    },
    Broken {
        what: "the wall for logins reads a setting",
        tiers: &[Tier::RowLevelLogins],
        sql: |_| setting_walls(),
        caught_by: &["forging.settings"],
        ..UNSEEN
    },
];

const POOLERS: &[Broken] = &[
    Broken {
        what: "a pooler that resets in session mode only, and nobody looks",
        tiers: &[Tier::RowLevelPooled],
        fault: Some(Fault::NoIdentityCheck),
        pooler: |database| PgBouncerConfig::careless(database),
        caught_by: &[
            "leftovers.hold_cursors",
            "leftovers.listeners",
            "leftovers.advisory_locks",
            "leftovers.prepared_by_sql",
        ],
        ..SOUND
    },
    Broken {
        what: "what the pooler keeps for its client, and the seed that it leaves, are not reset",
        tiers: &[Tier::RowLevelPooled],
        fault: Some(Fault::NoScrub),
        caught_by: &["leftovers.settings", "leftovers.random_seed"],
        ..SOUND
    },
    Broken {
        what: "everyone is the tenant that came first",
        tiers: &[Tier::RowLevelPooled],
        fault: Some(Fault::FirstTenant),
        caught_by: &["reads.own_rows", "concurrency.transactions"],
        ..SOUND
    },
    Broken {
        what: "what was not committed is committed at release",
        tiers: &[Tier::RowLevelPooled],
        fault: Some(Fault::CommitOnDrop),
        caught_by: &["transactions.endings", "transactions.panic"],
        ..SOUND
    },
];

/// Walls that read the login's end, unless a setting says otherwise.
fn setting_walls() -> String {
    "DO $do$ DECLARE p record; e text := 'tenant_id = COALESCE(NULLIF(current_setting(''app.tenant_id'', true), ''''), \
     substr(session_user::text, strpos(session_user::text, ''_'') + 1))'; BEGIN \
     FOR p IN SELECT policyname, schemaname, tablename FROM pg_policies WHERE schemaname = 'conformance' AND permissive = 'RESTRICTIVE' LOOP \
     EXECUTE format('ALTER POLICY %I ON %I.%I USING (%s) WITH CHECK (%s)', p.policyname, p.schemaname, p.tablename, e, e); END LOOP; END $do$"
        .into()
}

fn schema(stage: &Stage, at: usize) -> String {
    let name = stage.tenants()[at]
        .placement()
        .schema_name()
        .unwrap()
        .to_owned();
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn login(stage: &Stage, at: usize) -> String {
    format!("\"{}\"", stage.tenants()[at].login().unwrap())
}

/// Plays the cases that must catch it, and answers what they said.
async fn play(broken: &Broken, tier: Tier, major: Major) -> Report {
    let world = World::with(tier, major, TenantKind::Text, broken.pooler).await;
    let stage = &world.stage;
    let admin = world.database.admin().await.unwrap();
    admin.batch_execute(&(broken.sql)(stage)).await.unwrap();
    let reference = Reference::over(stage, &world.url, broken.fault);
    let suite = Suite::of(tier).only(broken.caught_by);
    suite
        .time_limit(Duration::from_secs(15))
        .run(&reference, stage)
        .await
}

async fn all_are_caught(builds: &[Broken], majors: &[Major]) {
    let mut missed = Vec::new();
    for major in majors {
        for broken in builds {
            for tier in broken.tiers {
                let report = play(broken, *tier, *major).await;
                println!("{major}: {}\n{report}\n", broken.what);
                for case in broken.caught_by {
                    if !report.failures().any(|(failed, _)| failed == *case) {
                        missed.push(format!(
                            "{case} did not catch, on {major}: {}\n{report}",
                            broken.what
                        ));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adapters() {
    all_are_caught(ADAPTERS, &[Major::V18]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases() {
    all_are_caught(DATABASES, &majors()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poolers() {
    if is_left_out() {
        println!("left out: PgBouncer");
        return;
    }
    all_are_caught(POOLERS, &[Major::V18]).await;
}
