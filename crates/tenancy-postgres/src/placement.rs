//! The registry of placements: one tenant, one place, for ever, in one table of the base database.
//!
//! A process that remembers who lives where forgets it at the next start, and two processes
//! remember two things. So the table `tenancy.placement` keeps it, and its uniqueness makes one
//! place one tenant's, whoever claims it at the same moment:
//!
//! - a tenant has one row, and a second placement of it is refused;
//! - a schema (server, database, schema) has one tenant, and so has a database of
//!   database-per-tenant, which holds no other tenant's schema either;
//! - a row that is released stays as a tombstone: neither the tenant nor the place is placed
//!   again, until somebody with the rights of `tenancy_owner` [forgets](forget) it by name.
//!
//! PostgreSQL enforces it: only the role given to [`install`] may add rows or release them, and
//! none may delete them; the logins that serve tenants may not even read it. A name counts byte
//! for byte. What it can't know is that two server names lead to one server: give each server one
//! name, or none.
//!
//! `pg_dump` carries the table. Restored elsewhere, it says where the tenants of the *old* place
//! live.
//!
//! ```
//! use tenancy_core::{Placement, TenantId};
//! use tenancy_postgres::placement::{self, Claimed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let acme = TenantId::new("acme")?;
//! let place = Placement::schema("acme").with_credential("tn_acme");
//! let sql = placement::claim_sql(&acme, &place)?; // one simple message
//! assert!(sql.contains("INSERT INTO tenancy.placement"));
//! // Its last row holds one text.
//! assert_eq!(placement::claimed(Some("claimed"))?, Claimed::Now);
//! assert!(placement::claimed(Some("taken")).is_err());
//! # Ok(()) }
//! ```

mod install;

use tenancy_core::{Placement, Strategy, TenantId};

pub use install::{forget, install};

use crate::Error;
use crate::ident::text_literal;
use crate::install::steps::LOCK;

/// A claim that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It was recorded just now.
    Now,
    /// The same tenant was recorded at the same place before.
    Before,
}

/// Claims the place for the tenant: one simple message, outside a transaction, for the role given
/// to [`install`]. Its last row holds one text, for [`claimed`]. Claiming the same again changes
/// nothing; of two that claim one place at once, one gets it.
///
/// The base database itself is written with its name or without; both are one place.
///
/// # Errors
/// [`Error::Placement`] when the placement contradicts its strategy.
pub fn claim_sql(tenant: &TenantId, placement: &Placement) -> Result<String, Error> {
    check(placement)?;
    let text = |value: Option<&str>| {
        value.map_or("NULL::text".to_owned(), |value| {
            format!("{}::text", text_literal(value))
        })
    };
    Ok(include_str!("placement/claim.sql")
        .replace("{lock}", LOCK)
        .replace("{tenant}", &text(Some(tenant.as_str())))
        .replace("{strategy}", &text(Some(&placement.strategy().to_string())))
        .replace("{server}", &text(placement.server()))
        .replace("{database}", &text(placement.database_name()))
        .replace("{schema}", &text(placement.schema_name()))
        .replace("{credential}", &text(placement.credential())))
}

/// Reads the answer to [`claim_sql`].
///
/// # Errors
/// - [`Error::PlaceTaken`]: another tenant is, or was, there; the error doesn't say which.
/// - [`Error::PlacedElsewhere`]: this tenant is recorded with another placement.
/// - [`Error::PlacementReleased`]: this tenant was there, and was released.
/// - [`Error::PlacementAnswer`]: no answer to a claim; nothing is known.
pub fn claimed(answer: Option<&str>) -> Result<Claimed, Error> {
    match answer {
        Some("claimed") => Ok(Claimed::Now),
        Some("held") => Ok(Claimed::Before),
        Some("taken") => Err(Error::PlaceTaken),
        Some("elsewhere") => Err(Error::PlacedElsewhere),
        Some("released") => Err(Error::PlacementReleased),
        _ => Err(Error::PlacementAnswer {
            reason: "it is no answer to a claim",
        }),
    }
}

/// Asks where the tenant lives: no row, or one of seven texts, for [`found`].
pub fn lookup_sql(tenant: &TenantId) -> String {
    format!(
        "SELECT p.tenant_id, p.strategy, p.server, p.database_name, p.schema_name, p.credential, \
         (p.released_at IS NOT NULL)::pg_catalog.text AS released FROM tenancy.placement AS p \
         WHERE p.tenant_id OPERATOR(pg_catalog.=) {}::pg_catalog.text",
        text_literal(tenant.as_str())
    )
}

/// Reads a row of [`lookup_sql`], asked for `tenant`.
///
/// # Errors
/// [`Error::PlacementReleased`] for a tombstone; [`Error::PlacementAnswer`] for a row that is
/// another tenant's, or no placement: a connection may be an answer behind.
pub fn found(tenant: &TenantId, row: &[Option<&str>]) -> Result<Placement, Error> {
    let wrong = |reason| Error::PlacementAnswer { reason };
    let [
        Some(of),
        Some(strategy),
        server,
        database,
        schema,
        credential,
        Some(released),
    ] = row
    else {
        return Err(wrong("it does not have the seven columns of a placement"));
    };
    if *of != tenant.as_str() {
        return Err(wrong("it is another tenant's"));
    }
    if *released != "false" {
        return Err(Error::PlacementReleased);
    }
    let strategies = [
        Strategy::RowLevel,
        Strategy::SchemaPerTenant,
        Strategy::DatabasePerTenant,
    ];
    let strategy = strategies
        .into_iter()
        .find(|known| known.to_string() == *strategy)
        .ok_or(wrong("this version does not know its strategy"))?;
    let part = |name, value: Option<&str>| {
        value.map(|value| (name, serde_json::Value::from(value.to_owned())))
    };
    let mut parts = serde_json::Map::new();
    let strategy = serde_json::Value::from(strategy.to_string());
    for (name, value) in [
        Some(("strategy", strategy)),
        part("server", *server),
        part("database", *database),
        part("schema", *schema),
        part("credential", *credential),
    ]
    .into_iter()
    .flatten()
    {
        parts.insert(name.to_owned(), value);
    }
    let placement: Placement =
        serde_json::from_value(parts.into()).map_err(|_| wrong("its parts make no placement"))?;
    check(&placement).map_err(|_| wrong("it contradicts its strategy"))?;
    Ok(placement)
}

/// Releases the tenant's placement, once its data is gone: the row stays as a tombstone. For the
/// role given to [`install`]; one that is released already, or was never recorded, stays so.
pub fn release_sql(tenant: &TenantId) -> String {
    format!(
        "UPDATE tenancy.placement AS p SET released_at = pg_catalog.now() \
         WHERE p.tenant_id OPERATOR(pg_catalog.=) {}::pg_catalog.text AND p.released_at IS NULL",
        text_literal(tenant.as_str())
    )
}

/// What the table's own rules say, with a reason, before a trip.
fn check(placement: &Placement) -> Result<(), Error> {
    let parts = [
        placement.server(),
        placement.database_name(),
        placement.schema_name(),
        placement.credential(),
    ];
    let reason = if parts.contains(&Some("")) {
        "one of its names is empty"
    } else if parts.iter().flatten().any(|name| name.contains('\0')) {
        "one of its names holds a NUL byte"
    } else {
        match placement.strategy() {
            Strategy::RowLevel
                if placement.database_name().is_some() || placement.schema_name().is_some() =>
            {
                "shared tables have no database or schema of one tenant's"
            }
            Strategy::SchemaPerTenant if placement.schema_name().is_none() => {
                "schema-per-tenant names no schema"
            }
            Strategy::DatabasePerTenant if placement.database_name().is_none() => {
                "database-per-tenant names no database"
            }
            _ => return Ok(()),
        }
    };
    Err(Error::Placement { reason })
}
