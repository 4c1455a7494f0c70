//! What a database says about itself.

// Each of these is a fact of the catalog, which has no better type for it.
#![allow(clippy::struct_excessive_bools)]

use serde::Deserialize;

use super::Expectations;
use crate::Error;
use crate::catalog::{NEIGHBOUR_FUNCTIONS, SERVER_FUNCTIONS};
use crate::ident::text_literal;

/// One statement that answers one row with one text column: the [`Snapshot`] as JSON.
///
/// It pins the `search_path` of its own transaction, so run it outside one. It reads catalogs
/// that every role may read. Where nothing is installed it fails; give the code of that error to
/// [`unreadable`](super::unreadable).
pub fn snapshot_sql(expectations: &Expectations) -> String {
    let roles = &expectations.roles;
    let functions = SERVER_FUNCTIONS
        .iter()
        .chain(NEIGHBOUR_FUNCTIONS)
        .map(|function| format!("'{function}'"))
        .collect::<Vec<_>>()
        .join(", ");
    let logins = match &expectations.logins {
        Some(logins) => text_literal(logins.prefix()),
        None => "NULL".to_owned(),
    };
    qualify(include_str!("snapshot.sql"))
        .replace("{runtime}", &roles.runtime().literal())
        .replace("{central}", &roles.central().literal())
        .replace("{owner}", &roles.table_owner().literal())
        .replace("{logins}", &logins)
        .replace("{server_functions}", &functions)
}

/// Names the schema of every operator, which the text leaves out for its readers' sake: an
/// operator of the same name in the caller's search path must not answer in its place. The text
/// writes each with a space on both sides.
pub(crate) fn qualify(sql: &str) -> String {
    ["=", "<>", "<=", ">"]
        .iter()
        .fold(sql.to_owned(), |sql, operator| {
            sql.replace(
                &format!(" {operator} "),
                &format!(" OPERATOR(pg_catalog.{operator}) "),
            )
        })
}

/// What a database is, as it answered [`snapshot_sql`].
#[derive(Debug, Clone, Deserialize)]
pub struct Snapshot {
    pub(super) server_version_num: i64,
    pub(super) max_prepared_transactions: i64,
    pub(super) lo_compat_privileges: bool,
    pub(super) installed: Option<i32>,
    pub(super) recorded: bool,
    pub(super) database: String,
    pub(super) creates: Option<bool>,
    pub(super) temporary: Option<bool>,
    pub(super) schema_owner: Option<String>,
    pub(super) event_trigger: Option<bool>,
    pub(super) relations: Vec<Relation>,
    pub(super) functions: Vec<Function>,
    pub(super) roles: Vec<Role>,
    pub(super) memberships: Vec<Membership>,
    pub(super) seal_relations: Vec<SealRelation>,
    pub(super) seal_functions: Vec<SealFunction>,
    pub(super) server_functions: Vec<String>,
    pub(super) system_grants: Vec<String>,
    pub(super) schemas: Vec<String>,
    pub(super) languages: Vec<String>,
    pub(super) parameters: Vec<String>,
    pub(super) settings: Vec<Setting>,
    pub(super) default_grants: Vec<DefaultGrant>,
    pub(super) owned: Vec<Option<String>>,
    pub(super) large_objects: i64,
}

impl Snapshot {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Error::Snapshot`] when it is not what [`snapshot_sql`] answers: nothing is known about
    /// the database then, so do not serve.
    pub fn parse(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json).map_err(|error| Error::Snapshot {
            line: error.line(),
            column: error.column(),
        })
    }

    /// The server's version, as `server_version_num` counts.
    pub fn server_version_num(&self) -> i64 {
        self.server_version_num
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Relation {
    pub(super) oid: i64,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) owner: String,
    pub(super) owner_above: bool,
    pub(super) row_security: bool,
    pub(super) forced: bool,
    pub(super) partition: bool,
    pub(super) invoker: bool,
    pub(super) reachable: bool,
    pub(super) ancestor: Option<i64>,
    pub(super) shared: Option<Shared>,
    pub(super) privileges: Vec<String>,
    pub(super) public_privileges: Vec<String>,
    pub(super) grantable: bool,
    pub(super) columns: Vec<Column>,
    pub(super) policies: Vec<Policy>,
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) rules: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shared {
    ReadOnly,
    Writable,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) type_oid: i64,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) not_null: bool,
    pub(super) generated: bool,
    pub(super) deterministic: bool,
    pub(super) default: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) permissive: bool,
    pub(super) command: String,
    pub(super) to_public: bool,
    pub(super) using: Option<String>,
    pub(super) check: Option<String>,
    pub(super) functions: Vec<i64>,
    pub(super) others: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) keys: Vec<Option<String>>,
    pub(super) exclusion_operators: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) target: i64,
    pub(super) columns: Vec<String>,
    pub(super) target_columns: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Function {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) definer: bool,
    pub(super) leakproof: bool,
    pub(super) language: String,
    pub(super) trusted: bool,
    pub(super) owner: String,
    pub(super) owner_above: bool,
    pub(super) owner_unwalled: bool,
    pub(super) owner_owns_walls: bool,
    pub(super) extension: Option<String>,
    pub(super) trigger: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) superuser: bool,
    pub(super) bypasses: bool,
    pub(super) creates_roles: bool,
    pub(super) creates_databases: bool,
    pub(super) replicates: bool,
    pub(super) login: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Membership {
    pub(super) role: String,
    pub(super) member: String,
    pub(super) of_runtime: bool,
    pub(super) member_superuser: Option<bool>,
    /// As a superuser can, and who has CREATEROLE.
    pub(super) member_creates_roles: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct SealRelation {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) owner: String,
    pub(super) unlogged: bool,
    pub(super) meddled: bool,
    pub(super) bounds: Option<String>,
    pub(super) grants: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct SealFunction {
    pub(super) oid: i64,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) returns: String,
    pub(super) source: String,
    pub(super) language: String,
    pub(super) owner: String,
    pub(super) definer: bool,
    pub(super) volatility: String,
    pub(super) parallel: String,
    pub(super) odd: bool,
    pub(super) grants: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Setting {
    /// The role that has it; None for one of the database.
    pub(super) role: Option<String>,
    pub(super) assignment: String,
    pub(super) of_database: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct DefaultGrant {
    pub(super) owner: String,
    pub(super) schema: Option<String>,
    pub(super) public: bool,
}
