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

use secrecy::SecretString;
use tenancy_core::TenantId;

use crate::Error;
use crate::database::TenantDatabase;
use crate::ident::Identifier;
use crate::install::steps::LOCK;
use crate::plan::{Needs, Plan, Step};
use crate::role::TenantRole;
use crate::schema::TenantSchema;
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

/// What a tenant's place is.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// A schema, which this role owns.
    Schema(&'a TenantSchema, &'a Identifier),
    /// A database.
    Database(&'a TenantDatabase),
}

/// Marks a place and its login, which are marked for `from`, for the tenant that the place says, and
/// gives the login another password: how a place that was made ahead of need becomes a tenant's. One
/// step, which may run twice; what is missing, or marked for neither of the two, stops it (`TN010`).
///
/// # Errors
/// [`Error::Password`] when the password is empty or holds a NUL byte.
pub fn hand_over(
    from: &TenantId,
    place: Place<'_>,
    login: Option<(&TenantRole, &SecretString)>,
) -> Result<Plan, Error> {
    let mut sql = hand_over_sql(from, place, login.map(|(role, _)| role), "found IS NULL OR");
    if let Some((role, password)) = login {
        sql += &role.password_sql(password)?;
    }
    let step = Step::new("hand over", Needs::CreateRole, sql).secret();
    Ok(Plan { steps: vec![step] })
}

/// The same for what there is of it, without a password: before the place is made again, or removed.
pub fn hand_over_what_is_left(
    from: &TenantId,
    place: Place<'_>,
    login: Option<&TenantRole>,
) -> Plan {
    let sql = hand_over_sql(from, place, login, "");
    Plan {
        steps: vec![Step::new("hand over", Needs::CreateRole, sql)],
    }
}

fn hand_over_sql(
    from: &TenantId,
    place: Place<'_>,
    login: Option<&TenantRole>,
    or_missing: &str,
) -> String {
    let (to, look, comment) = match place {
        Place::Schema(schema, owner) => {
            let name = schema.name().literal();
            (
                schema.tenant(),
                format!(
                    "COALESCE(obj_description(oid, 'pg_namespace'), '') INTO found FROM pg_namespace WHERE nspname = {name}"
                ),
                // A schema's comment is its owner's.
                format!(
                    "EXECUTE format('SET LOCAL ROLE %I', {}); EXECUTE format('COMMENT ON SCHEMA %I IS %L', {name}, mark); RESET ROLE",
                    owner.literal(),
                ),
            )
        }
        Place::Database(database) => {
            let name = database.name().literal();
            (
                database.tenant(),
                format!(
                    "COALESCE(shobj_description(oid, 'pg_database'), '') INTO found FROM pg_database WHERE datname = {name}"
                ),
                format!("EXECUTE format('COMMENT ON DATABASE %I IS %L', {name}, mark)"),
            )
        }
    };
    let refuse = format!(
        "IF {or_missing} found NOT IN (mark, '{}') THEN \
         RAISE EXCEPTION 'what is to be handed over is missing, or marked for somebody else' \
         USING ERRCODE = '{NOT_MARKED}', HINT = 'Look at whose it is.'; END IF;",
        of(from)
    );
    let role = login.map_or(String::new(), |role| {
        let name = role.name().literal();
        format!(
            "found := NULL; SELECT COALESCE(shobj_description(oid, 'pg_authid'), '') INTO found FROM pg_roles WHERE rolname = {name}; \
             {refuse} IF found <> mark THEN EXECUTE format('COMMENT ON ROLE %I IS %L', {name}, mark); END IF; "
        )
    });
    format!(
        "{LOCK} DO $do$ DECLARE found text; mark text := '{}'; BEGIN SELECT {look}; {refuse} \
         IF found <> mark THEN {comment}; END IF; {role}END $do$;",
        of(to)
    )
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
