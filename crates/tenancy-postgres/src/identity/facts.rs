//! What a connection said about its login.

// Each of these is a fact of the catalog, which has no better type for it.
#![allow(clippy::struct_excessive_bools)]

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Facts {
    pub(super) server_version_num: i64,
    pub(super) max_prepared_transactions: i64,
    pub(super) lo_compat_privileges: bool,
    pub(super) session_user: String,
    pub(super) current_user: String,
    pub(super) database: String,
    pub(super) search_path: String,
    pub(super) superuser: bool,
    pub(super) creates_databases: bool,
    pub(super) creates_roles: bool,
    pub(super) replicates: bool,
    pub(super) bypasses: bool,
    pub(super) login_mark: Option<String>,
    pub(super) schema_mark: Option<String>,
    pub(super) database_mark: Option<String>,
    pub(super) memberships: u64,
    pub(super) members: u64,
    pub(super) owns: u64,
    pub(super) creates: bool,
    pub(super) temporary: bool,
    pub(super) public_connect: bool,
    pub(super) guests: u64,
    pub(super) other_tenants_databases: u64,
    pub(super) other_databases: u64,
    /// None where there is no such schema.
    pub(super) usage: Option<bool>,
    pub(super) other_schemas: u64,
    pub(super) creatable_schemas: u64,
    pub(super) shared_writes: u64,
    pub(super) truncates: u64,
    pub(super) ours: u64,
    pub(super) leaving: u64,
    pub(super) entering: u64,
    pub(super) definers: u64,
    pub(super) foreign_servers: u64,
    pub(super) server_functions: u64,
    pub(super) parameters: u64,
    pub(super) role_settings: Vec<String>,
    /// What the session began with, where tenants share the login.
    pub(super) session_settings: Option<String>,
    pub(super) fingerprint: String,
}
