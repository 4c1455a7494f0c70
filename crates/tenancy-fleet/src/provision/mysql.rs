//! Tenants' databases and users on MariaDB.
//!
//! A user has no comment there to be marked with. So its name is looked for before the intent to
//! make it is recorded, and later it is ours as long as it may do nothing but work in its tenant's
//! marked database.

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use tenancy_core::{Placement, TenantId};

use super::ProvisionError;
use super::hold::Plan;
use crate::db::{Cell, Fault, Lane, fault};
use crate::export::Last;
use crate::registry::RegistryError;
use crate::script::text;
use crate::site::{MysqlSite, SiteError, mysql_comment, mysql_mark, mysql_quoted};

/// What a tenant's user may do in its database: no DDL.
const RIGHTS: &str = "SELECT, INSERT, UPDATE, DELETE, EXECUTE";

/// An administrator's connection that holds the tenant's lock, for as long as it lives.
pub(super) async fn hold(
    site: &MysqlSite,
    tenant: &TenantId,
    patience: Duration,
) -> Result<Box<dyn Lane>, ProvisionError> {
    let mut lane = site.admin().await?;
    // A lock's name has at most 64 characters.
    let digest = Sha256::digest(format!("tenancy provision\0{tenant}"));
    let name = text::hex(&digest[..16]);
    let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
    let sql = "SELECT CAST(GET_LOCK(CONCAT('tenancy ', ?), ?) AS SIGNED)";
    let values = [(&name).into(), seconds.into()];
    let rows = lane.rows(sql.to_owned(), &values).await.map_err(lost)?;
    if rows == [[Cell::Int(1)]] {
        Ok(lane)
    } else {
        Err(ProvisionError::Busy)
    }
}

/// Refuses a user that is there before ours was ever meant to be made.
pub(super) async fn ensure_free(
    lane: &mut dyn Lane,
    placement: &Placement,
) -> Result<(), ProvisionError> {
    // From whatever host: a namesake of an administrator's is no tenant's.
    let sql = "SELECT CAST(COUNT(*) AS SIGNED) FROM mysql.user WHERE User = ?";
    let values = [login(placement)?.into()];
    let rows = lane.rows(sql.to_owned(), &values).await.map_err(lost)?;
    if rows == [[Cell::Int(0)]] {
        Ok(())
    } else {
        Err(SiteError::NotOurs.into())
    }
}

pub(super) async fn make(
    site: &MysqlSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let database = database(plan)?;
    let credential = plan
        .credential
        .as_ref()
        .ok_or(RegistryError::NoCredential)?;
    hand_over_what_is_left(lane, plan).await?;
    match mysql_comment(lane, database).await? {
        Some(comment) if comment == mysql_mark(plan.tenant) => {}
        Some(_) => return Err(SiteError::NotOurs.into()),
        None => {
            // In one statement with its mark.
            let sql = format!(
                "CREATE DATABASE {} CHARACTER SET utf8mb4 COMMENT '{}'",
                mysql_quoted(database),
                mysql_mark(plan.tenant),
            );
            step(lane, "tenant database", "CREATE", sql).await?;
        }
    }
    let login = checked(credential.user())?;
    if user_is_there(site, lane, login).await? {
        ensure_ours(site, lane, login, database).await?;
    }
    let user = user(site, login);
    let sql = format!(
        "CREATE USER IF NOT EXISTS {user} IDENTIFIED BY PASSWORD '{}'",
        hash(credential.password())
    );
    step(lane, "tenant login", "CREATE USER", sql).await?;
    set_password(site, lane, plan).await?;
    let sql = format!("GRANT {RIGHTS} ON {}.* TO {user}", pattern(database));
    step(lane, "tenant grants", "GRANT OPTION", sql).await
}

pub(super) async fn set_password(
    site: &MysqlSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let credential = plan
        .credential
        .as_ref()
        .ok_or(RegistryError::NoCredential)?;
    let login = checked(credential.user())?;
    ensure_ours(site, lane, login, database(plan)?).await?;
    let sql = format!(
        "ALTER USER {} IDENTIFIED BY PASSWORD '{}'",
        user(site, login),
        hash(credential.password())
    );
    step(lane, "tenant password", "CREATE USER", sql).await
}

pub(super) async fn remove(
    site: &MysqlSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
    last: Option<&Last<'_>>,
) -> Result<(), ProvisionError> {
    let database = database(plan)?;
    hand_over_what_is_left(lane, plan).await?;
    let comment = mysql_comment(lane, database).await?;
    if comment.is_some_and(|comment| comment != mysql_mark(plan.tenant)) {
        return Err(SiteError::NotOurs.into());
    }
    let login = login(plan.placement)?;
    if user_is_there(site, lane, login).await? {
        ensure_ours(site, lane, login, database).await?;
        let user = user(site, login);
        let sql = format!("ALTER USER {user} ACCOUNT LOCK");
        step(lane, "lock tenant login", "CREATE USER", sql).await?;
        end_sessions(lane, login).await?;
    }
    if let Some(last) = last {
        ensure_left(lane, login).await?;
        last.make().await?;
    }
    let sql = format!("DROP DATABASE IF EXISTS {}", mysql_quoted(database));
    step(lane, "drop tenant database", "DROP", sql).await?;
    // Last: while it is there, its rights say whose it was.
    let sql = format!("DROP USER IF EXISTS {}", user(site, login));
    step(lane, "drop tenant login", "CREATE USER", sql).await
}

/// On a connection that is kept for it. The database is marked last, when its login has the tenant's
/// own password.
pub(super) async fn hand_over_quickly(
    site: &MysqlSite,
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
    site: &MysqlSite,
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    let from = plan.from.ok_or(ProvisionError::NotReady)?;
    let comment = mysql_comment(lane, database(plan)?).await?;
    if ![mysql_mark(from), mysql_mark(plan.tenant)].contains(&comment.unwrap_or_default()) {
        return Err(SiteError::NotOurs.into());
    }
    set_password(site, lane, plan).await?;
    mark_for(lane, plan).await
}

/// Where handing over was broken off.
async fn hand_over_what_is_left(
    lane: &mut dyn Lane,
    plan: &Plan<'_>,
) -> Result<(), ProvisionError> {
    match plan.from {
        Some(from) if mysql_comment(lane, database(plan)?).await? == Some(mysql_mark(from)) => {
            mark_for(lane, plan).await
        }
        _ => Ok(()),
    }
}

async fn mark_for(lane: &mut dyn Lane, plan: &Plan<'_>) -> Result<(), ProvisionError> {
    let sql = format!(
        "ALTER DATABASE {} COMMENT '{}'",
        mysql_quoted(database(plan)?),
        mysql_mark(plan.tenant)
    );
    step(lane, "hand over", "ALTER", sql).await
}

/// Those of a locked account go on until they are ended.
async fn end_sessions(lane: &mut dyn Lane, login: &str) -> Result<(), ProvisionError> {
    for session in sessions(lane, login).await? {
        // It may have ended by itself.
        let _ = lane.raw(format!("KILL CONNECTION {session}")).await;
    }
    Ok(())
}

/// Waits until they have ended: what they do last, they do before the export.
async fn ensure_left(lane: &mut dyn Lane, login: &str) -> Result<(), ProvisionError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let deadline = Instant::now() + PATIENCE;
    while !sessions(lane, login).await?.is_empty() {
        if Instant::now() >= deadline {
            return Err(ProvisionError::InUse);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn sessions(lane: &mut dyn Lane, login: &str) -> Result<Vec<i64>, ProvisionError> {
    let sql = "SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE USER = ?";
    let rows = lane
        .rows(sql.to_owned(), &[login.into()])
        .await
        .map_err(lost)?;
    let session = |cell| match cell {
        Cell::Int(session) => Some(session),
        _ => None,
    };
    Ok(rows.into_iter().flatten().filter_map(session).collect())
}

async fn user_is_there(
    site: &MysqlSite,
    lane: &mut dyn Lane,
    login: &str,
) -> Result<bool, ProvisionError> {
    let sql = "SELECT CAST(COUNT(*) AS SIGNED) FROM mysql.user WHERE User = ? AND Host = ?";
    let values = [login.into(), (&site.login_host).into()];
    let rows = lane.rows(sql.to_owned(), &values).await.map_err(lost)?;
    Ok(rows != [[Cell::Int(0)]])
}

/// A user that may do anything elsewhere is none of ours.
async fn ensure_ours(
    site: &MysqlSite,
    lane: &mut dyn Lane,
    login: &str,
    database: &str,
) -> Result<(), ProvisionError> {
    let grantee = user(site, login);
    let sql = "SELECT CAST((SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ? AND PRIVILEGE_TYPE <> 'USAGE') \
               + (SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ? AND TABLE_SCHEMA <> ?) \
               + (SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ?) \
               + (SELECT COUNT(*) FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE = ?) \
               + (SELECT COUNT(*) FROM mysql.roles_mapping WHERE User = ? AND Host = ?) AS SIGNED)";
    let inside = escaped(database);
    let values = [
        (&grantee).into(),
        (&grantee).into(),
        (&inside).into(),
        (&grantee).into(),
        (&grantee).into(),
        login.into(),
        (&site.login_host).into(),
    ];
    let rows = lane.rows(sql.to_owned(), &values).await.map_err(lost)?;
    if rows == [[Cell::Int(0)]] {
        Ok(())
    } else {
        Err(SiteError::NotOurs.into())
    }
}

fn database<'p>(plan: &Plan<'p>) -> Result<&'p str, ProvisionError> {
    let name = plan.placement.database_name();
    checked(name.ok_or(wrong("it names no database"))?)
}

fn login(placement: &Placement) -> Result<&str, ProvisionError> {
    checked(placement.credential().ok_or(wrong("it names no login"))?)
}

/// A record may hold any name; here it must be one that a [`Site`](crate::site::Site) makes.
fn checked(name: &str) -> Result<&str, ProvisionError> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    if !name.is_empty() && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(wrong("a name of it is not of a-z, 0-9, - and _"))
    }
}

/// `'user'@'host'`: both are checked characters, none of which needs escaping.
fn user(site: &MysqlSite, login: &str) -> String {
    format!("'{login}'@'{}'", site.login_host)
}

/// In a grant, `_` and `%` in a database's name stand for other characters: `a_b` would open `axb`.
fn escaped(database: &str) -> String {
    database.replace('_', "\\_").replace('%', "\\%")
}

fn pattern(database: &str) -> String {
    mysql_quoted(&escaped(database))
}

/// What the server keeps of a password, made here, so that no log of the server's ever holds it.
fn hash(password: &SecretString) -> String {
    let once = Sha1::digest(password.expose_secret());
    format!("*{}", text::hex(&Sha1::digest(once)).to_uppercase())
}

async fn step(
    lane: &mut dyn Lane,
    step: &'static str,
    needs: &'static str,
    sql: String,
) -> Result<(), ProvisionError> {
    match lane.raw(sql).await.map_err(fault) {
        Ok(()) => Ok(()),
        Err(fault) if fault.is_lost() => Err(lost_fault(fault)),
        Err(fault) => Err(ProvisionError::Step { step, needs, fault }),
    }
}

fn wrong(reason: &'static str) -> ProvisionError {
    SiteError::Placement { reason }.into()
}

fn lost(error: sqlx::Error) -> ProvisionError {
    lost_fault(fault(error))
}

fn lost_fault(fault: Fault) -> ProvisionError {
    SiteError::from(fault).into()
}
