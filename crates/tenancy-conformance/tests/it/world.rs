//! A fresh database with everything installed, for one run of the suite.

use tenancy_conformance::{Stage, Tier};
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::install::Roles;
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig};
use tenancy_testkit::postgres::{Database, Major, Server};

pub(crate) struct World {
    pub(crate) stage: Stage,
    /// What an adapter connects to.
    pub(crate) url: String,
    pub(crate) database: Database,
    pub(crate) pooler: Option<PgBouncer>,
}

pub(crate) fn roles(database: &Database) -> Roles {
    let name = |name: &str| Identifier::new(name).unwrap();
    Roles::new(
        name(database.runtime_role()),
        name(database.central_role()),
        name(database.owner_role()),
    )
    .unwrap()
}

impl World {
    pub(crate) async fn new(major: Major, kind: TenantKind) -> Self {
        Self::set(Tier::RowLevelSealed, major, kind).await
    }

    pub(crate) async fn set(tier: Tier, major: Major, kind: TenantKind) -> Self {
        Self::with(tier, major, kind, |database| {
            PgBouncerConfig::careful(database)
        })
        .await
    }

    /// With a pooler, in its tier, that is set up so. It has one server connection, so that the next
    /// transaction meets what the last one left.
    pub(crate) async fn with(
        tier: Tier,
        major: Major,
        kind: TenantKind,
        config: fn(&Database) -> PgBouncerConfig,
    ) -> Self {
        Self::behind(tier, major, kind, |database| PgBouncerConfig {
            pool_size: 1,
            ..config(database)
        })
        .await
    }

    /// For many at once: a pooler, in its tier, has so many server connections.
    pub(crate) async fn crowded(tier: Tier, major: Major, connections: u16) -> Self {
        Self::behind(tier, major, TenantKind::Text, |database| PgBouncerConfig {
            pool_size: connections,
            ..PgBouncerConfig::careful(database)
        })
        .await
    }

    async fn behind(
        tier: Tier,
        major: Major,
        kind: TenantKind,
        config: impl FnOnce(&Database) -> PgBouncerConfig,
    ) -> Self {
        let server = Server::shared(major).await.unwrap();
        let database = server.database().await.unwrap();
        let mut roles = roles(&database);
        let (mut url, mut pooler) = (database.runtime_url(), None);
        if tier == Tier::RowLevelPooled {
            roles = roles
                .with_pooled(database.pooled_role().parse().unwrap())
                .unwrap();
            let started = PgBouncer::start(config(&database)).await.unwrap();
            url = started.url_for(database.pooled_role(), database.password());
            pooler = Some(started);
        }
        let stage = Stage::set(tier, &database.admin_url(), &url, &roles, kind)
            .await
            .unwrap();
        Self {
            stage,
            url,
            database,
            pooler,
        }
    }

    pub(crate) async fn on(
        database: Database,
        kind: TenantKind,
        runtime_url: impl FnOnce(&Database) -> String,
    ) -> Self {
        let runtime_url = runtime_url(&database);
        let stage = Stage::install(&database.admin_url(), &runtime_url, &roles(&database), kind)
            .await
            .unwrap();
        Self {
            stage,
            url: runtime_url,
            database,
            pooler: None,
        }
    }
}
