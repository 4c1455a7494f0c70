//! What a pool refuses to start on, or to go on with.

use tenancy_core::{MemoryStore, Tenancy, Tenant, TenantId, TenantScope};
use tenancy_postgres::install::Roles;
use tenancy_postgres::key::{KeyId, SealingKey};
use tenancy_postgres::verify::Code;
use tenancy_sqlx::Error;
use tenancy_sqlx::postgres::{CentralPool, Findings, PoolError, TenantKind, TenantPool};

use super::stage::{ACME, Stage, all_back, each, rested};

fn holes<T: std::fmt::Debug>(tried: Result<T, Error>) -> Findings {
    match tried {
        Err(Error::Pool(PoolError::Unsafe(findings))) => findings,
        other => panic!("{other:?}"),
    }
}

fn names(findings: &Findings, code: Code) -> bool {
    findings
        .iter()
        .any(|finding| finding.code == code && !finding.mend.is_empty())
}

#[tokio::test]
async fn a_hole_is_named_with_its_mend_and_nothing_is_served() {
    each(async |stage: Stage| {
        let url = stage.database.runtime_url();
        let hole = "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY";
        stage.admin.batch_execute(hole).await.unwrap();
        let findings = holes(stage.builder(&url).connect().await);
        assert!(names(&findings, Code::NotForced), "{findings}");
        let shown = findings.to_string();
        assert!(shown.contains("FORCE ROW LEVEL SECURITY"), "{shown}");
        // Accepted by name, it is still in the report.
        let object = &findings
            .iter()
            .find(|finding| finding.code == Code::NotForced)
            .unwrap()
            .object;
        holes(
            stage
                .builder(&url)
                .accept_finding(Code::NotForced, "another")
                .connect()
                .await,
        );
        let pool = stage
            .builder(&url)
            .accept_finding(Code::NotForced, object)
            .connect()
            .await
            .unwrap();
        let again = pool.verify().await.unwrap();
        assert!(again.iter().any(|finding| finding.code == Code::NotForced));
        stage
            .admin
            .batch_execute("ALTER TABLE notes FORCE ROW LEVEL SECURITY")
            .await
            .unwrap();
        let again = pool.verify().await.unwrap();
        assert!(
            again.iter().all(|finding| finding.code != Code::NotForced),
            "{again:?}"
        );
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn a_setting_planted_for_every_later_connection_stops_the_pool() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        // What injected SQL can do: it outlives every scrub.
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        let plant = "ALTER ROLE CURRENT_USER SET statement_timeout = 5000";
        sqlx::raw_sql(plant).execute(&mut *db).await.unwrap();
        drop(db);
        all_back(&pool).await;
        stage.kill_all().await;
        rested().await;
        let findings = holes(pool.acquire(&acme.scope).await);
        assert!(names(&findings, Code::RoleSetting), "{findings}");
        holes(pool.begin(&acme.scope).await);
        let runtime = stage.database.runtime_role();
        let mend = format!("ALTER ROLE {runtime} RESET statement_timeout");
        stage.admin.batch_execute(&mend).await.unwrap();
        drop(pool.acquire(&acme.scope).await.unwrap());
        all_back(&pool).await;
        // One that is meant is told to the pool.
        stage
            .admin
            .batch_execute(&format!(
                "ALTER ROLE {runtime} SET statement_timeout = '7s'"
            ))
            .await
            .unwrap();
        let url = stage.database.runtime_url();
        holes(stage.builder(&url).connect().await);
        stage
            .builder(&url)
            .expect_role_setting("statement_timeout=7s")
            .connect()
            .await
            .unwrap();
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_login_above_the_wall_is_refused() {
    each(async |stage: Stage| {
        let above = holes(stage.builder(&stage.database.admin_url()).connect().await);
        assert!(
            above.to_string().contains("is not the runtime role"),
            "{above}"
        );
        holes(stage.builder(&stage.database.central_url()).connect().await);
        holes(stage.builder(&stage.database.owner_url()).connect().await);
        let findings = holes(CentralPool::connect(&stage.database.admin_url()).await);
        assert!(names(&findings, Code::RoleAttribute), "{findings}");
        let findings = holes(CentralPool::connect(&stage.database.runtime_url()).await);
        assert!(findings.to_string().contains("BYPASSRLS"), "{findings}");
        // A member of a superuser.
        let central = stage.database.central_role();
        stage
            .admin
            .batch_execute(&format!("GRANT postgres TO {central}"))
            .await
            .unwrap();
        let findings = holes(CentralPool::connect(&stage.database.central_url()).await);
        assert!(names(&findings, Code::Membership), "{findings}");
        stage
            .admin
            .batch_execute(&format!("REVOKE postgres FROM {central}"))
            .await
            .unwrap();
        CentralPool::connect(&stage.database.central_url())
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn where_nothing_is_installed_the_finding_says_so() {
    each(async |stage: Stage| {
        let bare = stage.server.database().await.unwrap();
        let role = |name: &str| name.parse().unwrap();
        let roles = Roles::new(
            role(bare.runtime_role()),
            role(bare.central_role()),
            role(bare.owner_role()),
        );
        let builder = stage.builder(&bare.runtime_url()).roles(roles.unwrap());
        let findings = holes(builder.connect().await);
        assert!(names(&findings, Code::NotInstalled), "{findings}");
        // Another installation's login: what is expected of its runtime role says nothing of it.
        let findings = holes(stage.builder(&bare.runtime_url()).connect().await);
        assert!(
            findings.to_string().contains("is not the runtime role"),
            "{findings}"
        );
    })
    .await;
}

#[tokio::test]
async fn another_key_opens_nothing() {
    each(async |stage: Stage| {
        let acme = stage.scope(ACME).await;
        for id in [1, 2] {
            let other = SealingKey::generate(KeyId::new(id).unwrap()).unwrap();
            let pool = stage
                .builder(&stage.database.runtime_url())
                .sealing_key(other)
                .max_connections(1)
                .connect()
                .await
                .unwrap();
            for _ in 0..3 {
                let refused = pool.acquire(&acme.scope).await.unwrap_err();
                assert!(
                    matches!(refused, Error::Pool(PoolError::Refused { .. })),
                    "{refused:?}"
                );
                let refused = pool.begin(&acme.scope).await.unwrap_err();
                assert!(
                    matches!(refused, Error::Pool(PoolError::Refused { .. })),
                    "{refused:?}"
                );
            }
            all_back(&pool).await;
            assert_eq!(pool.status().idle, 0);
        }
        acme.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_not_canonical_for_the_columns_type_opens_nothing() {
    each(async |stage: Stage| {
        let pool = stage
            .builder(&stage.database.runtime_url())
            .kind(TenantKind::Bigint)
            .max_connections(1)
            .connect()
            .await
            .unwrap();
        let tenants = ["01000", "1000"].map(|id| Tenant::new(TenantId::new(id).unwrap()));
        let tenancy = Tenancy::builder(MemoryStore::new(tenants))
            .without_requests()
            .build();
        let tried = async |id: &str| {
            tenancy
                .run(id, async |scope: &TenantScope| -> Result<(), Error> {
                    pool.begin(scope).await?.commit().await?;
                    pool.acquire(scope).await.map(drop)
                })
                .await
        };
        assert!(matches!(
            tried("01000").await,
            Err(Error::Pool(PoolError::Enforcement(_)))
        ));
        // The connection was not spoilt.
        assert_eq!(pool.status().size, 1);
        tried("1000").await.unwrap();
        all_back(&pool).await;
    })
    .await;
}

#[tokio::test]
async fn without_a_key_a_url_or_a_server() {
    // The environment of a test run holds no sealing key.
    let none = TenantPool::connect("postgres://app@127.0.0.1:1/none").await;
    assert!(
        matches!(none, Err(Error::Pool(PoolError::NoSealingKey))),
        "{none:?}"
    );
    let key = SealingKey::generate(KeyId::new(1).unwrap()).unwrap();
    let odd = TenantPool::builder("not a url")
        .sealing_key(key.clone())
        .connect()
        .await;
    assert!(
        matches!(odd, Err(Error::Pool(PoolError::Url(_)))),
        "{odd:?}"
    );
    let server = tenancy_testkit::postgres::Server::shared(tenancy_testkit::postgres::majors()[0]);
    let server = server.await.unwrap();
    let database = server.database().await.unwrap();
    let url = database.url_for(database.runtime_role(), "not-the-password");
    let refused = TenantPool::builder(&url).sealing_key(key).connect().await;
    match refused {
        Err(Error::Pool(PoolError::Connect(error))) => {
            assert!(!format!("{error:?} {error}").contains("not-the"));
        }
        // A server that trusts everyone on this host.
        other => assert!(
            matches!(other, Err(Error::Pool(PoolError::Unsafe(_)))),
            "{other:?}"
        ),
    }
}

#[tokio::test]
async fn the_urls_own_options_do_not_undo_what_is_pinned() {
    each(async |stage: Stage| {
        let url = format!(
            "{}?options=-c%20row_security%3Doff%20-c%20search_path%3Dtenancy%20-c%20work_mem%3D8MB",
            stage.database.runtime_url()
        );
        let pool = stage
            .builder(&url)
            .application_name("notes")
            .connect()
            .await
            .unwrap();
        let acme = stage.scope(ACME).await;
        let mut db = pool.acquire(&acme.scope).await.unwrap();
        for (setting, value) in [
            ("row_security", "on"),
            ("search_path", "\"$user\", public"),
            ("work_mem", "8MB"),
            ("application_name", "notes"),
            ("client_connection_check_interval", "100ms"),
        ] {
            let is: String = sqlx::query_scalar("SELECT current_setting($1)")
                .bind(setting)
                .fetch_one(&mut *db)
                .await
                .unwrap();
            assert_eq!(is, value, "{setting}");
        }
        drop(db);
        acme.end().await;
    })
    .await;
}
