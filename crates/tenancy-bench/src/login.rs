//! A tenant's login.

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::{BoxError, Tenant};
use tenancy_postgres::ident::Identifier;
use tenancy_postgres::scrub::Nonce;
use tenancy_postgres_pool::{Credential, CredentialProvider};
use tenancy_testkit::postgres::Database;

use crate::Failed;

/// A login's name, and a password that it is to have.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its name.
    pub name: Identifier,
    /// Its password.
    pub password: SecretString,
}

impl Login {
    /// With a password that nobody has seen.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn new(name: Identifier) -> Result<Self, Failed> {
        Ok(Self {
            name,
            password: SecretString::from(Nonce::random()?.as_str()),
        })
    }

    /// Its URL of this database.
    pub fn url(&self, database: &Database) -> String {
        database.url_for(self.name.as_str(), self.password.expose_secret())
    }

    /// What a pool asks for credentials, where there is one tenant.
    pub fn credentials(&self) -> impl CredentialProvider + use<> {
        let login = self.clone();
        move |_: &Tenant| -> Result<Credential, BoxError> {
            Ok(Credential::new(login.name.as_str(), login.password.clone()))
        }
    }
}
