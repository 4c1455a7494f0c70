//! The template that tenants' databases are copies of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenancy_core::{Strategy, TenantId, TenantStatus};
use tenancy_fleet::Fleet;
use tenancy_fleet::migrations::MigrationSet;
use tenancy_fleet::provision::{Confirmed, ProvisionError, Template};
use tenancy_fleet::seeds::SeedSet;
use tenancy_fleet::site::{PostgresSite, Site, SiteError};
use tenancy_testkit::postgres::majors;

use super::ground::Ground;
use super::{set, set_with};
use crate::registry::cancelled::polled;
use crate::registry::side::Side;
use crate::registry::{ada, id};

macro_rules! on_databases {
    ($($test:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            for major in majors() {
                let ground = Ground::postgres_databases(major).await;
                let model = format!("{}model", ground.prefix);
                tests::$test(&ground, &model).await;
                let mut admin = ground.admin().await;
                for ending in ["", "_next", "_old"] {
                    admin
                        .run(&format!("DROP DATABASE IF EXISTS \"{model}{ending}\" WITH (FORCE)"))
                        .await;
                }
                drop(admin);
                ground.clear().await;
            }
        }
    )+};
}

on_databases!(
    a_copy_is_as_one_that_was_migrated,
    it_is_made_anew_for_newer_migrations,
    somebody_elses_database_is_left_alone,
    one_that_fails_leaves_the_old_one,
    sign_ups_never_have_half_of_one,
    one_that_is_broken_off_is_made_by_the_next,
    without_one_it_is_said,
);

/// The same fleet, with copies of a template.
fn with_template(ground: &Ground, model: &str) -> Fleet {
    let database = ground.postgres_database();
    let site = PostgresSite::new(database.admin_url()).unwrap();
    let site = site.owner(database.owner_role()).unwrap();
    let site = Site::from(site.template(model).unwrap())
        .database_prefix(&ground.prefix)
        .login_prefix(&ground.prefix);
    Fleet::new(ground.registry.clone(), site)
}

fn rich() -> MigrationSet {
    set_with(
        2,
        "CREATE TABLE t{} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text DEFAULT 'x' CHECK (v <> ''), w int); \
         CREATE INDEX ON t{} (w) WHERE w > 0; CREATE VIEW v{} AS SELECT * FROM t{}; \
         CREATE MATERIALIZED VIEW m{} AS SELECT count(*) AS n FROM t{}; \
         CREATE TYPE e{} AS ENUM ('a', 'b'); CREATE SEQUENCE s{} START 5; SELECT nextval('s{}'); \
         CREATE FUNCTION f{}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER g{} BEFORE INSERT ON t{} EXECUTE FUNCTION f{}(); \
         CREATE TABLE p{} (id int, k e{}) PARTITION BY LIST (k); CREATE TABLE pa{} PARTITION OF p{} FOR VALUES IN ('a'); \
         CREATE SCHEMA other{}; CREATE TABLE other{}.t (id int); COMMENT ON TABLE t{} IS 'note'; \
         INSERT INTO t{} (w) VALUES (1), (2)",
    )
}

async fn seeds() -> SeedSet {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("1_first.sql");
    std::fs::write(file, "INSERT INTO t1 (w) VALUES (99)").unwrap();
    SeedSet::from_folder(folder.path()).await.unwrap()
}

/// Everything that the catalogs of a tenant's database know, with the tenant's own names taken out.
async fn picture(ground: &Ground, tenant: &TenantId) -> String {
    const QUERIES: [&str; 11] = [
        "SELECT d.datdba::regrole::text, d.encoding::text, d.datcollate, d.datallowconn::text, d.datconnlimit::text, d.datistemplate::text, d.datacl::text, shobj_description(d.oid, 'pg_database') FROM pg_database AS d WHERE datname = current_database()",
        "SELECT count(*)::text FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
        "SELECT nspname::text, nspowner::regrole::text, nspacl::text, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_') ORDER BY 1",
        "SELECT c.relnamespace::regnamespace::text, c.relname::text, c.relkind::text, c.relowner::regrole::text, c.relacl::text, c.relrowsecurity::text, c.relpersistence::text, obj_description(c.oid, 'pg_class'), pg_get_viewdef(CASE WHEN relkind IN ('v', 'm') THEN c.oid END), pg_get_indexdef(CASE WHEN relkind = 'i' THEN c.oid END) FROM pg_class AS c WHERE NOT starts_with(relnamespace::regnamespace::text, 'pg_') AND relnamespace <> 'information_schema'::regnamespace ORDER BY 1, 2",
        "SELECT a.attrelid::regclass::text, a.attname::text, format_type(atttypid, atttypmod), attnotnull::text, attidentity::text, attgenerated::text, attacl::text, pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum JOIN pg_class AS c ON c.oid = a.attrelid WHERE NOT starts_with(relnamespace::regnamespace::text, 'pg_') AND relnamespace <> 'information_schema'::regnamespace AND attnum > 0 ORDER BY 1, attnum",
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE NOT starts_with(connamespace::regnamespace::text, 'pg_') AND connamespace <> 'information_schema'::regnamespace ORDER BY 1, 2",
        "SELECT proname::text, proowner::regrole::text, proacl::text, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype::text, defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3",
        "SELECT version::text, description, success::text, encode(checksum, 'hex') FROM _sqlx_migrations ORDER BY version",
        "SELECT (SELECT string_agg(t::text, ';' ORDER BY id) FROM t1 AS t), (SELECT string_agg(t::text, ';' ORDER BY id) FROM t2 AS t), (SELECT string_agg(name || encode(checksum, 'hex'), ';') FROM _tenancy_seeds), (SELECT last_value::text || is_called FROM s2), (SELECT n::text FROM m1)",
    ];
    let mut side = ground.inside(tenant).await;
    let mut picture = String::new();
    for query in QUERIES {
        picture += &side.texts(query).await;
    }
    picture.replace(tenant.as_str(), "TENANT")
}

async fn oid(admin: &mut Side, model: &str) -> i64 {
    let sql =
        format!("SELECT COALESCE(max(oid::bigint), 0) FROM pg_database WHERE datname = '{model}'");
    admin.number(&sql).await
}

/// How many of the template's databases there are, and how many of them could be connected to.
async fn models(admin: &mut Side, model: &str) -> (i64, i64) {
    let of = format!("FROM pg_database WHERE starts_with(datname, '{model}')");
    (
        admin.number(&format!("SELECT count(*) {of}")).await,
        admin
            .number(&format!("SELECT count(*) {of} AND datallowconn"))
            .await,
    )
}

mod tests {
    use super::*;

    pub(super) async fn a_copy_is_as_one_that_was_migrated(ground: &Ground, model: &str) {
        let plain = ground.fleet.clone().migrations(rich()).seeds(seeds().await);
        let copies = with_template(ground, model)
            .migrations(rich())
            .seeds(seeds().await);
        let (one, two) = (id("migrated"), id("copied"));
        let made = plain.onboard(&one, &ada()).await.unwrap();
        assert_eq!(copies.template().await.unwrap(), Template::Missing);
        assert_eq!(copies.prepare_template().await.unwrap(), Template::Missing);
        assert_eq!(copies.template().await.unwrap(), Template::Current);
        let mut admin = ground.admin().await;
        assert_eq!(models(&mut admin, model).await, (1, 0));
        let entry = copies.onboard(&two, &ada()).await.unwrap();
        assert_eq!(entry.status(), TenantStatus::Active);
        assert_eq!(entry.applied_version(), made.applied_version());
        assert_eq!(entry.applied_digest(), made.applied_digest());
        assert_eq!(picture(ground, &one).await, picture(ground, &two).await);
        // Its own login works in it, and in nobody else's.
        let mut login = ground.login(&two, &two).await.unwrap();
        login
            .run("INSERT INTO t1 (w) VALUES (3); SELECT nextval('s1')")
            .await;
        assert!(login.try_run("CREATE TABLE mine ()").await.is_err());
        assert!(ground.login(&two, &one).await.is_err());
        assert!(ground.login(&one, &two).await.is_err());
        // Nothing runs twice.
        let again = copies.prepare_template().await.unwrap();
        assert_eq!(again, Template::Current);
    }

    pub(super) async fn it_is_made_anew_for_newer_migrations(ground: &Ground, model: &str) {
        let old = with_template(ground, model).migrations(set(1));
        let new = with_template(ground, model).migrations(set(2));
        old.prepare_template().await.unwrap();
        let mut admin = ground.admin().await;
        let before = oid(&mut admin, model).await;
        old.prepare_template().await.unwrap();
        assert_eq!(oid(&mut admin, model).await, before);
        // What the template lacks, a new tenant has all the same.
        let early = new.onboard(&id("early"), &ada()).await.unwrap();
        assert_eq!(early.applied_version(), Some(2));
        assert_eq!(new.template().await.unwrap(), Template::Behind);
        assert_eq!(new.prepare_template().await.unwrap(), Template::Behind);
        assert_ne!(oid(&mut admin, model).await, before);
        assert_eq!(models(&mut admin, model).await, (1, 0));
        assert_eq!(new.template().await.unwrap(), Template::Current);
        let late = new.onboard(&id("late"), &ada()).await.unwrap();
        assert_eq!(late.applied_version(), Some(2));
        // An older process finds more than it knows, and says so.
        let refused = old.onboard(&id("older"), &ada()).await.unwrap_err();
        assert!(matches!(refused, ProvisionError::Migration(_)), "{refused}");
    }

    pub(super) async fn somebody_elses_database_is_left_alone(ground: &Ground, model: &str) {
        let fleet = with_template(ground, model).migrations(set(1));
        let mut admin = ground.admin().await;
        let theirs = "COMMENT ON DATABASE";
        for (ending, mark) in [
            ("", String::new()),
            (
                "",
                format!("{theirs} \"{model}\" IS 'tenancy: tenant acme'"),
            ),
            ("", format!("{theirs} \"{model}\" IS 'theirs'")),
            ("_next", String::new()),
            ("_old", String::new()),
            // Closed as one of ours is, and of another owner's.
            (
                "_next",
                format!(
                    "ALTER DATABASE \"{model}_next\" ALLOW_CONNECTIONS false CONNECTION LIMIT 0"
                ),
            ),
        ] {
            let name = format!("{model}{ending}");
            admin.run(&format!("CREATE DATABASE \"{name}\"")).await;
            if !mark.is_empty() {
                admin.run(&mark).await;
            }
            let before = oid(&mut admin, &name).await;
            let refused = fleet.prepare_template().await.unwrap_err();
            assert_eq!(
                refused,
                ProvisionError::Site(SiteError::NotOurs),
                "{name} {mark}"
            );
            assert_eq!(oid(&mut admin, &name).await, before);
            admin.run(&format!("DROP DATABASE \"{name}\"")).await;
        }
        for reserved in ["template1", "postgres", ground.postgres_database().name()] {
            let refused = with_template(ground, reserved).prepare_template().await;
            assert_eq!(
                refused.unwrap_err(),
                ProvisionError::Site(SiteError::NotOurs)
            );
        }
        let long = "x".repeat(60);
        let refused = with_template(ground, &long)
            .prepare_template()
            .await
            .unwrap_err();
        assert!(matches!(
            refused,
            ProvisionError::Site(SiteError::Name { .. })
        ));
    }

    pub(super) async fn one_that_fails_leaves_the_old_one(ground: &Ground, model: &str) {
        let old = with_template(ground, model).migrations(set(1));
        old.prepare_template().await.unwrap();
        let mut admin = ground.admin().await;
        let before = oid(&mut admin, model).await;
        let wrong = with_template(ground, model).migrations(set_with(1, "CREATE TABLE ("));
        for _ in 0..2 {
            let refused = wrong.prepare_template().await.unwrap_err();
            assert!(matches!(refused, ProvisionError::Migration(_)), "{refused}");
            assert_eq!(oid(&mut admin, model).await, before);
        }
        old.onboard(&id("acme"), &ada()).await.unwrap();
        assert_eq!(old.prepare_template().await.unwrap(), Template::Current);
        assert_eq!(models(&mut admin, model).await, (1, 0));
    }

    pub(super) async fn sign_ups_never_have_half_of_one(ground: &Ground, model: &str) {
        let fleet = with_template(ground, model).migrations(set(2));
        let other = with_template(ground, model)
            .migrations(set(2))
            .seeds(none().await);
        fleet.prepare_template().await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let signing_up = tokio::spawn({
            let (fleet, over) = (fleet.clone(), over.clone());
            async move {
                let mut ids = Vec::new();
                while !over.load(Ordering::SeqCst) {
                    let tenant = id(&format!("t{}", ids.len()));
                    let made = fleet.onboard(&tenant, &ada()).await.unwrap();
                    assert_eq!(made.applied_version(), Some(2));
                    ids.push(tenant);
                }
                ids
            }
        });
        for _ in 0..3 {
            other.prepare_template().await.unwrap();
            fleet.prepare_template().await.unwrap();
        }
        over.store(true, Ordering::SeqCst);
        let ids = signing_up.await.unwrap();
        assert!(ids.len() > 3, "{}", ids.len());
        for tenant in &ids {
            let mut login = ground.login(tenant, tenant).await.unwrap();
            login
                .run("INSERT INTO t1 VALUES (1); INSERT INTO t2 VALUES (1)")
                .await;
        }
        for tenant in &ids {
            let confirmed = Confirmed::new(tenant, tenant.as_str()).unwrap();
            fleet.offboard(tenant, &confirmed, &ada()).await.unwrap();
        }
        let mut admin = ground.admin().await;
        assert_eq!(models(&mut admin, model).await, (1, 0));
    }

    async fn none() -> SeedSet {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("1.sql"), "SELECT 1").unwrap();
        SeedSet::from_folder(folder.path()).await.unwrap()
    }

    pub(super) async fn one_that_is_broken_off_is_made_by_the_next(ground: &Ground, model: &str) {
        let one = with_template(ground, model).migrations(set(1));
        let two = with_template(ground, model).migrations(set(2));
        let mut admin = ground.admin().await;
        one.prepare_template().await.unwrap();
        for (round, fleet) in [&two, &one].into_iter().cycle().take(10).enumerate() {
            let _ = polled(3 + round * 11 % 60, Box::pin(fleet.prepare_template())).await;
            // There is one all the time, and it is closed.
            assert_ne!(oid(&mut admin, model).await, 0);
            let open = format!(
                "SELECT count(*) FROM pg_database WHERE datname = '{model}' AND (datallowconn OR datistemplate)"
            );
            assert_eq!(admin.number(&open).await, 0);
            fleet.prepare_template().await.unwrap();
            assert_eq!(fleet.template().await.unwrap(), Template::Current);
            assert_eq!(models(&mut admin, model).await, (1, 0));
        }
    }

    pub(super) async fn without_one_it_is_said(ground: &Ground, model: &str) {
        let fleet = with_template(ground, model).migrations(set(1));
        let refused = fleet.onboard(&id("acme"), &ada()).await.unwrap_err();
        assert_eq!(refused, ProvisionError::NoTemplate);
        fleet.prepare_template().await.unwrap();
        fleet.onboard(&id("acme"), &ada()).await.unwrap();
        // No name, or no databases.
        let unnamed = ground.fleet.prepare_template().await.unwrap_err();
        assert!(matches!(
            unnamed,
            ProvisionError::Site(SiteError::Strategy { .. })
        ));
        let site = fleet
            .sites()
            .main()
            .clone()
            .strategy(Strategy::SchemaPerTenant);
        let schemas = Fleet::new(ground.registry.clone(), site);
        let refused = schemas.prepare_template().await.unwrap_err();
        assert!(matches!(
            refused,
            ProvisionError::Site(SiteError::Strategy { .. })
        ));
    }
}
