//! One tenant to one place, one place to one tenant, for ever.
//!
//! The database's own constraints hold it, whoever claims what at the same moment: a place has one
//! row in the table of places, which says whether it is one tenant's own database or one that
//! tenants' schemas share, and never becomes the other; a tenant's row refers to it, and its
//! `place_key` is unique. Rows of tenants are never deleted, so an archived tenant keeps its place.
//!
//! A name counts byte for byte. Two names of one server can't be seen to lead to one server: give
//! each server one name, or none.

use tenancy_core::{Placement, Strategy, TenantId};

use super::RegistryError;
use super::limits::{MAX_NAME, text};
use super::turn::Turn;
use crate::db::{Fault, FaultKind};

/// Where a placement is in the tables.
pub(crate) struct Keys {
    /// The database: server and name.
    place: String,
    kind: &'static str,
    /// The database, or the schema in it.
    key: String,
}

/// Checks a placement and finds its keys; none on shared tables. `base` is the name of the base
/// database, which no tenant may have for its own.
pub(crate) fn keys(
    placement: &Placement,
    base: Option<&str>,
) -> Result<Option<Keys>, RegistryError> {
    let (server, database, schema) = (
        placement.server(),
        placement.database_name(),
        placement.schema_name(),
    );
    let names = [
        ("server's name", server),
        ("database's name", database),
        ("schema's name", schema),
        ("credential's name", placement.credential()),
    ];
    for (what, name) in names {
        name.map_or(Ok(()), |name| text(what, name, MAX_NAME))?;
    }
    let refuse = |reason| Err(RegistryError::Placement { reason });
    let is_base = server.is_none() && database.is_some() && database == base;
    match placement.strategy() {
        Strategy::RowLevel if database.is_some() || schema.is_some() => {
            refuse("shared tables have no database or schema of one tenant's")
        }
        Strategy::RowLevel => Ok(None),
        Strategy::SchemaPerTenant => {
            let Some(schema) = schema else {
                return refuse("schema-per-tenant names no schema");
            };
            // The base database, with its name or without, is one place.
            let place = joined(&[server, database.filter(|_| !is_base)]);
            let key = format!("{place}/{}", part(Some(schema)));
            Ok(Some(Keys {
                place,
                kind: "shared",
                key,
            }))
        }
        Strategy::DatabasePerTenant if database.is_none() => {
            refuse("database-per-tenant names no database")
        }
        Strategy::DatabasePerTenant if is_base => {
            refuse("the base database can't be one tenant's own")
        }
        Strategy::DatabasePerTenant => {
            let place = joined(&[server, database]);
            Ok(Some(Keys {
                key: place.clone(),
                place,
                kind: "own",
            }))
        }
        _ => refuse("this version does not know its strategy"),
    }
}

/// With each name's length before it, so that no two lists of names make one text.
fn joined(names: &[Option<&str>]) -> String {
    let parts: Vec<_> = names.iter().map(|name| part(*name)).collect();
    parts.join("/")
}

fn part(name: Option<&str>) -> String {
    name.map_or("-".to_owned(), |name| format!("{}:{name}", name.len()))
}

impl Keys {
    /// The database, its kind, and the database or the schema in it.
    pub(crate) fn parts(&self) -> (&str, &'static str, &str) {
        (&self.place, self.kind, &self.key)
    }
}

/// Records the database, which is one tenant's own or one that tenants share, for good.
pub(crate) async fn hold(turn: &mut Turn, keys: &Keys) -> Result<(), RegistryError> {
    let sql = "INSERT INTO {place} (place, kind) VALUES (?, ?) {unless_there}";
    turn.run(sql, &[(&keys.place).into(), keys.kind.into()])
        .await?;
    Ok(())
}

/// Records the placement of a tenant whose row is there, and is not placed or placed there already.
pub(crate) async fn claim(
    turn: &mut Turn,
    id: &TenantId,
    placement: &Placement,
    keys: Option<&Keys>,
) -> Result<(), RegistryError> {
    if let Some(keys) = keys {
        hold(turn, keys).await?;
    }
    let sql = "UPDATE {tenant} SET strategy = ?, placed = 1, server = ?, database_name = ?, schema_name = ?, \
               credential_name = ?, place = ?, place_kind = ?, place_key = ? WHERE id = ?";
    let strategy = placement.strategy().to_string();
    let values = [
        (&strategy).into(),
        placement.server().into(),
        placement.database_name().into(),
        placement.schema_name().into(),
        placement.credential().into(),
        keys.map(|keys| keys.place.as_str()).into(),
        keys.map(|keys| keys.kind).into(),
        keys.map(|keys| keys.key.as_str()).into(),
        id.as_str().into(),
    ];
    turn.run(sql, &values).await.map_err(taken)?;
    Ok(())
}

/// The key is another's, or the place is there with the other kind.
pub(crate) fn taken(fault: Fault) -> RegistryError {
    if fault.is(FaultKind::Unique) || fault.is(FaultKind::Reference) {
        RegistryError::PlaceTaken
    } else {
        fault.into()
    }
}

/// The placement in a tenant's columns: server, database, schema, credential.
pub(crate) fn read(
    strategy: &str,
    placed: bool,
    parts: [Option<String>; 4],
) -> Result<(Strategy, Option<Placement>), RegistryError> {
    let malformed = || RegistryError::Malformed { what: "placement" };
    let names = ["server", "database", "schema", "credential"];
    let values: serde_json::Map<_, _> = [("strategy", Some(strategy.to_owned()))]
        .into_iter()
        .chain(names.into_iter().zip(parts))
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    let placement: Placement = serde_json::from_value(values.into()).map_err(|_| malformed())?;
    if placed {
        keys(&placement, None).map_err(|_| malformed())?;
    }
    Ok((placement.strategy(), placed.then_some(placement)))
}
