//! Why a place could not be made, changed or removed.

use crate::Fault;
use crate::export::ExportError;
use crate::migrations::MigrationError;
use crate::registry::{RegistryError, shortened};
use crate::secrets::SecretsError;
use crate::seeds::SeedError;
use crate::site::SiteError;

/// Why a place could not be made, changed or removed. No variant holds an id, a name or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The registry refused, or could not answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The place can't be named or reached.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Somebody else works on this tenant.
    #[error(
        "another process works on this tenant's place, and was not done in time: look at it again later"
    )]
    Busy,
    /// A step was refused.
    #[error(
        "the step `{step}` failed: {fault}. It needs {needs}. What was made so far is kept; run it again to go on"
    )]
    Step {
        /// Which step.
        step: &'static str,
        /// What the administrator's login needs for it.
        needs: &'static str,
        /// What the server said.
        fault: Fault,
    },
    /// A step was done, and its effect is not there.
    #[error(
        "the step `{step}` was carried out without its effect: the administrator's login lacks {needs}, of which the server only warns"
    )]
    NoEffect {
        /// Which step.
        step: &'static str,
        /// What the login needs.
        needs: &'static str,
    },
    /// A migration of the new place failed. It is kept, and gone on with by the next call.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// A seed of the new place failed. It is kept, and gone on with by the next call.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The place could not be exported, so nothing of it was removed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The new place could not be entered in time.
    #[error(
        "the tenant's place could not be connected to in time: see that its server is well, and call it again"
    )]
    Timeout,
    /// The base database is open to everybody.
    #[error(
        "the database in which the tenants' schemas lie is open to every login of the server: call `Fleet::prepare` once, with the roles that must keep their way in"
    )]
    NotPrepared,
    /// There is no template to copy.
    #[error(
        "the template that tenants' databases are copies of is not there: call `Fleet::prepare_template`, or name no template"
    )]
    NoTemplate,
    /// The tenant shares its tables with others.
    #[error("this tenant is on shared tables, so it has no place of its own to make or remove")]
    NoPlace,
    /// The tenant is archived, or is being removed.
    #[error(
        "this tenant is archived or its removal has begun, so nothing is made for it: finish the removal, and create a new tenant"
    )]
    Removed,
    /// The tenant may still be served.
    #[error("this tenant is active, and an active tenant's place is not removed: suspend it first")]
    StillActive,
    /// The tenant's place is not whole yet.
    #[error("this tenant's place is not ready: provision it first")]
    NotReady,
    /// The id was not repeated.
    #[error("what was typed is not the tenant's id, so nothing was removed: type the id again")]
    NotConfirmed,
    /// Somebody still uses the place.
    #[error(
        "the tenant's database is in use, so it was not removed: stop those who use it, and try again"
    )]
    InUse,
}

impl From<SecretsError> for ProvisionError {
    fn from(error: SecretsError) -> Self {
        Self::Registry(error.into())
    }
}

impl ProvisionError {
    /// What is kept in the registry of it: no name, and no words of the server's.
    pub(crate) fn outcome(&self) -> String {
        shortened(self.to_string())
    }
}
