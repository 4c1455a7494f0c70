//! A MariaDB server.

use std::fmt;
use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use tenancy_core::{Placement, Strategy, TenantId};

use super::idle::Idle;
use super::names::{Prefixes, name};
use super::{Engine, Inside, Open, Site, SiteError};
use crate::db::{Cell, Lane, fault};

/// The longest name of a database.
const MAX_NAME: usize = 64;
/// The longest name of a user that MariaDB and its tools agree on.
const MAX_USER: usize = 80;

/// What the comment of a tenant's database says.
pub(crate) fn mark(tenant: &TenantId) -> String {
    format!("tenancy: tenant {tenant}")
}

/// A MariaDB server (10.6 or later) with a database and a user for each tenant, by an
/// administrator's URL.
///
/// The user needs `CREATE`, `DROP`, `CREATE USER` and the rights that it grants, with
/// `GRANT OPTION`. MySQL is refused: its databases have no comment to carry the mark that says
/// whose one is.
#[derive(Clone)]
#[must_use]
pub struct MysqlSite {
    options: MySqlConnectOptions,
    pub(crate) login_host: String,
    pub(crate) idle: Idle,
}

impl MysqlSite {
    /// A server by its administrator's URL, with the options that `SQLx` reads in it. The URL may
    /// name a database, or none.
    ///
    /// # Errors
    /// [`SiteError::Url`].
    pub fn new(url: impl Into<SecretString>) -> Result<Self, SiteError> {
        let url = url.into();
        let bad = |reason| SiteError::Url { reason };
        let url = url.expose_secret();
        if !(url.starts_with("mysql://") || url.starts_with("mariadb://")) {
            return Err(bad("it starts with neither mysql:// nor mariadb://"));
        }
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|_| bad("it is no MySQL URL: mysql://USER:PASSWORD@HOST:PORT/DATABASE"))?;
        Ok(Self {
            options,
            login_host: "%".to_owned(),
            idle: Idle::default(),
        })
    }

    /// From which hosts tenants' users may connect, instead of `%`, from anywhere: a host or a
    /// pattern of MariaDB's, such as `10.0.%`.
    ///
    /// # Errors
    /// [`SiteError::Name`] when it is not 1 to 60 characters of `a-z A-Z 0-9 . : / - _ %`.
    pub fn login_host(mut self, host: impl Into<String>) -> Result<Self, SiteError> {
        const MAX: usize = 60;
        let host = host.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".:/-_%".contains(&byte);
        if host.is_empty() || host.len() > MAX || !host.bytes().all(allowed) {
            return Err(SiteError::Name {
                what: "login's host",
                max: MAX,
            });
        }
        self.login_host = host;
        Ok(self)
    }

    pub(super) fn placement(
        &self,
        strategy: Strategy,
        prefixes: &Prefixes,
        id: &str,
    ) -> Result<Placement, SiteError> {
        match strategy {
            Strategy::DatabasePerTenant => {
                let database = name("database's name", &prefixes.database, id, MAX_NAME)?;
                let login = name("login's name", &prefixes.login, id, MAX_USER)?;
                if is_reserved(&database) || self.options.get_database() == Some(&database) {
                    return Err(SiteError::Name {
                        what: "database's name",
                        max: MAX_NAME,
                    });
                }
                if is_reserved_user(&login) || login == self.options.get_username() {
                    return Err(SiteError::Name {
                        what: "login's name",
                        max: MAX_USER,
                    });
                }
                Ok(Placement::database(database).with_credential(login))
            }
            Strategy::SchemaPerTenant => Err(SiteError::Strategy {
                reason: "a schema of MariaDB's is a database: use database-per-tenant there",
            }),
            _ => Err(SiteError::Strategy {
                reason: "tenants on shared tables have no place of their own here: migrate the base instead",
            }),
        }
    }

    pub(super) fn options(&self) -> &MySqlConnectOptions {
        &self.options
    }

    /// An administrator's connection.
    pub(crate) async fn admin(&self) -> Result<Box<dyn Lane>, SiteError> {
        let mut lane = connect(self.options.clone()).await?;
        // Comments on databases came with 10.5, SKIP LOCKED with 10.6; MySQL's databases have no comments.
        let sql = "SELECT VERSION()";
        let rows = lane.rows(sql.to_owned(), &[]).await.map_err(fault)?;
        match rows.into_iter().flatten().next() {
            Some(Cell::Text(version)) if is_supported(&version) => Ok(lane),
            _ => Err(SiteError::Server {
                reason: "the tenants' server is no MariaDB of 10.6 or later: databases of MySQL's have no comment to carry the mark that says whose one is",
            }),
        }
    }

    /// In the URL's database.
    pub(super) async fn enter_base(&self) -> Result<Open, SiteError> {
        let database = self.options.get_database().ok_or(SiteError::Url {
            reason: "it names no database: mysql://USER:PASSWORD@HOST:PORT/DATABASE",
        })?;
        let lane = connect(self.options.clone()).await?;
        Ok(Open::new(lane, Inside::Mysql, database.to_owned()))
    }

    pub(super) async fn enter(
        &self,
        tenant: &TenantId,
        placement: &Placement,
        former: Option<Open>,
    ) -> Result<Open, SiteError> {
        drop(former);
        let (connection, database) = self.reader(tenant, placement).await?;
        Ok(Open::new(Box::new(connection), Inside::Mysql, database))
    }

    /// The driver's own connection inside the tenant's database, and that one's name.
    pub(crate) async fn reader(
        &self,
        tenant: &TenantId,
        placement: &Placement,
    ) -> Result<(MySqlConnection, String), SiteError> {
        let database = match placement.strategy() {
            Strategy::DatabasePerTenant => placement.database_name(),
            _ => None,
        };
        let database = database.ok_or(SiteError::Placement {
            reason: "it names no database",
        })?;
        let mut connection = self.options.connect().await.map_err(fault)?;
        let found = comment(&mut connection, database).await?;
        if found.ok_or(SiteError::Missing)? != mark(tenant) {
            return Err(SiteError::NotOurs);
        }
        connection
            .raw(format!("USE {}", quoted(database)))
            .await
            .map_err(fault)?;
        Ok((connection, database.to_owned()))
    }
}

/// The comment of a database. `None`: there is none of this name.
pub(crate) async fn comment(
    lane: &mut dyn Lane,
    database: &str,
) -> Result<Option<String>, SiteError> {
    let sql = "SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?";
    let rows = lane
        .rows(sql.to_owned(), &[database.into()])
        .await
        .map_err(fault)?;
    match rows.into_iter().next().map(|row| row.into_iter().next()) {
        None => Ok(None),
        Some(Some(Cell::Text(comment))) => Ok(Some(comment)),
        Some(_) => Ok(Some(String::new())),
    }
}

/// A name between backquotes, for SQL text.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

async fn connect(options: MySqlConnectOptions) -> Result<Box<dyn Lane>, SiteError> {
    Ok(Box::new(options.connect().await.map_err(fault)?))
}

/// `10.11.19-MariaDB-..`, and no `8.0.40`.
fn is_supported(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return false;
    };
    version.contains("MariaDB") && (major, minor) >= (10, 6)
}

fn is_reserved(database: &str) -> bool {
    matches!(
        database,
        "mysql" | "information_schema" | "performance_schema" | "sys" | "test" | "innodb"
    )
}

fn is_reserved_user(user: &str) -> bool {
    matches!(user, "root" | "mysql" | "mariadb.sys" | "public" | "none")
}

impl From<MysqlSite> for Site {
    fn from(site: MysqlSite) -> Self {
        Self::of(Engine::Mysql(site))
    }
}

impl fmt::Debug for MysqlSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlSite").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::is_supported;

    #[test]
    fn knows_mariadb_from_mysql() {
        for yes in [
            "10.11.19-MariaDB-0+deb12u2",
            "10.6.0-MariaDB",
            "11.4.2-MariaDB-log",
        ] {
            assert!(is_supported(yes), "{yes}");
        }
        for no in ["8.0.40", "10.5.34-MariaDB", "5.7.44-log", "", "MariaDB"] {
            assert!(!is_supported(no), "{no}");
        }
    }
}
