//! What is to become of a tenant.

use std::fmt;

use serde::Serialize;
use tenancy_core::{Availability, Domain, Placement, TenantStatus};

use super::RegistryError;
use super::availability;
use super::credential::Credential;
use super::entry::{Provisioning, Revision};
use super::limits::{MAX_DIGEST, MAX_METADATA, MAX_OUTCOME, text};

/// What is to become of a tenant: one thing, or [several](Self::and) that hold together or not at
/// all. `Debug` shows the words alone.
///
/// ```
/// use tenancy_core::TenantStatus;
/// use tenancy_fleet::registry::{Change, Provisioning};
///
/// let whole = Change::provisioning(Provisioning::Ready)
///     .and(Change::applied_version(Some(12)))
///     .and(Change::status(TenantStatus::Active));
/// assert_eq!(format!("{whole:?}"), "Change(provisioning+version+status)");
/// ```
#[derive(Clone)]
#[must_use = "nothing is changed before `Registry::update`"]
pub struct Change {
    parts: Vec<Part>,
}

#[derive(Clone)]
pub(crate) enum Part {
    Status(TenantStatus),
    Availability(Availability),
    Metadata(String),
    AddDomain(Domain),
    RemoveDomain(Domain),
    Placement(Placement),
    Credential(Credential),
    NextCredential(Credential),
    Promote,
    Reseal,
    ForgetCredential,
    AppliedVersion(Option<i64>),
    Applied(Option<i64>, String),
    Provisioning(Provisioning),
    Outcome(Option<String>),
}

impl Change {
    /// Another status. [`Active`](TenantStatus::Active) only for a tenant that is placed and whose
    /// place is [`Ready`](Provisioning::Ready); from [`Archived`](TenantStatus::Archived) there is
    /// no way back. An archived tenant's domains are its own until they are removed.
    pub fn status(status: TenantStatus) -> Self {
        Part::Status(status).into()
    }

    /// Whether it can be worked with just now. The time in it is kept to the millisecond.
    pub fn availability(availability: Availability) -> Self {
        Part::Availability(availability).into()
    }

    /// Other metadata, in place of what there is.
    ///
    /// # Errors
    /// [`RegistryError::Metadata`]; [`RegistryError::Length`] above 64 KiB of JSON.
    pub fn metadata<M: Serialize>(metadata: &M) -> Result<Self, RegistryError> {
        Ok(Part::Metadata(metadata_text(metadata)?).into())
    }

    /// A domain of the tenant's own. One that it has already stays.
    pub fn add_domain(domain: Domain) -> Self {
        Part::AddDomain(domain).into()
    }

    /// One domain less. One that it does not have stays away.
    pub fn remove_domain(domain: Domain) -> Self {
        Part::RemoveDomain(domain).into()
    }

    /// Where its data lives: once. The same again changes nothing.
    pub fn placement(placement: Placement) -> Self {
        Part::Placement(placement).into()
    }

    /// The login of its own at its database, to be sealed with the registry's keyring.
    pub fn credential(credential: Credential) -> Self {
        Part::Credential(credential).into()
    }

    /// The credential that is about to take the present one's place: kept beside it until
    /// [`promote`](Self::promote), so that a crash in between loses neither.
    pub fn next_credential(credential: Credential) -> Self {
        Part::NextCredential(credential).into()
    }

    /// The [next](Self::next_credential) credential is the one now.
    pub fn promote() -> Self {
        Part::Promote.into()
    }

    /// The same credential, sealed again with the current key, and so the next one, if there is one.
    pub fn reseal() -> Self {
        Part::Reseal.into()
    }

    /// No credential any more.
    pub fn forget_credential() -> Self {
        Part::ForgetCredential.into()
    }

    /// The last migration that was applied, and the
    /// [digest](crate::migrations::MigrationSet::digest) of all up to it.
    ///
    /// # Errors
    /// [`RegistryError::Length`] when the digest is none.
    pub fn applied(version: Option<i64>, digest: String) -> Result<Self, RegistryError> {
        text("digest", &digest, MAX_DIGEST)?;
        Ok(Part::Applied(version, digest).into())
    }

    /// The last migration that was applied. The digest is forgotten, so that the next run looks
    /// into the tenant's own ledger.
    pub fn applied_version(version: Option<i64>) -> Self {
        Part::AppliedVersion(version).into()
    }

    /// How far the making of its place is.
    pub fn provisioning(state: Provisioning) -> Self {
        Part::Provisioning(state).into()
    }

    /// What a provisioning or a migration ended with, in at most 1,024 bytes. Whoever reads the
    /// fleet's report reads it: no secret, no row.
    ///
    /// # Errors
    /// [`RegistryError::Length`], [`RegistryError::Character`].
    pub fn outcome(outcome: Option<String>) -> Result<Self, RegistryError> {
        if let Some(outcome) = &outcome {
            text("outcome", outcome, MAX_OUTCOME)?;
        }
        Ok(Part::Outcome(outcome).into())
    }

    /// Both, in one transaction.
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The words for the audit.
    pub(crate) fn words(&self) -> String {
        let words: Vec<_> = self.parts.iter().map(Part::word).collect();
        words.join("+")
    }

    /// The details for the audit, none of them secret.
    pub(crate) fn detail(&self) -> Option<String> {
        let details: Vec<_> = self.parts.iter().filter_map(Part::detail).collect();
        (!details.is_empty()).then(|| details.join(" "))
    }

    /// Whether others have to look the tenant up again.
    pub(crate) fn is_noticed(&self) -> bool {
        let quiet = |part: &Part| {
            matches!(
                part,
                Part::Reseal
                    | Part::NextCredential(_)
                    | Part::AppliedVersion(_)
                    | Part::Applied(..)
                    | Part::Provisioning(_)
                    | Part::Outcome(_)
            )
        };
        !self.parts.iter().all(quiet)
    }

    /// Refuses what says one thing twice, or nothing.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        const MOST: usize = 16;
        let single = |part: &Part| part.detail_of_domain().is_none();
        let twice = self.parts.iter().enumerate().any(|(at, part)| {
            let others = &self.parts[..at];
            let same = |other: &Part| {
                if single(part) {
                    other.subject() == part.subject()
                } else {
                    other.detail_of_domain() == part.detail_of_domain()
                }
            };
            others.iter().any(same)
        });
        if twice || self.parts.is_empty() || self.parts.len() > MOST {
            Err(RegistryError::Change)
        } else {
            Ok(())
        }
    }
}

impl Part {
    fn word(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Availability(_) => "availability",
            Self::Metadata(_) => "metadata",
            Self::AddDomain(_) => "domain-added",
            Self::RemoveDomain(_) => "domain-removed",
            Self::Placement(_) => "placement",
            Self::Credential(_) => "credential",
            Self::NextCredential(_) => "credential-next",
            Self::Promote => "credential-promoted",
            Self::Reseal => "resealed",
            Self::ForgetCredential => "credential-forgotten",
            Self::AppliedVersion(_) | Self::Applied(..) => "version",
            Self::Provisioning(_) => "provisioning",
            Self::Outcome(_) => "outcome",
        }
    }

    /// What it sets: two parts of one subject would contradict each other.
    fn subject(&self) -> &'static str {
        match self {
            Self::Credential(_)
            | Self::NextCredential(_)
            | Self::Promote
            | Self::Reseal
            | Self::ForgetCredential => "credential",
            other => other.word(),
        }
    }

    fn detail_of_domain(&self) -> Option<&Domain> {
        match self {
            Self::AddDomain(domain) | Self::RemoveDomain(domain) => Some(domain),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::AddDomain(domain) | Self::RemoveDomain(domain) => Some(domain.to_string()),
            Self::AppliedVersion(version) | Self::Applied(version, _) => {
                Some(version.map_or("none".to_owned(), |version| version.to_string()))
            }
            Self::Provisioning(state) => Some(state.to_string()),
            Self::Availability(availability) => Some(availability::detail(*availability)),
            _ => None,
        }
    }
}

impl From<Part> for Change {
    fn from(part: Part) -> Self {
        Self { parts: vec![part] }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({})", self.words())
    }
}

/// Metadata as it is kept: text that can be read again.
pub(crate) fn metadata_text<M: Serialize>(metadata: &M) -> Result<String, RegistryError> {
    let text = serde_json::to_string(metadata).map_err(|_| RegistryError::Metadata)?;
    if text.len() > MAX_METADATA {
        return Err(RegistryError::Length {
            what: "metadata",
            max: MAX_METADATA,
        });
    }
    // What nests deeper than the reader goes would be written and never read.
    serde_json::from_str::<serde_json::Value>(&text).map_err(|_| RegistryError::Metadata)?;
    Ok(text)
}

/// Which revision a change expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The one that the caller has read: refused if somebody changed the tenant in between.
    Revision(Revision),
    /// Whatever there is: for what must hold in any case, such as a suspension.
    Any,
}

impl From<Revision> for Expected {
    fn from(revision: Revision) -> Self {
        Self::Revision(revision)
    }
}
