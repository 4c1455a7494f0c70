//! The credentials of tenants' own logins.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use secrecy::SecretString;
use tenancy_core::{BoxError, Tenant};

/// A login's name and password. The password is wiped when this is dropped, and never shown.
#[derive(Clone)]
pub struct Credential {
    user: String,
    password: SecretString,
}

impl Credential {
    /// A login and its password.
    pub fn new(user: impl Into<String>, password: SecretString) -> Self {
        Self {
            user: user.into(),
            password,
        }
    }

    /// The login's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The login's password.
    pub fn password(&self) -> &SecretString {
        &self.password
    }

    pub(crate) fn into_parts(self) -> (String, SecretString) {
        (self.user, self.password)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// What [`CredentialProvider::credential`] answers with, later.
pub type CredentialFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credential, BoxError>> + Send + 'a>>;

/// Where the credentials of tenants' logins are kept. A closure is one.
///
/// It is asked each time that a connection is made, so that a rotated password takes effect without
/// a restart; whoever keeps copies in here answers for their age. `evict` on the pool closes the
/// connections that were made with the old one.
///
/// ```
/// use secrecy::SecretString;
/// use tenancy_core::{BoxError, Tenant};
/// use tenancy_postgres_pool::{Credential, CredentialProvider};
///
/// fn is_provider<P: CredentialProvider>(_: &P) {}
/// let of_the_environment = |tenant: &Tenant| -> Result<Credential, BoxError> {
///     let name = tenant.placement().credential().ok_or("the tenant's record names no credential")?;
///     let password = std::env::var(format!("PASSWORD_{name}"))?;
///     Ok(Credential::new(name, SecretString::from(password)))
/// };
/// is_provider(&of_the_environment);
/// ```
pub trait CredentialProvider: Send + Sync + 'static {
    /// The credential of this tenant's login. Its
    /// [`Placement::credential`](tenancy_core::Placement::credential) may name it.
    ///
    /// # Errors
    /// Any, where there is none or it can't be had. It is shown to whoever asked for a connection, so
    /// it must hold no secret.
    fn credential<'a>(&'a self, tenant: &'a Tenant) -> CredentialFuture<'a>;
}

impl<F> CredentialProvider for F
where
    F: Fn(&Tenant) -> Result<Credential, BoxError> + Send + Sync + 'static,
{
    fn credential<'a>(&'a self, tenant: &'a Tenant) -> CredentialFuture<'a> {
        Box::pin(async move { self(tenant) })
    }
}
