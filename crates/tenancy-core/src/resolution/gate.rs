//! Decides who is let in.

use std::fmt::Write;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::chain::Named;
use super::{Authorization, Chain};
use crate::store::Directory;
use crate::tenancy::ensure_active;
use crate::{
    Domain, Error, Outcome, Refusal, RequestView, ResolutionError, StoreError, Tenant, TenantId,
};

/// From a request to an admitted tenant.
///
/// For every request that names a tenant in a valid form the same is done: look up, ask for
/// membership, and only then combine both answers. So neither the answer nor the work tells an
/// unknown tenant from a suspended one, or from one that the caller is no member of.
pub(crate) struct Gate {
    chain: Chain,
    authorization: Authorization,
    stand_ins: StandIns,
}

impl Gate {
    pub(crate) fn new(chain: Chain, authorization: Authorization) -> Self {
        Self {
            chain,
            authorization,
            stand_ins: StandIns::new(),
        }
    }

    pub(crate) async fn admit(
        &self,
        directory: &Directory,
        request: &dyn RequestView,
    ) -> Result<Arc<Tenant>, Error> {
        let admitted = self.decide(directory, request).await;
        // Without the id: the log of refused requests is no list of tenants.
        tracing::debug!(
            outcome = Outcome::of(&admitted).map(Outcome::as_str),
            "request resolved"
        );
        admitted
    }

    async fn decide(
        &self,
        directory: &Directory,
        request: &dyn RequestView,
    ) -> Result<Arc<Tenant>, Error> {
        let (asked, found) = match self.chain.resolve(request)? {
            Named::Id(id) => {
                let found = directory.find(&id).await;
                (id, found)
            }
            Named::Domain(domain) => {
                let stand_in = self.stand_ins.of(&domain);
                let found = by_domain(directory, &domain, &stand_in).await;
                let asked = match &found {
                    Ok(Some(tenant)) => tenant.id().clone(),
                    _ => stand_in,
                };
                (asked, found)
            }
            Named::Both(id, domain) => {
                let stand_in = self.stand_ins.of(&domain);
                let found = by_domain(directory, &domain, &stand_in).await;
                // Another tenant's domain looks like an unknown one: to say "ambiguous" would
                // tell that it is known.
                let found = found.map(|found| found.filter(|tenant| *tenant.id() == id));
                (id, found)
            }
        };
        let allowed = self.authorization.allows(&asked, request).await;
        let found = found?;
        let tenant = ensure_active(found);
        let allowed = allowed.map_err(Error::Membership)?;
        if !allowed {
            // An unknown or suspended tenant stays that in the application's own logs.
            return Err(tenant.err().unwrap_or(Refusal::Forbidden).into());
        }
        let tenant = tenant?;
        // Behind the membership: what else is known of a tenant is its members' to know.
        tenant.availability().admit(request.only_reads())?;
        Ok(tenant)
    }

    /// Whether all that `request` says of a tenant is said of this one. A request that says nothing
    /// agrees; nobody's membership is asked.
    pub(crate) async fn agrees(
        &self,
        directory: &Directory,
        id: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, Error> {
        let (said, domain) = match self.chain.resolve(request) {
            Err(ResolutionError::NoIdentifier) => return Ok(true),
            Err(error) => return Err(error.into()),
            Ok(Named::Id(said)) => (Some(said), None),
            Ok(Named::Domain(domain)) => (None, Some(domain)),
            Ok(Named::Both(said, domain)) => (Some(said), Some(domain)),
        };
        if said.is_some_and(|said| said != *id) {
            return Ok(false);
        }
        match domain {
            None => Ok(true),
            Some(domain) => {
                let found = directory.find_by_domain(&domain).await?;
                Ok(found.is_some_and(|tenant| tenant.id() == id))
            }
        }
    }
}

/// As many look-ups for an unknown domain as for a known one.
async fn by_domain(
    directory: &Directory,
    domain: &Domain,
    stand_in: &TenantId,
) -> Result<Option<Arc<Tenant>>, StoreError> {
    let found = directory.find_by_domain(domain).await?;
    if found.is_none() {
        directory.find(stand_in).await?;
    }
    Ok(found)
}

/// The ids that stand in for the tenants of unknown domains: one for each domain, and no one can
/// guess it, so that a tenant can't be given it. They are made for known domains, too: that takes
/// longer than a look-up.
struct StandIns {
    key: [u8; 32],
}

impl StandIns {
    fn new() -> Self {
        let mut key = [0; 32];
        // Without randomness these ids can be guessed, which still admits nobody: what is found
        // for them is thrown away.
        let _ = getrandom::fill(&mut key);
        Self { key }
    }

    fn of(&self, domain: &Domain) -> TenantId {
        let digest = Hmac::<Sha256>::new_from_slice(&self.key)
            .map(|mac| mac.chain_update(domain.as_str()).finalize().into_bytes());
        let mut text = String::from("unknown-");
        for byte in digest.iter().flatten().take(24) {
            // Writing into a string can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        TenantId::new(text).unwrap_or_else(|_| TenantId::from(0_u64))
    }
}
