//! The base database, for its own migrations and seeds.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Open, SiteError};

/// The base database, which tenants share: for its own migrations and seeds. The registry lies
/// there too.
#[derive(Clone)]
#[must_use]
pub struct Base {
    url: SecretString,
    schema: String,
}

impl Base {
    /// The database of this URL: `postgres://`, `mysql://` (or `mariadb://`) or `sqlite://`, of a
    /// user who may change its tables.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            schema: "public".to_owned(),
        }
    }

    /// On PostgreSQL: the schema that the ledger and unqualified tables lie in, instead of `public`.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    pub(crate) async fn enter(&self) -> Result<Open, SiteError> {
        let url = self.url.expose_secret();
        match url.split(':').next().unwrap_or_default() {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                super::PostgresSite::new(url)?
                    .enter_base(&self.schema)
                    .await
            }
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => super::MysqlSite::new(url)?.enter_base().await,
            #[cfg(feature = "sqlite")]
            "sqlite" => super::sqlite::enter_base(url).await,
            _ => Err(SiteError::Url {
                reason: "it starts with none of postgres://, mysql://, mariadb:// and sqlite:, or tenancy-fleet was built without its database",
            }),
        }
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").finish_non_exhaustive()
    }
}
