//! Tenants' schemas and databases on PostgreSQL, by the plans of `tenancy-postgres`.

use std::time::{Duration, Instant};

use tenancy_core::{Strategy, TenantId};
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::plan::{self, Needs};
use tenancy_postgres::role::{self, TenantRole};
use tenancy_postgres::schema::{self, SchemaAccess, TenantSchema};
use tenancy_postgres::{database, mark, sqlstate};

use super::ProvisionError;
use super::hold::Plan;
use crate::db::postgres::lock_number;
use crate::db::{Cell, Fault, Kind, Lane, fault};
use crate::export::Last;
use crate::registry::RegistryError;
use crate::script::text;
use crate::site::{PostgresSite, SiteError, identifier};

/// `duplicate_database`: somebody else's CREATE was faster.
const DUPLICATE_DATABASE: &str = "42P04";
/// `invalid_catalog_name`: there is no such template.
const NO_DATABASE: &str = "3D000";
pub(super) const ASK_AGAIN: Duration = Duration::from_millis(50);

/// An administrator's connection that holds the tenant's lock, for as long as it lives.
pub(super) async fn hold(
    site: &PostgresSite,
    tenant: &TenantId,
    patience: Duration,
) -> Result<Box<dyn Lane>, ProvisionError> {
    hold_named(site, &format!("tenancy provision\0{tenant}"), patience).await
}

/// The same for whatever has this name.
pub(super) async fn hold_named(
    site: &PostgresSite,
    name: &str,
    patience: Duration,
) -> Result<Box<dyn Lane>, ProvisionError> {
    let mut lane = site.admin().await?;
    let deadline = Instant::now() + patience;
    // Asked again and again: whoever waits inside a statement holds a snapshot, and that holds up
    // every CREATE INDEX CONCURRENTLY.
    let sql = format!(
        "SELECT pg_catalog.pg_try_advisory_lock({})::int::bigint",
        lock_number(name)
    );
    loop {
        let rows = lane.raw_rows(sql.clone()).await.map_err(lost)?;
        if rows == [[Cell::Int(1)]] {
            return Ok(lane);
        }
        if Instant::now() >= deadline {
            return Err(ProvisionError::Busy);
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

pub(super) async fn make(
    site: &PostgresSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    run(lane, role::table_owner(&site.owner)).await?;
    hand_over_what_is_left(site, lane, plan).await?;
    if let Some(credential) = &plan.credential {
        let role = role(plan, credential.user())?;
        run(lane, role.create(credential.password()).map_err(refused)?).await?;
    }
    if plan.placement.strategy() == Strategy::SchemaPerTenant {
        ensure_prepared(lane).await?;
        let schema = schema(site, plan)?;
        return run(lane, schema.create(&site.owner, &access(site, plan)?)).await;
    }
    let database = database(site, plan)?;
    make_database(site, lane, &database).await?;
    let mut inside = site.connect(database.name().as_str()).await?;
    run(&mut *inside, database.open(&site.owner)).await
}

/// On a connection that is kept for it.
pub(super) async fn hand_over_quickly(
    site: &PostgresSite,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    if let Some(mut lane) = site.idle.take() {
        match hand_over(site, &mut *lane, plan).await {
            // It may have been closed since.
            Err(ProvisionError::Site(SiteError::Database(fault))) if fault.is_lost() => {}
            Err(error) => return Err(error),
            Ok(()) => {
                site.idle.put(lane);
                return Ok(());
            }
        }
    }
    let mut lane = site.admin().await?;
    hand_over(site, &mut *lane, plan).await?;
    site.idle.put(lane);
    Ok(())
}

async fn hand_over(
    site: &PostgresSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let from = plan.from.ok_or(ProvisionError::NotReady)?;
    let role = login_role(plan)?;
    let login = role
        .as_ref()
        .zip(plan.credential.as_ref())
        .map(|(role, credential)| (role, credential.password()));
    let steps = if plan.placement.strategy() == Strategy::SchemaPerTenant {
        let schema = schema(site, plan)?;
        mark::hand_over(from, mark::Place::Schema(&schema, &site.owner), login)
    } else {
        mark::hand_over(from, mark::Place::Database(&database(site, plan)?), login)
    };
    run(lane, steps.map_err(refused)?).await
}

/// Where handing over was broken off.
async fn hand_over_what_is_left(
    site: &PostgresSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let Some(from) = plan.from else {
        return Ok(());
    };
    let role = login_role(plan)?;
    let steps = if plan.placement.strategy() == Strategy::SchemaPerTenant {
        let schema = schema(site, plan)?;
        let place = mark::Place::Schema(&schema, &site.owner);
        mark::hand_over_what_is_left(from, place, role.as_ref())
    } else {
        let database = database(site, plan)?;
        let place = mark::Place::Database(&database);
        mark::hand_over_what_is_left(from, place, role.as_ref())
    };
    run(lane, steps).await
}

fn login_role(plan: &Plan<'_>) -> Result<Option<TenantRole>, ProvisionError> {
    let login = plan.placement.credential();
    login.map(|login| role(plan, login)).transpose()
}

async fn make_database(
    site: &PostgresSite,
    lane: &mut dyn Lane,
    database: &TenantDatabase,
) -> Result<(), ProvisionError> {
    let made = run(lane, database.create(&site.owner)).await;
    match made {
        Err(ProvisionError::Step { fault, .. }) if fault.code() == Some(DUPLICATE_DATABASE) => {
            run(lane, database.create(&site.owner)).await
        }
        Err(ProvisionError::Step { fault, .. })
            if site.template.is_some() && fault.code() == Some(NO_DATABASE) =>
        {
            Err(ProvisionError::NoTemplate)
        }
        made => made,
    }
}

pub(super) async fn set_password(
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let credential = plan
        .credential
        .as_ref()
        .ok_or(RegistryError::NoCredential)?;
    let role = role(plan, credential.user())?;
    let steps = role.set_password(credential.password()).map_err(refused)?;
    run(lane, steps).await
}

pub(super) async fn remove(
    site: &PostgresSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
    last: Option<&Last<'_>>,
) -> Result<(), ProvisionError> {
    let role = login_role(plan)?;
    hand_over_what_is_left(site, lane, plan).await?;
    if let Some(role) = &role {
        run(lane, role.lock_out()).await?;
    }
    if let Some(last) = last {
        if let Some(login) = plan.placement.credential() {
            ensure_left(lane, login).await?;
        }
        last.make().await?;
    }
    let drop = if plan.placement.strategy() == Strategy::SchemaPerTenant {
        schema(site, plan)?.drop_plan()
    } else {
        database(site, plan)?.drop_plan()
    };
    run(lane, drop).await?;
    match role {
        Some(role) => run(lane, role.drop_plan()).await,
        None => Ok(()),
    }
}

/// Waits until the login has no session: one that may not be ended could write behind the export.
async fn ensure_left(lane: &mut dyn Lane, login: &str) -> Result<(), ProvisionError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let sql = format!(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE usename OPERATOR(pg_catalog.=) {}::pg_catalog.name)",
        text::text(Kind::Postgres, login)
    );
    let deadline = Instant::now() + PATIENCE;
    while !is_true(lane, &sql).await? {
        if Instant::now() >= deadline {
            return Err(ProvisionError::InUse);
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
    Ok(())
}

/// Readies the site: the owner role, and a base database that lets nobody in by default.
pub(super) async fn prepare(
    site: &PostgresSite,
    strategy: Strategy,
    keep: &[&str],
) -> Result<(), ProvisionError> {
    let keep = keep.iter().map(|role| identifier("role's name", role));
    let mut keep = keep.collect::<Result<Vec<_>, _>>()?;
    keep.push(site.owner.clone());
    let mut lane = site.admin().await?;
    run(&mut *lane, role::table_owner(&site.owner)).await?;
    if strategy == Strategy::SchemaPerTenant {
        return run(&mut *lane, schema::prepare(&keep)).await;
    }
    let base = identifier("database's name", site.main_database())?;
    run(&mut *lane, database::close(&base, &keep)).await
}

/// In a database that all tenants' logins enter, nothing may be everybody's.
async fn ensure_prepared(lane: &mut dyn Lane) -> Result<(), ProvisionError> {
    for step in schema::prepare(&[]) {
        if let Some(sql) = step.holds_sql()
            && !is_true(lane, sql).await?
        {
            return Err(ProvisionError::NotPrepared);
        }
    }
    Ok(())
}

fn role(plan: &Plan<'_>, login: &str) -> Result<TenantRole, ProvisionError> {
    let login = identifier("login's name", login)?;
    TenantRole::new(plan.tenant, login).map_err(refused)
}

fn schema(site: &PostgresSite, plan: &Plan<'_>) -> Result<TenantSchema, ProvisionError> {
    let name = plan.placement.schema_name().ok_or(SiteError::Placement {
        reason: "it names no schema",
    })?;
    Ok(site.schema(plan.tenant, name)?)
}

fn access(site: &PostgresSite, plan: &Plan<'_>) -> Result<SchemaAccess, ProvisionError> {
    match (plan.placement.credential(), &site.routed) {
        (Some(login), _) => Ok(SchemaAccess::Login {
            login: identifier("login's name", login)?,
        }),
        (None, Some(runtime)) => Ok(SchemaAccess::Routed {
            runtime: runtime.clone(),
        }),
        (None, None) => Err(wrong("it names no login, and no shared one is known here")),
    }
}

fn database(site: &PostgresSite, plan: &Plan<'_>) -> Result<TenantDatabase, ProvisionError> {
    let name = plan.placement.database_name();
    let name = identifier(
        "database's name",
        name.ok_or(wrong("it names no database"))?,
    )?;
    if name.as_str() == site.main_database() {
        return Err(wrong("its database is the one of everybody"));
    }
    let login = plan.placement.credential();
    let login: Identifier = identifier("login's name", login.ok_or(wrong("it names no login"))?)?;
    let database = TenantDatabase::new(plan.tenant, name, login).map_err(refused)?;
    Ok(match &site.template {
        Some(template) => database.from_template(template.clone()),
        None => database,
    })
}

fn wrong(reason: &'static str) -> ProvisionError {
    SiteError::Placement { reason }.into()
}

/// Carries a plan out, and looks at what became of each step.
pub(super) async fn run(lane: &mut dyn Lane, plan: plan::Plan) -> Result<(), ProvisionError> {
    for step in plan {
        if let Some(sql) = step.done_sql()
            && is_true(lane, sql).await?
        {
            continue;
        }
        let needs = words(step.needs());
        match lane.raw(step.sql().to_owned()).await.map_err(fault) {
            Ok(()) => {}
            Err(fault) if fault.code() == Some(sqlstate::NOT_MARKED) => {
                return Err(SiteError::NotOurs.into());
            }
            Err(fault) if fault.is_lost() => return Err(lost_fault(fault)),
            Err(fault) if step.is_optional() => {
                tracing::warn!(step = step.name(), %fault, "an optional step was refused");
                continue;
            }
            Err(fault) => {
                return Err(ProvisionError::Step {
                    step: step.name(),
                    needs,
                    fault,
                });
            }
        }
        if let Some(sql) = step.holds_sql()
            && !is_true(lane, sql).await?
        {
            return Err(ProvisionError::NoEffect {
                step: step.name(),
                needs,
            });
        }
    }
    Ok(())
}

/// A query of one boolean.
pub(super) async fn is_true(lane: &mut dyn Lane, sql: &str) -> Result<bool, ProvisionError> {
    let sql = format!("SELECT ({sql})::int::bigint");
    let rows = lane.raw_rows(sql).await.map_err(lost)?;
    Ok(rows == [[Cell::Int(1)]])
}

fn words(needs: Needs) -> &'static str {
    match needs {
        Needs::CreateRole => "CREATEROLE",
        Needs::CreateDatabase => "CREATEDB",
        Needs::Database => "ownership of the database",
        Needs::TableOwner => "membership in the owner role",
        Needs::TenancyOwner => "membership in tenancy_owner",
        _ => "a superuser",
    }
}

fn refused(_: tenancy_postgres::Error) -> ProvisionError {
    SiteError::Name {
        what: "name that the server takes",
        max: tenancy_postgres::ident::MAX_LEN,
    }
    .into()
}

pub(super) fn lost(error: sqlx::Error) -> ProvisionError {
    lost_fault(fault(error))
}

fn lost_fault(fault: Fault) -> ProvisionError {
    SiteError::from(fault).into()
}
