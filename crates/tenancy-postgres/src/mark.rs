//! The mark that ties a schema, a database or a login to one tenant: its comment in the catalog.
//!
//! A name says what somebody called a thing; the mark says whose it is. It is written with the
//! thing in one transaction, only its owner can change it, and it is read back wherever a
//! connection is bound or made. A schema that was dropped and made again, a renamed one, a
//! restored or cloned database: none of them is served before it is marked.
//!
//! What carries a mark: `pg_dump` writes the comment of a schema always, and that of a database
//! with `--create` only; `pg_dumpall` writes those of roles. `CREATE DATABASE .. TEMPLATE` and
//! `ALTER .. RENAME` to another name: a copy has no mark, a renamed database keeps its own.
//!
//! Marks are no secret: every role reads comments and names in the catalogs of its database, and
//! the names of databases and roles everywhere. Where tenants run SQL of their own and must not
//! learn each other's names, use ids that say nothing.

use tenancy_core::TenantId;

use crate::ident::Identifier;
use crate::sqlstate::NOT_MARKED;

/// What every mark starts with.
pub(crate) const PREFIX: &str = "tenancy: tenant ";

/// The mark of this tenant's things. It holds `a-z 0-9 - _`, a colon and spaces alone, so it
/// means itself between single quotes under any setting.
///
/// ```
/// let acme = tenancy_core::TenantId::new("acme")?;
/// assert_eq!(tenancy_postgres::mark::of(&acme), "tenancy: tenant acme");
/// # Ok::<(), tenancy_core::InvalidTenantId>(())
/// ```
pub fn of(tenant: &TenantId) -> String {
    format!("{PREFIX}{tenant}")
}

/// The tenant that a comment marks. `None` for any other comment.
///
/// ```
/// use tenancy_postgres::mark;
///
/// assert_eq!(mark::tenant("tenancy: tenant acme").unwrap().as_str(), "acme");
/// assert!(mark::tenant("standard public schema").is_none());
/// ```
pub fn tenant(comment: &str) -> Option<TenantId> {
    TenantId::new(comment.strip_prefix(PREFIX)?).ok()
}

/// Stops the message when `login` is marked as another tenant's. One that was made by hand, and
/// has no mark, is let through.
pub(crate) fn refuse_foreign_login(login: &Identifier, tenant: &TenantId) -> String {
    format!(
        "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = {} \
         AND starts_with(shobj_description(oid, 'pg_authid'), '{PREFIX}') \
         AND shobj_description(oid, 'pg_authid') <> '{}') THEN \
         RAISE EXCEPTION 'this login is marked for another tenant' \
         USING ERRCODE = '{NOT_MARKED}', HINT = 'Give the tenant a login of its own.'; \
         END IF; END $do$;",
        login.literal(),
        of(tenant),
    )
}
