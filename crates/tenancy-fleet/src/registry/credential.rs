//! A tenant's own login, sealed in its row.

use std::fmt;
use std::sync::atomic::Ordering;

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_core::TenantId;
use zeroize::Zeroizing;

use super::limits::{MAX_USER, text};
use super::{Registry, RegistryError};
use crate::secrets::{Keyring, Purpose, Sealed, SecretsError};

/// A login's name and password, as `tenancy-postgres-pool`'s `Credential` takes them. `Debug`
/// shows neither.
#[derive(Clone)]
pub struct Credential {
    user: String,
    password: SecretString,
}

impl Credential {
    /// A login and its password.
    ///
    /// # Errors
    /// [`RegistryError::Length`] when the name is empty or longer than 255 bytes;
    /// [`RegistryError::Character`] when it holds a NUL byte.
    pub fn new(user: impl Into<String>, password: SecretString) -> Result<Self, RegistryError> {
        let user = user.into();
        text("login's name", &user, MAX_USER)?;
        Ok(Self { user, password })
    }

    /// The login's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The login's password.
    pub fn password(&self) -> &SecretString {
        &self.password
    }

    /// Both, for a pool's own type.
    pub fn into_parts(self) -> (String, SecretString) {
        (self.user, self.password)
    }

    /// Both are sealed together, so that neither can be exchanged.
    pub(crate) fn seal(&self, keyring: &Keyring, id: &TenantId) -> Result<Sealed, SecretsError> {
        let password = self.password.expose_secret();
        // Never grown, so that no copy is left behind. The name holds no NUL byte.
        let room = self.user.len() + 1 + password.len();
        let mut both = Zeroizing::new(String::with_capacity(room));
        both.push_str(&self.user);
        both.push('\0');
        both.push_str(password);
        keyring.seal(id, Purpose::LOGIN, &SecretString::from(both.as_str()))
    }

    pub(crate) fn open(
        keyring: &Keyring,
        id: &TenantId,
        sealed: &Sealed,
    ) -> Result<Self, RegistryError> {
        let both = keyring.open(id, Purpose::LOGIN, sealed)?;
        let (user, password) = both
            .expose_secret()
            .split_once('\0')
            .ok_or(RegistryError::Malformed { what: "credential" })?;
        Self::new(user, password.into())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl Registry {
    /// The tenant's credential, opened with the keyring: what a pool's provider asks for each time
    /// that it makes a connection.
    ///
    /// While its password is being changed, the present and the next one are answered in turn: the
    /// server takes one of them, and who was refused asks again and has the other.
    ///
    /// ```
    /// use tenancy_core::{BoxError, Tenant};
    /// use tenancy_fleet::registry::Registry;
    ///
    /// async fn provide(registry: &Registry, tenant: &Tenant) -> Result<(), BoxError> {
    ///     let (user, password) = registry.credential(tenant.id()).await?.into_parts();
    /// #   let _ = (user, password);
    ///     // tenancy_postgres_pool::Credential::new(user, password)
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`RegistryError::NoKeyring`], [`RegistryError::NoSuchTenant`],
    /// [`RegistryError::NoCredential`], [`RegistryError::Secrets`], [`RegistryError::Database`].
    pub async fn credential(&self, id: &TenantId) -> Result<Credential, RegistryError> {
        let keyring = self.keyring()?;
        let entry = self.get(id).await?.ok_or(RegistryError::NoSuchTenant)?;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let next = entry.next.as_ref().filter(|_| asked % 2 == 1);
        let sealed = next.or(entry.sealed.as_ref());
        Credential::open(keyring, id, sealed.ok_or(RegistryError::NoCredential)?)
    }
}
