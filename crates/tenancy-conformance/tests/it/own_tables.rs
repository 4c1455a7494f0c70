//! The suite over an application's own tables, and its own rules.

use tenancy_conformance::{
    Ground, Harness as _, OwnTable, Stage, StageError, Suite, Tier, Trial, TrialError,
};
use tenancy_core::{Enforcement, TenantId};
use tenancy_postgres::install::Install;
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::wall::Wall;
use tenancy_testkit::postgres::{Database, Major, Server};

use crate::reference::Reference;
use crate::world::{World, roles};

/// An application with two tables and two customers, which knows nothing of the suite.
async fn application(database: &Database) -> SealingKey {
    let admin = database.admin().await.unwrap();
    let roles = roles(database);
    let key = SealingKey::generate(KeyId::new(7).unwrap()).unwrap();
    let mut steps: Vec<String> = Install::new(roles.clone(), key.clone())
        .plan()
        .steps()
        .iter()
        .map(|step| step.sql().to_owned())
        .collect();
    steps.push(format!(
        "CREATE SCHEMA shop AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA shop TO {runtime}; SET ROLE {owner}; \
         CREATE TABLE shop.orders (customer uuid NOT NULL, number int NOT NULL, total numeric, PRIMARY KEY (customer, number)); \
         CREATE TABLE shop.\"Order lines\" (customer uuid NOT NULL, id uuid DEFAULT gen_random_uuid(), what jsonb, PRIMARY KEY (customer, id)); \
         RESET ROLE; \
         INSERT INTO shop.orders SELECT c::uuid, n, n * 10 FROM unnest('{{{A},{B}}}'::text[]) AS c, generate_series(1, 3) AS n; \
         INSERT INTO shop.\"Order lines\" (customer, what) SELECT customer, '{{\"it''s\": 1}}' FROM shop.orders;",
        owner = database.owner_role(),
        runtime = database.runtime_role(),
    ));
    for table in ["shop.orders", "shop.Order lines"] {
        let wall = Wall::new(
            table.parse().unwrap(),
            "customer".parse().unwrap(),
            TenantKind::Uuid,
        )
        .unwrap();
        steps.extend(
            wall.plan(&roles)
                .steps()
                .iter()
                .map(|step| step.sql().to_owned()),
        );
    }
    for sql in steps {
        admin.batch_execute(&sql).await.unwrap();
    }
    key
}

const A: &str = "5bd3e4b7-64c9-4d8e-a2a4-1a9f0a6f7a01";
const B: &str = "5bd3e4b7-64c9-4d8e-a2a4-1a9f0a6f7a02";

async fn attach(database: &Database) -> Stage {
    let tables =
        ["shop.orders", "shop.Order lines"].map(|table| OwnTable::new(table, "customer").unwrap());
    let tenants = [A, B].map(|id| TenantId::new(id).unwrap());
    Stage::attach(
        &database.admin_url(),
        &database.runtime_url(),
        TenantKind::Uuid,
        tables.into(),
        tenants,
    )
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_plays_on_its_own() {
    let database = Server::shared(Major::V18)
        .await
        .unwrap()
        .database()
        .await
        .unwrap();
    let key = application(&database).await;
    let stage = attach(&database).await;
    let adapter = Reference::new(&database.runtime_url(), key, TenantKind::Uuid, None);
    let admin = database.admin().await.unwrap();
    let all = "SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM shop.orders t";
    let before: String = admin.query_one(all, &[]).await.unwrap().get(0);

    let report = Suite::own_tables().run(&adapter, &stage).await;
    assert!(
        report.is_clean() && report.skipped().next().is_none(),
        "{report}"
    );
    assert_eq!(report.evidence().unwrap().server_version(), "18.6");
    let after: String = admin.query_one(all, &[]).await.unwrap().get(0);
    assert_eq!(before, after, "the suite changed an application's rows");

    for (hole, caught_by) in [
        (
            "ALTER TABLE shop.\"Order lines\" DISABLE ROW LEVEL SECURITY",
            "tables.reads",
        ),
        (
            "ALTER TABLE shop.\"Order lines\" ENABLE ROW LEVEL SECURITY; GRANT TRUNCATE ON shop.orders TO PUBLIC",
            "tables.changes",
        ),
        (
            "CREATE POLICY extra ON shop.orders USING (true); DROP POLICY tenancy_wall ON shop.orders",
            "tables.inserts",
        ),
    ] {
        admin.batch_execute(hole).await.unwrap();
        let report = Suite::own_tables().run(&adapter, &stage).await;
        assert!(
            report.failures().any(|(case, _)| case == caught_by),
            "{hole}\n{report}"
        );
        assert!(report.evidence().is_err());
    }
    // A tenant without rows proves nothing.
    admin
        .batch_execute(&format!("DELETE FROM shop.orders WHERE customer = '{B}'"))
        .await
        .unwrap();
    let report = Suite::own_tables()
        .only(&["tables.reads"])
        .run(&adapter, &stage)
        .await;
    assert!(
        report.to_string().contains("both tenants need one"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_needs_a_superuser_and_a_runtime_role() {
    let database = Server::shared(Major::V18)
        .await
        .unwrap()
        .database()
        .await
        .unwrap();
    let install = |admin: String, runtime: String| {
        let roles = roles(&database);
        async move { Stage::install(&admin, &runtime, &roles, TenantKind::Text).await }
    };
    let no_superuser = install(database.owner_url(), database.runtime_url()).await;
    assert!(matches!(no_superuser, Err(StageError::NotSuperuser)));
    let nobody = install(database.admin_url(), "postgresql://127.0.0.1/x".into()).await;
    assert!(matches!(nobody, Err(StageError::NoRuntimeRole)));
    let nowhere = install("not a url".into(), database.runtime_url()).await;
    assert!(matches!(nowhere, Err(StageError::Database(_))));
    assert!(OwnTable::new("a.b.c", "tenant_id").is_err());
}

/// An adapter that hands out two connections would make cases about leftovers pass for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_harness_of_two_connections_is_noticed() {
    let World {
        stage, database, ..
    } = World::new(Major::V18, TenantKind::Text).await;
    let key = stage.sealing_key().unwrap();
    let one = || Reference::new(&database.runtime_url(), key.clone(), TenantKind::Text, None);
    let two = crate::odd::InTurns::new(one(), one());
    assert_eq!(two.adapter(), "in turns");
    let report = Suite::row_level_postgres()
        .only(&["leftovers.settings", "leftovers.listeners"])
        .run(&two, &stage)
        .await;
    assert!(
        report
            .to_string()
            .contains("build the harness with one connection"),
        "{report}"
    );
}

/// What goes wrong in an adapter is in the report: a panic, and a time that is up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suite_never_panics_and_always_ends() {
    let World {
        stage,
        database: _kept,
        ..
    } = World::new(Major::V18, TenantKind::Text).await;
    for (stuck, word) in [
        (false, "the adapter panicked"),
        (true, "not done after 1 s"),
    ] {
        let suite = Suite::row_level_postgres().time_limit(std::time::Duration::from_secs(1));
        let report = suite
            .only(&["reads."])
            .run(&crate::odd::Hopeless { stuck }, &stage)
            .await;
        assert_eq!(report.passed(), 0, "{report}");
        assert!(report.to_string().contains(word), "{report}");
    }
}

/// A trial fails over what its suite finds, and over an adapter that does not start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_says_what_was_found() {
    let server = Server::shared(Major::V18).await.unwrap();
    let database = server.database().await.unwrap();
    let names = [
        database.runtime_role(),
        database.central_role(),
        database.owner_role(),
    ];
    let ground = Ground::new(database.admin_url(), database.runtime_url(), names).unwrap();
    let trial = Trial::of(Tier::SchemaRouted);
    let hopeless = trial
        .play(&ground, async |_| Ok(crate::odd::Hopeless { stuck: false }))
        .await;
    let Err(TrialError::Found(report)) = hopeless else {
        panic!("{hopeless:?}");
    };
    // What is asked of the database alone, an adapter has no part in.
    assert!(report.passed() < 4, "{report}");
    assert!(report.evidence_line().is_err() && report.note_down().is_err());

    let database = server.database().await.unwrap();
    let ground = Ground::new(database.admin_url(), database.runtime_url(), names).unwrap();
    let none = trial
        .play(&ground, async |_| -> Result<crate::odd::Hopeless, _> {
            Err("no such adapter".into())
        })
        .await;
    assert!(format!("{:?}", none.unwrap_err()).contains("no such adapter"));
    assert!(Ground::new("", "", ["app", "app", "app_owner"]).is_err());
}

/// Every tier has a suite, and only the routed one leaves the enforcing to the facade.
#[test]
fn every_tier_has_its_cases() {
    for tier in Tier::ALL {
        let suite = Suite::of(tier);
        let names: Vec<_> = suite.cases().map(|(name, _)| name).collect();
        assert!(names.len() > 60, "{tier:?}: {}", names.len());
        let says = names.contains(&"routed.names_are_not_enforced");
        assert_eq!(says, tier.enforcement() == Enforcement::Facade, "{tier:?}");
    }
}
