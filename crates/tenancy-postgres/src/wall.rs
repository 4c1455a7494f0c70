//! The wall around one table, and the declaration that a table has none.

pub(crate) mod reads;

use std::fmt::Write as _;

use crate::Error;
use crate::ident::{Identifier, TableName};
use crate::install::Roles;
use crate::install::steps::{AS_OWNER, LOCK};
use crate::login::TenantLogins;
use crate::plan::{Needs, Plan, Step};
use crate::seal::TenantKind;
use reads::Reads;

/// The permissive policy: without one, row security lets nothing through.
pub(crate) const GRANT_POLICY: &str = "tenancy_grant";
/// The restrictive policy: another permissive policy beside it opens nothing.
pub(crate) const WALL_POLICY: &str = "tenancy_wall";

/// A table whose rows belong to tenants.
///
/// PostgreSQL's row security enforces it, for every role that is not above it: neither policy
/// names a role, so that the owner's views and functions are behind it too, and `DROP OWNED` has
/// nothing to drop.
///
/// ```
/// use tenancy_postgres::install::Roles;
/// use tenancy_postgres::seal::TenantKind;
/// use tenancy_postgres::wall::Wall;
///
/// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
/// let wall = Wall::new("app.notes".parse()?, "tenant_id".parse()?, TenantKind::Text)?;
/// let sql = wall.plan(&roles).steps()[0].sql().to_owned();
/// assert!(sql.contains("AS RESTRICTIVE FOR ALL TO PUBLIC"));
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    table: TableName,
    column: Identifier,
    kind: TenantKind,
    logins: Option<TenantLogins>,
}

impl Wall {
    /// A wall for `table`, whose `column` of type `kind` holds the tenant.
    ///
    /// # Errors
    /// [`Error::ReservedSchema`] for a table of the system's or of `tenancy` itself.
    pub fn new(table: TableName, column: Identifier, kind: TenantKind) -> Result<Self, Error> {
        check_schema(&table)?;
        Ok(Self {
            table,
            column,
            kind,
            logins: None,
        })
    }

    /// The same wall for the tenants' own logins: it reads `session_user` in the place of the
    /// sealed scope, and the table is granted to their group alone. A session of any other login
    /// (the owner's, the runtime role's) sees no row and stores none; central is above it as ever.
    ///
    /// A login that is not the canonical spelling of a tenant is nobody.
    ///
    /// ```
    /// use tenancy_postgres::install::Roles;
    /// use tenancy_postgres::login::TenantLogins;
    /// use tenancy_postgres::seal::TenantKind;
    /// use tenancy_postgres::wall::Wall;
    ///
    /// let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
    /// let logins = TenantLogins::new("app_tenants".parse()?, "tn_")?;
    /// let wall = Wall::new("app.notes".parse()?, "tenant_id".parse()?, TenantKind::Bigint)?;
    /// let sql = wall.for_logins(&logins).plan(&roles).steps()[0].sql().to_owned();
    /// assert!(sql.contains("session_user = tenancy.login_name()"));
    /// # Ok::<(), tenancy_postgres::Error>(())
    /// ```
    pub fn for_logins(self, logins: &TenantLogins) -> Self {
        Self {
            logins: Some(logins.clone()),
            ..self
        }
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The column that holds the tenant.
    pub fn column(&self) -> &Identifier {
        &self.column
    }

    /// The column's type.
    pub fn kind(&self) -> TenantKind {
        self.kind
    }

    /// The steps, for the table's owner or a superuser: row security, the two policies, `NOT
    /// NULL`, the column's default, and last the grants, so that the table is never reachable
    /// without its wall. Keys and indexes are the application's: [`crate::verify`] names those
    /// that don't contain the tenant.
    pub fn plan(&self, roles: &Roles) -> Plan {
        let table = self.table.quoted();
        let column = self.column.quoted();
        let reads = match self.logins {
            None => Reads::Scope,
            Some(_) => Reads::Login,
        };
        let reader = reads.function(self.kind);
        let is_current = format!("{column} = {}", reads.select(self.kind));
        let mut sql = format!(
            "{LOCK} \
             ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, \
             ALTER COLUMN {column} SET NOT NULL, ALTER COLUMN {column} SET DEFAULT {reader}(); \
             DROP POLICY IF EXISTS {GRANT_POLICY} ON {table}; \
             CREATE POLICY {GRANT_POLICY} ON {table} AS PERMISSIVE FOR ALL TO PUBLIC \
             USING (true) WITH CHECK (true); \
             DROP POLICY IF EXISTS {WALL_POLICY} ON {table}; \
             CREATE POLICY {WALL_POLICY} ON {table} AS RESTRICTIVE FOR ALL TO PUBLIC \
             USING ({is_current}) WITH CHECK ({is_current});"
        );
        let rights = "SELECT, INSERT, UPDATE, DELETE";
        sql += &match &self.logins {
            None => grants(&table, roles, rights),
            Some(logins) => {
                let serving = roles.serving_list();
                format!("REVOKE ALL ON TABLE {table} FROM {serving};")
                    + &grants(&table, &logins.roles(roles), rights)
            }
        };
        Plan {
            steps: vec![Step::new("wall", Needs::TableOwner, sql)],
        }
    }
}

/// A table that all tenants share, declared by name: every tenant reads the same rows.
///
/// The declaration is a row of `tenancy.shared_table`, which only `tenancy_owner` writes. A
/// table that the runtime role reaches and that is neither walled nor declared is a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedTable {
    table: TableName,
    writable: bool,
    logins: Option<TenantLogins>,
}

impl SharedTable {
    /// A table that every tenant may read.
    ///
    /// # Errors
    /// [`Error::ReservedSchema`] for a table of the system's or of `tenancy` itself.
    pub fn read_only(table: TableName) -> Result<Self, Error> {
        check_schema(&table)?;
        Ok(Self {
            table,
            writable: false,
            logins: None,
        })
    }

    /// A table that every tenant may read **and write**: what one writes, all others read.
    ///
    /// # Errors
    /// [`Error::ReservedSchema`] for a table of the system's or of `tenancy` itself.
    pub fn writable(table: TableName) -> Result<Self, Error> {
        check_schema(&table)?;
        Ok(Self {
            table,
            writable: true,
            logins: None,
        })
    }

    /// The same table for the tenants' own logins too.
    pub fn for_logins(self, logins: &TenantLogins) -> Self {
        Self {
            logins: Some(logins.clone()),
            ..self
        }
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The steps: the declaration, for a superuser or a member of `tenancy_owner`, then the
    /// grants, for the table's owner or a superuser.
    pub fn plan(&self, roles: &Roles) -> Plan {
        let table = self.table.quoted();
        let writable = self.writable;
        let declare = format!(
            "{LOCK} {AS_OWNER} \
             INSERT INTO tenancy.shared_table (relation, writable) \
             SELECT c.oid::regclass, {writable} FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = {} AND c.relname = {} \
             ON CONFLICT (relation) DO UPDATE SET writable = EXCLUDED.writable;",
            self.table.schema().literal(),
            self.table.name().literal(),
        );
        let rights = if writable {
            "SELECT, INSERT, UPDATE, DELETE"
        } else {
            "SELECT"
        };
        let mut grant = format!("{LOCK} {}", grants(&table, roles, rights));
        if let Some(logins) = &self.logins {
            grant += &grants(&table, &logins.roles(roles), rights);
        }
        Plan {
            steps: vec![
                Step::new("declare shared", Needs::TenancyOwner, declare),
                Step::new("grant shared", Needs::TableOwner, grant),
            ],
        }
    }
}

/// Nothing for PUBLIC, just `rights` for the roles that serve tenants, reading and writing for central.
fn grants(table: &str, roles: &Roles, rights: &str) -> String {
    let mut sql = String::new();
    let (serving, central) = (roles.serving_list(), roles.central().quoted());
    let _ = write!(
        sql,
        "REVOKE ALL ON TABLE {table} FROM PUBLIC, {serving}; \
         GRANT {rights} ON TABLE {table} TO {serving}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {table} TO {central};"
    );
    sql
}

fn check_schema(table: &TableName) -> Result<(), Error> {
    let schema = table.schema().as_str();
    if schema == "tenancy" || schema == "information_schema" || schema.starts_with("pg_") {
        return Err(Error::ReservedSchema);
    }
    Ok(())
}
