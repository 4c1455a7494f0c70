//! A fleet of thousands of tenants: migrating them, having nothing to do, and signing them up.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde::Serialize;
use sqlx::migrate::{Migration, MigrationType};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqlSafeStr as _};
use tenancy_core::{Strategy, TenantId};
use tenancy_fleet::Fleet;
use tenancy_fleet::migrations::MigrationSet;
use tenancy_fleet::registry::{Actor, NewTenant, Registry};
use tenancy_fleet::run::{Report, Run};
use tenancy_fleet::secrets::{Keyring, SealingKey};
use tenancy_fleet::site::{PostgresSite, Site};
use tenancy_testkit::postgres::{Database, Server};

use crate::Failed;
use crate::crowd::resident;
use crate::measure::Spread;
use crate::stage::serve;

/// How many tenants, and how much of each.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Schemas in one database.
    pub schemas: usize,
    /// Databases.
    pub databases: usize,
    /// Tenants migrated at a time: the engine and the bare loop take turns.
    pub block: usize,
    /// Sign-ups of each kind.
    pub sign_ups: usize,
    /// Connections.
    pub jobs: usize,
}

/// Blocks of two statements, at least.
const SAMPLES: usize = 5;

/// What one case came to.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What was done.
    pub case: String,
    /// How many tenants there were.
    pub tenants: usize,
    /// With so many connections.
    pub jobs: usize,
    /// Microseconds for a tenant: the middle of the blocks, or of the sign-ups.
    pub median_us: f64,
    /// The best.
    pub min_us: f64,
    /// The worst.
    pub max_us: f64,
    /// Of single sign-ups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// Against the same statements in a bare loop with the same number of connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_floor: Option<f64>,
    /// What this process holds.
    pub resident_kb: u64,
}

impl Line {
    /// One line of text.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<44}{:>7} tenants {:>3} connections  {:>10.1} µs a tenant ({:.1} to {:.1})",
            self.case, self.tenants, self.jobs, self.median_us, self.min_us, self.max_us
        );
        if let Some(p99) = self.p99_us {
            let _ = write!(line, "  p99 {p99:.0} µs");
        }
        if let Some(ratio) = self.ratio_floor {
            let _ = write!(line, "  {ratio:.2} x the bare loop");
        }
        line + &format!("  {} kB", self.resident_kb)
    }
}

/// A server that keeps what it is told, unlike those of the other cases.
///
/// # Errors
/// The test kit's.
pub async fn server() -> Result<Server, Failed> {
    serve(&[("fsync", "on"), ("synchronous_commit", "on")]).await
}

/// All of it.
///
/// # Errors
/// The database's, and the fleet's.
pub async fn measure(
    server: &Server,
    size: Size,
    tell: impl Fn(&Line),
) -> Result<Vec<Line>, Failed> {
    let mut lines = Vec::new();
    let mut add = |line: Line| {
        tell(&line);
        lines.push(line);
    };
    schemas(server, size, &mut add).await?;
    databases(server, size, &mut add).await?;
    for strategy in [Strategy::SchemaPerTenant, Strategy::DatabasePerTenant] {
        sign_ups(server, size, strategy, &mut add).await?;
    }
    Ok(lines)
}

struct Yard {
    database: Database,
    fleet: Fleet,
    registry: Registry,
    strategy: Strategy,
}

fn site(database: &Database, strategy: Strategy, template: Option<&str>) -> Result<Site, Failed> {
    let mut site = PostgresSite::new(database.admin_url())?.owner(database.owner_role())?;
    if let Some(template) = template {
        site = site.template(template)?;
    }
    let prefix = format!("{}_", database.name());
    Ok(Site::from(site)
        .strategy(strategy)
        .database_prefix(&prefix)
        .login_prefix(&prefix))
}

impl Yard {
    async fn new(server: &Server, strategy: Strategy) -> Result<Self, Failed> {
        let database = server.database().await?;
        let registry = Registry::builder(database.admin_url())
            .keyring(Keyring::new(SealingKey::generate("bench")?))
            .install()
            .await?;
        let fleet = Fleet::new(registry.clone(), site(&database, strategy, None)?);
        fleet.prepare(&[]).await?;
        Ok(Self {
            database,
            fleet,
            registry,
            strategy,
        })
    }

    /// The same fleet, whose databases are copies of a template.
    async fn templated(&self, set: MigrationSet) -> Result<Fleet, Failed> {
        let model = format!("{}_model", self.database.name());
        let site = site(&self.database, self.strategy, Some(&model))?;
        let fleet = Fleet::new(self.registry.clone(), site).migrations(set);
        fleet.prepare_template().await?;
        Ok(fleet)
    }

    /// Records tenants whose schemas are made here, from `first` on.
    async fn add_schemas(&self, first: usize, last: usize) -> Result<(), Failed> {
        let mut admin = PgConnection::connect(&self.database.admin_url()).await?;
        let owner = self.database.owner_role();
        for number in first..last {
            let id = tenant(number)?;
            let place = self.fleet.sites().main().placement(&id)?;
            let name = place.schema_name().unwrap_or_default().to_owned();
            let sql = format!(
                "CREATE SCHEMA \"{name}\" AUTHORIZATION {owner}; COMMENT ON SCHEMA \"{name}\" IS 'tenancy: tenant {id}'"
            );
            run(&mut admin, sql).await?;
            let new = NewTenant::placed(id, place);
            self.registry.create(new, &actor()?).await?;
        }
        Ok(())
    }

    /// Brings these tenants, or all, to a version; what it took for each.
    async fn migrate(
        &self,
        set: &MigrationSet,
        jobs: usize,
        only: Option<Vec<TenantId>>,
    ) -> Result<(Duration, Report), Failed> {
        let mut how = Run::by(actor()?).jobs(jobs);
        if let Some(only) = only {
            how = how.only(only);
        }
        let started = Instant::now();
        let report = self.fleet.migrate(set, None, &how).await?;
        let took = started.elapsed();
        if !report.is_whole() {
            return Err(format!("a run was not whole: {report:?}").into());
        }
        Ok((took, report))
    }

    /// The same two statements in a bare loop, each tenant's in one message.
    async fn bare(
        &self,
        version: i64,
        jobs: usize,
        tenants: &[TenantId],
    ) -> Result<Duration, Failed> {
        let mut connections = Vec::new();
        for _ in 0..jobs {
            connections.push(PgConnection::connect(&self.database.admin_url()).await?);
        }
        let place = self.fleet.sites().main();
        let owner = self.database.owner_role();
        let mut shares: Vec<Vec<String>> = vec![Vec::new(); jobs];
        for (at, id) in tenants.iter().enumerate() {
            let place = place.placement(id)?;
            let name = place.schema_name().unwrap_or_default();
            let sql = two_statements(version);
            shares[at % jobs].push(format!(
                "SET ROLE {owner}; SET search_path = \"{name}\"; {sql}"
            ));
        }
        let started = Instant::now();
        let work = connections
            .iter_mut()
            .zip(shares)
            .map(async |(connection, share)| {
                for sql in share {
                    run(connection, sql).await?;
                }
                Ok::<_, Failed>(())
            });
        try_join_all(work).await?;
        Ok(started.elapsed())
    }
}

fn actor() -> Result<Actor, Failed> {
    Ok(Actor::new("bench")?)
}

fn tenant(number: usize) -> Result<TenantId, Failed> {
    Ok(TenantId::new(format!("t{number:06}"))?)
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), Failed> {
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    Ok(())
}

fn two_statements(version: i64) -> String {
    format!(
        "ALTER TABLE notes ADD COLUMN c{version} int; CREATE INDEX i{version} ON notes (c{version})"
    )
}

/// A table, and so many migrations of two statements each.
fn set(versions: i64) -> Result<MigrationSet, Failed> {
    let table = "CREATE TABLE notes (id bigint PRIMARY KEY, title text)".to_owned();
    let sqls = std::iter::once(table).chain((2..=versions).map(two_statements));
    let migrations = sqls.zip(1..).map(|(sql, version)| {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, "bench".into(), MigrationType::Simple, sql, false)
    });
    Ok(MigrationSet::new(migrations)?)
}

fn each(took: Duration, tenants: usize) -> f64 {
    took.as_secs_f64() * 1e6 / f64::from(u32::try_from(tenants).unwrap_or(u32::MAX).max(1))
}

fn line(case: &str, tenants: usize, jobs: usize, spread: Spread) -> Line {
    Line {
        case: case.to_owned(),
        tenants,
        jobs,
        median_us: spread.median,
        min_us: spread.min,
        max_us: spread.max,
        p99_us: None,
        ratio_floor: None,
        resident_kb: resident().unwrap_or_default(),
    }
}

/// Schemas in one database: few of them first, and then all, so that what one costs can be compared.
async fn schemas(server: &Server, size: Size, add: &mut impl FnMut(Line)) -> Result<(), Failed> {
    let yard = Yard::new(server, Strategy::SchemaPerTenant).await?;
    let few = size.schemas / 10;
    let mut version = 1;
    let mut there = 0;
    for tenants in [few, size.schemas] {
        yard.add_schemas(there, tenants).await?;
        there = tenants;
        // New ones catch up, so that all are at one version.
        let (took, report) = yard.migrate(&set(version)?, size.jobs, None).await?;
        let done = usize::try_from(report.done).unwrap_or(usize::MAX);
        let spread = Spread::of(&[each(took, done)]);
        add(line(
            "schemas: the first migrations, all at once",
            tenants,
            size.jobs,
            spread,
        ));

        let (mut engine, mut floor) = (Vec::new(), Vec::new());
        let ids = (0..tenants).map(tenant).collect::<Result<Vec<_>, _>>()?;
        // The fewer there are, the more often.
        while engine.len() < SAMPLES {
            version += 1;
            for block in ids.chunks(size.block) {
                let (took, _) = yard
                    .migrate(&set(version)?, size.jobs, Some(block.to_vec()))
                    .await?;
                engine.push(each(took, block.len()));
                // Other names, the same work.
                let took = yard.bare(version + 1_000, size.jobs, block).await?;
                floor.push(each(took, block.len()));
            }
        }
        let (engine, floor) = (Spread::of(&engine), Spread::of(&floor));
        let ratio = engine.median / floor.median;
        add(line(
            "schemas: two statements, bare loop",
            tenants,
            size.jobs,
            floor,
        ));
        let mut engine = line("schemas: two statements", tenants, size.jobs, engine);
        engine.ratio_floor = Some(ratio);
        add(engine);

        let mut nothing = Vec::new();
        for _ in 0..5 {
            let (took, report) = yard.migrate(&set(version)?, size.jobs, None).await?;
            if report.done != 0 {
                return Err("something was left to do".into());
            }
            nothing.push(took.as_secs_f64() * 1e6);
        }
        add(line(
            "schemas: nothing to do (µs for all)",
            tenants,
            size.jobs,
            Spread::of(&nothing),
        ));
    }
    Ok(())
}

/// A database for each tenant.
async fn databases(server: &Server, size: Size, add: &mut impl FnMut(Line)) -> Result<(), Failed> {
    let yard = Yard::new(server, Strategy::DatabasePerTenant).await?;
    let first = set(1)?;
    let fleet = yard.fleet.clone().migrations(first);
    let mut made = Vec::new();
    for number in 0..size.databases {
        let started = Instant::now();
        fleet.onboard(&tenant(number)?, &actor()?).await?;
        made.push(each(started.elapsed(), 1));
    }
    add(line(
        "databases: provisioned",
        size.databases,
        1,
        Spread::of(&made),
    ));
    let ids = (0..size.databases)
        .map(tenant)
        .collect::<Result<Vec<_>, _>>()?;
    let (mut engine, mut floor) = (Vec::new(), Vec::new());
    for block in ids.chunks((size.block / 10).max(10)) {
        let (took, _) = yard
            .migrate(&set(2)?, size.jobs, Some(block.to_vec()))
            .await?;
        engine.push(each(took, block.len()));
        floor.push(each(
            bare_databases(&yard, size.jobs, block).await?,
            block.len(),
        ));
    }
    let (engine, floor) = (Spread::of(&engine), Spread::of(&floor));
    let ratio = engine.median / floor.median;
    add(line(
        "databases: two statements, bare loop",
        size.databases,
        size.jobs,
        floor,
    ));
    let mut engine = line(
        "databases: two statements",
        size.databases,
        size.jobs,
        engine,
    );
    engine.ratio_floor = Some(ratio);
    add(engine);
    let (took, _) = yard.migrate(&set(2)?, size.jobs, None).await?;
    let spread = Spread::of(&[took.as_secs_f64() * 1e6]);
    add(line(
        "databases: nothing to do (µs for all)",
        size.databases,
        size.jobs,
        spread,
    ));
    Ok(())
}

/// Connecting is a part of it: each is a database of its own.
async fn bare_databases(
    yard: &Yard,
    jobs: usize,
    tenants: &[TenantId],
) -> Result<Duration, Failed> {
    let owner = yard.database.owner_role();
    let admin = yard.database.admin_url();
    let before = admin
        .rsplit_once('/')
        .map_or(admin.as_str(), |(before, _)| before);
    let mut shares: Vec<Vec<String>> = vec![Vec::new(); jobs];
    for (at, id) in tenants.iter().enumerate() {
        let place = yard.fleet.sites().main().placement(id)?;
        let name = place.database_name().unwrap_or_default();
        shares[at % jobs].push(format!("{before}/{name}"));
    }
    let started = Instant::now();
    let work = shares.into_iter().map(async |share| {
        for url in share {
            let mut connection = PgConnection::connect(&url).await?;
            let sql = two_statements(1_002);
            run(&mut connection, format!("SET ROLE {owner}; {sql}")).await?;
            connection.close().await?;
        }
        Ok::<_, Failed>(())
    });
    try_join_all(work).await?;
    Ok(started.elapsed())
}

/// One after the other, as they come.
async fn sign_ups(
    server: &Server,
    size: Size,
    strategy: Strategy,
    add: &mut impl FnMut(Line),
) -> Result<(), Failed> {
    let yard = Yard::new(server, strategy).await?;
    let fleet = yard.fleet.clone().migrations(set(3)?);
    let (word, mut cases) = if yard.strategy == Strategy::SchemaPerTenant {
        ("schema", Vec::new())
    } else {
        let copies = yard.templated(set(3)?).await?;
        ("database", vec![("copied from a template", "c", copies)])
    };
    cases.insert(0, ("made at once", "n", fleet.clone()));
    cases.push(("from those made ahead", "a", fleet));
    for (how, prefix, fleet) in cases {
        if prefix == "a" {
            fleet.fill_pending(size.sign_ups).await?;
        }
        let mut took = Vec::new();
        for number in 0..size.sign_ups {
            let id = TenantId::new(format!("{prefix}{number}"))?;
            let started = Instant::now();
            fleet.onboard(&id, &actor()?).await?;
            took.push(each(started.elapsed(), 1));
        }
        took.sort_by(f64::total_cmp);
        let p99 = took[(took.len() * 99).div_ceil(100) - 1];
        let mut line = line(
            &format!("a {word}: sign-up, {how}"),
            size.sign_ups,
            1,
            Spread::of(&took),
        );
        line.p99_us = Some(p99);
        add(line);
    }
    Ok(())
}
