//! One tenant's login: a role that may log in, and is nothing else.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::TenantId;

use crate::Error;
use crate::ident::{Identifier, text_literal};
use crate::install::steps::LOCK;
use crate::mark;
use crate::plan::{Needs, Plan, Step};
use crate::sqlstate::NOT_MARKED;

/// One tenant's login, for the tiers in which the database enforces: a schema login, or a
/// database's.
///
/// PostgreSQL enforces what it may do; this says what it is: LOGIN, and none of SUPERUSER,
/// CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS or INHERIT. It is marked (see [`mark`]), and a
/// role that is there and isn't marked for this tenant is never taken over.
///
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_postgres::role::TenantRole;
///
/// let login = TenantRole::new(&TenantId::new("acme")?, "tn_acme".parse()?)?.connection_limit(10);
/// let plan = login.create(&"correct horse battery staple".to_owned().into())?;
/// assert!(plan.steps()[0].is_secret());
/// assert!(!plan.steps()[0].sql().contains("horse")); // a SCRAM verifier, never the password
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TenantRole {
    tenant: TenantId,
    name: Identifier,
    connection_limit: Option<u16>,
    inherits: bool,
}

impl TenantRole {
    /// The login `name` of `tenant`.
    ///
    /// # Errors
    /// [`Error::ReservedRole`] for a name that the server or this crate keeps for itself.
    pub fn new(tenant: &TenantId, name: Identifier) -> Result<Self, Error> {
        let folded = name.as_str().to_lowercase();
        let reserved = [
            "postgres",
            "public",
            "none",
            "current_role",
            "current_user",
            "session_user",
            "user",
        ];
        if reserved.contains(&folded.as_str())
            || folded.starts_with("pg_")
            || folded.starts_with("tenancy_")
        {
            return Err(Error::ReservedRole);
        }
        Ok(Self {
            tenant: tenant.clone(),
            name,
            connection_limit: None,
            inherits: false,
        })
    }

    /// At most this many connections of this login at a time, enforced by the server. Set it
    /// above the pool's own cap for a tenant, or a connection that is just closing is in the way.
    pub fn connection_limit(mut self, connections: u16) -> Self {
        self.connection_limit = Some(connections);
        self
    }

    /// With the rights of the roles that it is made a member of: a row-level login's group.
    pub(crate) fn inheriting(mut self) -> Self {
        self.inherits = true;
        self
    }

    fn inherit(&self) -> &'static str {
        if self.inherits {
            "INHERIT"
        } else {
            "NOINHERIT"
        }
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The role's name.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// Makes the login and gives it `password`; the text holds a SCRAM verifier, never the
    /// password. A role that is there and isn't marked for this tenant stops it (`TN010`).
    ///
    /// # Errors
    /// [`Error::Password`] when it is empty or holds a NUL byte.
    pub fn create(&self, password: &SecretString) -> Result<Plan, Error> {
        let literal = self.name.literal();
        let quoted = self.name.quoted();
        let mut sql = format!(
            "{LOCK} {} DO $do$ BEGIN \
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN \
             EXECUTE format('CREATE ROLE %I LOGIN {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', {literal}); \
             EXECUTE format('COMMENT ON ROLE %I IS %L', {literal}, '{}'); END IF; \
             END $do$; ",
            self.refuse_foreign(),
            self.inherit(),
            mark::of(&self.tenant),
        );
        let _ = write!(
            sql,
            "ALTER ROLE {quoted} CONNECTION LIMIT {}; {}",
            self.connection_limit.map_or(-1, i32::from),
            self.password_sql(password)?
        );
        let step = Step::new("tenant login", Needs::CreateRole, sql)
            .secret()
            .holds(format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal} AND rolcanlogin AND NOT rolsuper \
                 AND rolinherit = {} AND NOT rolcreatedb AND NOT rolcreaterole AND NOT rolreplication AND NOT rolbypassrls)",
                self.inherits
            ));
        Ok(Plan { steps: vec![step] })
    }

    /// Another password, for new connections: those that are open stay open. A tenant who runs
    /// SQL can change its own (`ALTER ROLE CURRENT_USER PASSWORD`), which locks itself out and
    /// nobody else; this brings it back.
    ///
    /// # Errors
    /// [`Error::Password`] when it is empty or holds a NUL byte.
    pub fn set_password(&self, password: &SecretString) -> Result<Plan, Error> {
        let sql = format!(
            "{LOCK} {} {}",
            self.refuse_foreign(),
            self.password_sql(password)?
        );
        let step = Step::new("tenant password", Needs::CreateRole, sql).secret();
        Ok(Plan { steps: vec![step] })
    }

    /// Lets nobody in under this login any more, and ends the sessions that it has: before what it
    /// serves is removed. One that is not there counts as locked out; one that isn't marked for this
    /// tenant stops it (`TN010`). Ending sessions needs `pg_signal_backend`, or membership in the
    /// login; it is a step of its own that may fail.
    pub fn lock_out(&self) -> Plan {
        let literal = self.name.literal();
        let sql = format!(
            "{LOCK} {} DO $do$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN \
             EXECUTE format('ALTER ROLE %I NOLOGIN', {literal}); END IF; END $do$;",
            self.refuse_foreign(),
        );
        let lock = Step::new("lock tenant login", Needs::CreateRole, sql);
        let end = Step::new(
            "end tenant's sessions",
            Needs::Superuser,
            format!(
                "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity \
                 WHERE usename OPERATOR(pg_catalog.=) {literal} AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
            ),
        );
        Plan {
            steps: vec![lock, end.optional()],
        }
    }

    /// Takes the login away, with its grants in the database where this runs and on databases as
    /// such. Run it in the database that holds the tenant's schema; drop a tenant's database
    /// first. One that is not there counts as dropped; one that owns something, isn't marked for
    /// this tenant or has grants in another database is refused.
    pub fn drop_plan(&self) -> Plan {
        let literal = self.name.literal();
        let sql = format!(
            "{LOCK} {} DO $do$ DECLARE role_oid oid; BEGIN \
             SELECT oid INTO role_oid FROM pg_roles WHERE rolname = {literal}; \
             IF role_oid IS NULL THEN RETURN; END IF; \
             IF EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = role_oid AND deptype = 'o' \
             AND classid <> 'pg_default_acl'::regclass) THEN \
             RAISE EXCEPTION 'the tenant''s login owns objects, which dropping it would drop' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Give them to the owner role with REASSIGN OWNED.'; END IF; \
             IF NOT pg_has_role(current_user, role_oid, 'USAGE') THEN \
             EXECUTE format('GRANT %I TO CURRENT_USER', {literal}); END IF; \
             EXECUTE format('DROP OWNED BY %I', {literal}); \
             EXECUTE format('DROP ROLE %I', {literal}); \
             END $do$;",
            self.refuse_foreign(),
        );
        Plan {
            steps: vec![
                Step::new("drop tenant login", Needs::CreateRole, sql).holds(format!(
                    "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal})"
                )),
            ],
        }
    }

    /// Stops the message when the role is there and isn't this tenant's.
    fn refuse_foreign(&self) -> String {
        format!(
            "DO $do$ BEGIN \
             IF EXISTS (SELECT FROM pg_roles WHERE rolname = {} \
             AND COALESCE(shobj_description(oid, 'pg_authid'), '') <> '{}') THEN \
             RAISE EXCEPTION 'a role of this name is there and is not marked as this tenant''s login' \
             USING ERRCODE = '{NOT_MARKED}', HINT = 'Give the tenant another login, or mark the role with COMMENT ON ROLE if it is the tenant''s own.'; \
             END IF; END $do$;",
            self.name.literal(),
            mark::of(&self.tenant),
        )
    }

    pub(crate) fn password_sql(&self, password: &SecretString) -> Result<String, Error> {
        Ok(format!(
            "ALTER ROLE {} PASSWORD '{}';",
            self.name.quoted(),
            scram_verifier(password)?
        ))
    }
}

/// Makes the role that owns what migrations make, NOLOGIN, where it is missing, and whoever runs
/// this a member of it. One that is there stays as it is.
pub fn table_owner(owner: &Identifier) -> Plan {
    let literal = owner.literal();
    let member = format!(
        "pg_catalog.pg_has_role(current_user, {literal}, CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 \
         THEN 'SET' ELSE 'MEMBER' END)"
    );
    let sql = format!(
        "{LOCK} DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN \
         EXECUTE format('CREATE ROLE %I NOLOGIN', {literal}); END IF; \
         IF NOT {member} THEN EXECUTE format('GRANT %I TO CURRENT_USER', {literal}); END IF; END $do$;"
    );
    let step = Step::new("table owner", Needs::CreateRole, sql).holds(format!("SELECT {member}"));
    Plan { steps: vec![step] }
}

/// What the server keeps of a password, made here, so that no log of the server's ever holds the
/// password: base64, digits, `$`, `:` and `-` alone, so it means itself between single quotes.
pub(crate) fn scram_verifier(password: &SecretString) -> Result<String, Error> {
    let password = password.expose_secret().as_bytes();
    if password.is_empty() || password.contains(&0) {
        return Err(Error::Password);
    }
    Ok(postgres_protocol::password::scram_sha_256(password))
}

/// `GRANT CONNECT` on the database where it runs: PUBLIC's own may be taken away.
pub(crate) fn connect_here(login: &Identifier) -> String {
    format!(
        "DO $do$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), {}); END $do$;",
        text_literal(login.as_str())
    )
}
