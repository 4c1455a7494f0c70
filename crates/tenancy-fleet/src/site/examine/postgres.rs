//! A PostgreSQL server.

use sqlx::postgres::PgSslMode;
use tenancy_core::Strategy;
use tenancy_postgres::version::{Support, display, support};

use super::{Finding, Secrecy, Weight, way_to};
use crate::db::{Cell, Kind, fault};
use crate::script::text;
use crate::site::{PostgresSite, SiteError};

pub(super) fn way(site: &PostgresSite) -> Finding {
    let options = site.options();
    let secrecy = match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Secrecy::Perhaps,
        PgSslMode::Require => Secrecy::Listeners,
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Secrecy::Everybody,
    };
    let by_socket = options.get_socket().is_some();
    way_to(
        options.get_host(),
        by_socket,
        &secrecy,
        "sslmode=verify-full",
    )
}

/// What the administrator's login may do.
#[allow(clippy::struct_excessive_bools)] // each is a right of its own
struct Rights {
    is_superuser: bool,
    creates_roles: bool,
    creates_databases: bool,
    creates_schemas: bool,
    ends_sessions: bool,
    /// `None`: there is no such role yet.
    is_owner: Option<bool>,
}

pub(super) async fn examine(
    site: &PostgresSite,
    strategy: Strategy,
) -> Result<Vec<Finding>, SiteError> {
    let mut lane = site.admin().await?;
    let sql = format!(
        "SELECT pg_catalog.current_setting('server_version_num')::int8, pg_catalog.pg_is_in_recovery()::int4::int8, \
         r.rolsuper::int4::int8, r.rolcreaterole::int4::int8, r.rolcreatedb::int4::int8, \
         pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')::int4::int8, \
         pg_catalog.pg_has_role('pg_signal_backend', 'MEMBER')::int4::int8, \
         (SELECT pg_catalog.pg_has_role(o.oid, 'MEMBER')::int4::int8 FROM pg_catalog.pg_roles AS o \
         WHERE o.rolname OPERATOR(pg_catalog.=) {}::pg_catalog.name) \
         FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER",
        text::text(Kind::Postgres, site.owner.as_str())
    );
    let rows = lane.raw_rows(sql).await.map_err(fault)?;
    let row = rows.into_iter().next().unwrap_or_default();
    let mut numbers = row.into_iter().map(|cell| match cell {
        Cell::Int(number) => Some(number),
        _ => None,
    });
    let mut next = || numbers.next().flatten();
    let mut findings = vec![way(site), server(next().unwrap_or_default())];
    if next() == Some(1) {
        findings.push(Finding::new(
            "server",
            Weight::Wrong,
            "it is a standby, on which nothing can be made: name the primary",
        ));
    }
    let rights = Rights {
        is_superuser: next() == Some(1),
        creates_roles: next() == Some(1),
        creates_databases: next() == Some(1),
        creates_schemas: next() == Some(1),
        ends_sessions: next() == Some(1),
        is_owner: next().map(|is_member| is_member == 1),
    };
    if strategy != Strategy::RowLevel {
        findings.extend(rights.judge(strategy));
    }
    Ok(findings)
}

fn server(version: i64) -> Finding {
    let (weight, message) = match support(version) {
        Support::Supported => (Weight::Fine, String::new()),
        Support::BelowFloor { floor } => (
            Weight::Doubtful,
            format!(
                ", and a cached plan can keep another role's rows below {}: pools refuse to serve from it, so bring it up to date",
                display(floor)
            ),
        ),
        Support::TooOld => (
            Weight::Wrong,
            ", which is not supported: PostgreSQL 15 is the oldest".to_owned(),
        ),
        _ => (
            Weight::Doubtful,
            ", with which this version was not tested".to_owned(),
        ),
    };
    let message = format!("PostgreSQL {}{message}", display(version));
    Finding::new("server", weight, message)
}

impl Rights {
    fn judge(&self, strategy: Strategy) -> Vec<Finding> {
        if self.is_superuser {
            let message = "a superuser, who may do all of it";
            return vec![Finding::new("administrator", Weight::Fine, message)];
        }
        let in_databases = strategy == Strategy::DatabasePerTenant;
        let wanted = [
            (
                self.creates_roles,
                "CREATEROLE, for tenants' logins: ALTER ROLE .. CREATEROLE",
            ),
            (
                self.creates_databases || !in_databases,
                "CREATEDB, for tenants' databases: ALTER ROLE .. CREATEDB",
            ),
            (
                self.creates_schemas || in_databases,
                "CREATE on the database of tenants' schemas: GRANT CREATE ON DATABASE ..",
            ),
        ];
        let missing = wanted.into_iter().filter(|(has, _)| !has);
        let mut findings: Vec<_> = missing
            .map(|(_, what)| {
                Finding::new("administrator", Weight::Wrong, format!("it lacks {what}"))
            })
            .collect();
        if findings.is_empty() {
            let message = "it may make what tenants need";
            findings.push(Finding::new("administrator", Weight::Fine, message));
        }
        if !self.ends_sessions {
            findings.push(Finding::new(
                "administrator",
                Weight::Doubtful,
                "it can't end tenants' sessions, so that a removal has to wait for them: GRANT pg_signal_backend TO ..",
            ));
        }
        findings.push(match self.is_owner {
            Some(true) => {
                Finding::new("owner", Weight::Fine, "the administrator is a member of it")
            }
            Some(false) => Finding::new(
                "owner",
                Weight::Wrong,
                "the administrator is no member of the role that owns tenants' tables: GRANT it",
            ),
            None => Finding::new(
                "owner",
                Weight::Doubtful,
                "the role that owns tenants' tables is not there yet: `prepare` makes it",
            ),
        });
        findings
    }
}
