//! A PostgreSQL server.

use std::fmt::{self, Write as _};
use std::str::FromStr as _;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tenancy_core::{Placement, Strategy, TenantId};
use tenancy_postgres::database::TenantDatabase;
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::mark;
use tenancy_postgres::schema::TenantSchema;

use super::idle::Idle;
use super::names::{Prefixes, name};
use super::{Engine, Inside, Open, Site, SiteError};
use crate::db::{Cell, Lane, fault};
use crate::libraries::Place;

const MAX_NAME: usize = 63;
/// `invalid_catalog_name`: there is no such database.
const NO_DATABASE: &str = "3D000";

/// A PostgreSQL server with tenants' schemas or databases, by an administrator's URL.
///
/// The login needs `CREATEROLE`, and `CREATEDB` for databases; it must be a member of the
/// [owner](Self::owner), or a superuser. Its URL's database is the one in which tenants' schemas lie.
/// Connect to the server itself, not through a pooler: provisioning holds its locks by session.
#[derive(Clone)]
#[must_use]
pub struct PostgresSite {
    options: PgConnectOptions,
    url: SecretString,
    pub(crate) owner: Identifier,
    pub(crate) shared: Vec<Identifier>,
    pub(crate) template: Option<Identifier>,
    pub(crate) routed: Option<Identifier>,
    pub(crate) idle: Idle,
}

impl PostgresSite {
    /// A server by its administrator's URL, with the options that `SQLx` reads in it.
    ///
    /// # Errors
    /// [`SiteError::Url`].
    pub fn new(url: impl Into<SecretString>) -> Result<Self, SiteError> {
        let secret = url.into();
        let bad = |reason| SiteError::Url { reason };
        let url = secret.expose_secret();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(bad("it starts with neither postgres:// nor postgresql://"));
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            bad("it is no PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE")
        })?;
        if options.get_database().is_none() {
            return Err(bad(
                "it names no database: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            ));
        }
        let owner = Identifier::new(options.get_username())
            .map_err(|_| bad("its user is no name of PostgreSQL's"))?;
        Ok(Self {
            options: options.application_name("tenancy"),
            url: secret,
            owner,
            shared: Vec::new(),
            template: None,
            routed: None,
            idle: Idle::default(),
        })
    }

    /// The role that owns what migrations make, instead of the URL's own user. It is made, without
    /// LOGIN, where it is missing.
    ///
    /// # Errors
    /// [`SiteError::Name`].
    pub fn owner(mut self, role: &str) -> Result<Self, SiteError> {
        self.owner = identifier("role's name", role)?;
        Ok(self)
    }

    /// A schema behind each tenant's on its path: for extensions, and tables that all tenants read.
    ///
    /// # Errors
    /// [`SiteError::Name`].
    pub fn shared_schema(mut self, schema: &str) -> Result<Self, SiteError> {
        self.shared.push(identifier("schema's name", schema)?);
        Ok(self)
    }

    /// Makes tenants' databases as copies of this one instead of the pristine `template0`: one that
    /// [`Fleet::prepare_template`](crate::Fleet::prepare_template) makes, migrated and seeded. Mind
    /// that its rows become every tenant's.
    ///
    /// # Errors
    /// [`SiteError::Name`].
    pub fn template(mut self, database: &str) -> Result<Self, SiteError> {
        self.template = Some(identifier("database's name", database)?);
        Ok(self)
    }

    /// Schemas without logins: `runtime` reaches every tenant's, and the adapter routes it. The
    /// facade alone enforces that.
    ///
    /// # Errors
    /// [`SiteError::Name`].
    pub fn routed(mut self, runtime: &str) -> Result<Self, SiteError> {
        self.routed = Some(identifier("role's name", runtime)?);
        Ok(self)
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The database of the URL.
    pub(crate) fn main_database(&self) -> &str {
        self.options.get_database().unwrap_or_default()
    }

    pub(super) fn placement(
        &self,
        strategy: Strategy,
        prefixes: &Prefixes,
        id: &str,
    ) -> Result<Placement, SiteError> {
        let login = name("login's name", &prefixes.login, id, MAX_NAME)?;
        // The enforcement's own types know what the server keeps for itself.
        let tenant = TenantId::new(id).map_err(|_| reserved("tenant's id"))?;
        identifier("login's name", &login).and_then(|login| {
            tenancy_postgres::role::TenantRole::new(&tenant, login)
                .map(drop)
                .map_err(|_| reserved("login's name"))
        })?;
        match strategy {
            Strategy::SchemaPerTenant => {
                let schema = name("schema's name", &prefixes.schema, id, MAX_NAME)?;
                let _ = TenantSchema::new(&tenant, identifier("schema's name", &schema)?)
                    .map_err(|_| reserved("schema's name"))?;
                let place = Placement::schema(schema);
                Ok(if self.routed.is_some() {
                    place
                } else {
                    place.with_credential(login)
                })
            }
            Strategy::DatabasePerTenant => {
                let database = name("database's name", &prefixes.database, id, MAX_NAME)?;
                let login_name = identifier("login's name", &login)?;
                let _ = TenantDatabase::new(
                    &tenant,
                    identifier("database's name", &database)?,
                    login_name,
                )
                .map_err(|_| reserved("database's name"))?;
                if database == self.main_database() {
                    return Err(reserved("database's name"));
                }
                Ok(Placement::database(database).with_credential(login))
            }
            _ => Err(SiteError::Strategy {
                reason: "tenants on shared tables have no place of their own here: migrate the base instead",
            }),
        }
    }

    /// An administrator's connection to the URL's database.
    pub(crate) async fn admin(&self) -> Result<Box<dyn Lane>, SiteError> {
        self.connect(self.main_database()).await
    }

    pub(crate) async fn connect(&self, database: &str) -> Result<Box<dyn Lane>, SiteError> {
        Ok(Box::new(self.connection(database).await?))
    }

    /// The same, as the driver's own.
    pub(crate) async fn connection(&self, database: &str) -> Result<PgConnection, SiteError> {
        // Nothing is looked up through a path unless it is set, and strings mean what they say.
        let options = self.options.clone().database(database).options([
            ("search_path", "pg_catalog"),
            ("standard_conforming_strings", "on"),
            ("client_min_messages", "warning"),
        ]);
        match options.connect().await.map_err(fault) {
            Ok(connection) => Ok(connection),
            Err(fault) if fault.code() == Some(NO_DATABASE) => Err(SiteError::Missing),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn enter(
        &self,
        tenant: &TenantId,
        placement: &Placement,
        former: Option<Open>,
    ) -> Result<Open, SiteError> {
        match placement.strategy() {
            Strategy::SchemaPerTenant => {
                let inside = self.inside_schema(tenant, placement)?;
                let database = self.main_database();
                if let Some(former) = former.filter(|former| former.database() == database) {
                    return Ok(former.moved(inside));
                }
                Ok(Open::new(
                    self.connect(database).await?,
                    inside,
                    database.to_owned(),
                ))
            }
            Strategy::DatabasePerTenant => {
                let database = placement.database_name().ok_or(SiteError::Placement {
                    reason: "it names no database",
                })?;
                let mut lane = self.connect(database).await?;
                ensure_marked(&mut *lane, tenant).await?;
                Ok(Open::new(lane, self.inside_public(), database.to_owned()))
            }
            _ => Err(SiteError::Placement {
                reason: "it is on shared tables, which are the base's",
            }),
        }
    }

    /// A URL that leads another library's connection to where `open` is.
    pub(crate) fn library_place(&self, open: &Open) -> Result<Place, SiteError> {
        let Inside::Postgres { path, owner, .. } = open.inside() else {
            return Err(SiteError::Placement {
                reason: "it is not PostgreSQL's",
            });
        };
        let role = owner.as_deref().map(|owner| ("role", unquoted(owner)));
        let settings = [("search_path", path.clone())].into_iter().chain(role);
        let options: Vec<_> = settings
            .map(|(name, value)| {
                format!(
                    "-c {name}={}",
                    value.replace('\\', r"\\").replace(' ', r"\ ")
                )
            })
            .collect();
        let url = library_url(
            self.url.expose_secret(),
            open.database(),
            &options.join(" "),
        );
        Ok(Place::new(url))
    }

    /// In a schema of the URL's database, as the URL's user.
    pub(super) async fn enter_base(&self, schema: &str) -> Result<Open, SiteError> {
        let schema = identifier("schema's name", schema)?.quoted();
        let inside = Inside::Postgres {
            path: schema.clone(),
            schema,
            owner: None,
            mark: None,
        };
        let lane = self.connect(self.main_database()).await?;
        Ok(Open::new(lane, inside, self.main_database().to_owned()))
    }

    /// In the schema `public` of a database of the tenant's own.
    pub(crate) fn inside_public(&self) -> Inside {
        Inside::Postgres {
            schema: "\"public\"".to_owned(),
            path: "\"public\"".to_owned(),
            owner: Some(self.owner.quoted()),
            mark: None,
        }
    }

    fn inside_schema(&self, tenant: &TenantId, placement: &Placement) -> Result<Inside, SiteError> {
        let wrong = |reason| SiteError::Placement { reason };
        if placement.database_name().is_some() {
            return Err(wrong("its schema is in a database of another name"));
        }
        let schema = placement.schema_name().ok_or(wrong("it names no schema"))?;
        let schema = self.schema(tenant, schema)?;
        let mut path = schema.name().quoted();
        for shared in &self.shared {
            path.push_str(", ");
            path.push_str(&shared.quoted());
        }
        Ok(Inside::Postgres {
            schema: schema.name().quoted(),
            path,
            owner: Some(self.owner.quoted()),
            mark: Some(mark::of(tenant)),
        })
    }

    /// The tenant's schema of this name, with what is shared.
    pub(crate) fn schema(&self, tenant: &TenantId, name: &str) -> Result<TenantSchema, SiteError> {
        let schema = identifier("schema's name", name)?;
        let schema = TenantSchema::new(tenant, schema).map_err(|_| reserved("schema's name"))?;
        self.shared.iter().try_fold(schema, |schema, shared| {
            schema
                .with_shared(shared.clone())
                .map_err(|_| reserved("shared schema's name"))
        })
    }
}

/// A URL of the same server and user, with another database and these options. Of its own options it
/// keeps those that every driver knows.
fn library_url(url: &str, database: &str, options: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let authority = rest.split('/').next().unwrap_or_default();
    let kept = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        matches!(name, "host" | "port" | "sslmode")
    });
    let options = format!("options={}", percent(options));
    let query: Vec<_> = kept.chain([options.as_str()]).collect();
    format!(
        "{scheme}://{authority}/{}?{}",
        percent(database),
        query.join("&")
    )
}

/// Everything but letters and digits, so that no driver reads it in its own way.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The name in a quoted identifier.
fn unquoted(name: &str) -> String {
    name.trim_matches('"').replace("\"\"", "\"")
}

/// Refuses a database that is not marked as the tenant's.
async fn ensure_marked(lane: &mut dyn Lane, tenant: &TenantId) -> Result<(), SiteError> {
    let sql = "SELECT COALESCE(pg_catalog.shobj_description(d.oid, 'pg_database'), '') FROM pg_catalog.pg_database AS d \
               WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()";
    let rows = lane.raw_rows(sql.to_owned()).await.map_err(fault)?;
    if rows == [[Cell::Text(mark::of(tenant))]] {
        Ok(())
    } else {
        Err(SiteError::NotOurs)
    }
}

pub(crate) fn identifier(what: &'static str, name: &str) -> Result<Identifier, SiteError> {
    Identifier::new(name).map_err(|_| reserved(what))
}

fn reserved(what: &'static str) -> SiteError {
    SiteError::Name {
        what,
        max: MAX_NAME,
    }
}

impl From<PostgresSite> for Site {
    fn from(site: PostgresSite) -> Self {
        Self::of(Engine::Postgres(site))
    }
}

impl fmt::Debug for PostgresSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSite").finish_non_exhaustive()
    }
}
