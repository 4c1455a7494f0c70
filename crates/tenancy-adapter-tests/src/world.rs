//! A fresh database with everything installed, for one run of the suite.

use std::fmt;
use std::time::Duration;

use tenancy_conformance::{Stage, Suite, Tier};
use tenancy_core::{
    Availability, BoxError, Header, MemoryStore, Placement, RequestView, Tenancy, Tenant, TenantId,
};
use tenancy_postgres::install::Roles;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres_pool::{
    Adapter, Credential, CredentialProvider, Separation, TenantPoolBuilder,
};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig};
use tenancy_testkit::postgres::{Database, Major, Server};

use crate::Adapted;

/// A database of one tier, with the suite's stage in it.
pub struct World<'s> {
    stage: Stage,
    url: String,
    roles: Roles,
    server: &'s Server,
    database: Database,
    _pooler: Option<PgBouncer>,
}

impl World<'static> {
    /// A fresh one, on a server of this major.
    ///
    /// # Panics
    /// Where a server can't be had, or anything else goes wrong.
    pub async fn new(tier: Tier, major: Major, kind: TenantKind) -> Self {
        Self::on(Server::shared(major).await.unwrap(), tier, kind).await
    }
}

impl<'s> World<'s> {
    /// One on this server.
    ///
    /// # Panics
    /// Where anything goes wrong.
    pub async fn on(server: &'s Server, tier: Tier, kind: TenantKind) -> Self {
        let database = server.database().await.unwrap();
        let name = |name: &str| name.parse().unwrap();
        let mut roles = Roles::new(
            name(database.runtime_role()),
            name(database.central_role()),
            name(database.owner_role()),
        )
        .unwrap();
        let (mut url, mut pooler) = (database.runtime_url(), None);
        if tier == Tier::RowLevelPooled {
            roles = roles.with_pooled(name(database.pooled_role())).unwrap();
            // One server connection, so that the next transaction meets what the last one left.
            let config = PgBouncerConfig {
                pool_size: 1,
                ..PgBouncerConfig::careful(&database)
            };
            let started = PgBouncer::start(config).await.unwrap();
            url = started.url_for(database.pooled_role(), database.password());
            pooler = Some(started);
        }
        let admin = database.admin_url();
        let stage = Stage::set(tier, &admin, &url, &roles, kind).await.unwrap();
        Self {
            stage,
            url,
            roles,
            server,
            database,
            _pooler: pooler,
        }
    }

    /// What an adapter connects to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The suite's stage.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The server that the database is on.
    pub fn server(&self) -> &'s Server {
        self.server
    }

    /// The database that the stage is in.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// An adapter's builder, for this tier, with the stage's own credentials. It has one connection, so
    /// that every scope meets what the last one left behind; and after one was refused, as many cases
    /// have it, the next is soon tried.
    ///
    /// # Panics
    /// Where the stage lacks what its tier needs.
    pub fn settle<D: Adapter>(&self, builder: TenantPoolBuilder<D>) -> TenantPoolBuilder<D> {
        let builder = builder
            .roles(self.roles.clone())
            .kind(self.stage.kind())
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(6))
            .connect_pause(Duration::from_millis(20));
        let builder = match self.stage.sealing_key() {
            Some(key) => builder.sealing_key(key.clone()),
            None => builder,
        };
        if self.stage.tier() == Tier::RowLevelPooled {
            return builder.behind_transaction_pooler();
        }
        builder.separation(self.separation(self.credentials()))
    }

    /// This tier's separation, with credentials from elsewhere.
    ///
    /// # Panics
    /// Where the stage lacks what its tier needs.
    pub fn separation(&self, credentials: impl CredentialProvider) -> Separation {
        match self.stage.tier() {
            Tier::RowLevelSealed | Tier::RowLevelPooled => Separation::sealed(),
            Tier::RowLevelLogins => {
                Separation::logins(self.stage.logins().unwrap().clone(), credentials)
            }
            Tier::SchemaRouted => Separation::routed_schemas(),
            Tier::SchemaLogins => Separation::schema_logins(credentials),
            Tier::Databases => Separation::databases(credentials),
        }
    }

    /// The stage's tenants, each where the stage has put it: `on` may change a placement.
    ///
    /// # Panics
    /// Never: they are two.
    pub fn tenancy(&self, on: impl Fn(&TenantId, Placement) -> Placement) -> Tenancy {
        let tenants = self.stage.tenants().map(|tenant| {
            let placement = on(tenant.id(), tenant.placement().clone());
            Tenant::new(tenant.id().clone()).with_placement(placement)
        });
        Tenancy::builder(MemoryStore::new(tenants))
            .without_requests()
            .build()
    }

    /// The stage's tenants, which are to be worked with like this.
    ///
    /// # Panics
    /// Never: they are two.
    pub fn tenancy_of(&self, availability: Availability) -> Tenancy {
        Tenancy::builder(self.store_of(availability))
            .without_requests()
            .build()
    }

    /// The same for requests, which name their tenant in the header `x-tenant`, and are let in.
    ///
    /// # Panics
    /// Never: they are two.
    pub fn serving(&self, availability: Availability) -> Tenancy {
        Tenancy::builder(self.store_of(availability))
            .resolve(Header::named("x-tenant"))
            .authorize(async |_: &TenantId, _: &dyn RequestView| Ok::<bool, BoxError>(true))
            .build()
    }

    fn store_of(&self, availability: Availability) -> MemoryStore {
        let tenants = self.stage.tenants().map(|tenant| {
            Tenant::new(tenant.id().clone())
                .with_placement(tenant.placement().clone())
                .with_availability(availability)
        });
        MemoryStore::new(tenants)
    }

    /// The ids of the stage's two tenants.
    pub fn tenants(&self) -> [&TenantId; 2] {
        self.stage.tenants().map(|tenant| tenant.id())
    }

    /// The roles of the installation.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Plays the whole suite against an adapter, and notes down that it passed.
    ///
    /// # Panics
    /// Where a case failed or was left out.
    pub async fn passes<A: Adapted>(&self, adapter: &A) {
        let report = Suite::of(self.stage.tier()).run(adapter, &self.stage).await;
        assert!(report.is_clean(), "{report}");
        for (case, why) in report.skipped() {
            assert!(A::may_skip(why), "{case}: {why}");
        }
        report.note_down().unwrap();
    }

    /// What the stage's tenants log in with.
    pub fn credentials(
        &self,
    ) -> impl Fn(&Tenant) -> Result<Credential, BoxError> + Send + Sync + 'static {
        let of = |tenant: tenancy_conformance::StageTenant<'_>| {
            let login = Credential::new(tenant.login()?, tenant.password()?.clone());
            Some((tenant.id().clone(), login))
        };
        let known: Vec<(TenantId, Credential)> =
            self.stage.tenants().into_iter().filter_map(of).collect();
        move |tenant| {
            let login = known.iter().find(|(id, _)| id == tenant.id());
            Ok(login.ok_or("the stage has no such tenant")?.1.clone())
        }
    }
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
