//! Envelopes on their way to another service, with a request.

use super::payload::is_audience;
use super::verbs::Audience;
use crate::tenancy::ensure_active;
use crate::{EnvelopeError, Error, OpenScope, Refusal, RequestView, ScopeEnvelope, Tenancy};

/// In front of a service's name. With the space in it, no [`Tenancy::audience`] has such a name: a
/// queue's envelope is never a service's, and a service's never a queue's.
const SERVICE: &str = "service ";

impl Tenancy {
    /// Envelopes for one service alone, of this name: sealed by those who call it, opened there.
    /// Both have a [`Tenancy`] with the same keys.
    ///
    /// # Errors
    /// [`EnvelopeError::InvalidAudience`] where `name` is not 1 to 56 characters of
    /// `a-z 0-9 - _ .`; [`EnvelopeError::NoKeys`] where this tenancy has none.
    pub fn service(&self, name: &str) -> Result<Audience<'_>, Error> {
        let named = format!("{SERVICE}{name}");
        if !is_audience(name) || named.len() > super::payload::MAX_AUDIENCE {
            return Err(EnvelopeError::InvalidAudience.into());
        }
        self.keys()?;
        Ok(Audience::named(self, named))
    }
}

impl Audience<'_> {
    /// Opens the scope that a tenant's envelope names, for a request that came with it. This is
    /// what integrations call.
    ///
    /// The envelope takes the place of resolution and membership check: who sealed it was admitted.
    /// The tenant is looked up now, past the cache, and must be active. Where the tenancy has
    /// resolvers, they are asked besides: a request that also names another tenant, or an unknown
    /// domain, or anything in a bad form, is refused.
    ///
    /// # Errors
    /// [`Error::Envelope`] for an envelope that is forged, expired, central or for another audience;
    /// [`Error::Resolution`] and [`Error::Refused`] for what the request says beside it;
    /// [`Error::Refused`] for a tenant that is unknown or not active; [`Error::Unavailable`] for one
    /// in maintenance, and one that is read-only for a request that may write; [`Error::Store`],
    /// [`Error::Bootstrap`] or [`Error::NestedTenant`].
    pub async fn open_request(
        &self,
        envelope: &str,
        request: &dyn RequestView,
    ) -> Result<OpenScope, Error> {
        let id = self.open_tenant(ScopeEnvelope::new(envelope))?;
        let inner = &self.tenancy().inner;
        if let Some(gate) = &inner.gate
            && !gate.agrees(&inner.directory, &id, request).await?
        {
            return Err(Refusal::Forbidden.into());
        }
        let found = inner.directory.find_fresh(&id).await?;
        let tenant = ensure_active(found)?;
        tenant.availability().admit(request.only_reads())?;
        self.tenancy().open_admitted(tenant).await
    }
}
