//! All resolvers of a service, asked together.

use std::fmt;

use crate::{Domain, Extracted, RequestView, ResolutionError, Resolver, TenantId};

type Read = Box<dyn Fn(&dyn RequestView) -> Extracted + Send + Sync>;

/// All resolvers of a service. Each is asked, also after one has answered: an identifier that is
/// bad, or that disagrees, is never passed over.
#[derive(Default)]
pub(crate) struct Chain {
    resolvers: Vec<(&'static str, Read)>,
}

/// What a request says, by all its resolvers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Id(TenantId),
    Domain(Domain),
    /// Whether both are one tenant's, only a look-up can say.
    Both(TenantId, Domain),
}

impl Chain {
    pub(crate) fn push(&mut self, resolver: impl Resolver) {
        let name = resolver.name();
        self.resolvers
            .push((name, Box::new(move |request| resolver.resolve(request))));
    }

    pub(crate) fn resolve(&self, request: &dyn RequestView) -> Result<Named, ResolutionError> {
        let mut id = None;
        let mut domain = None;
        let mut ambiguous = false;
        for (resolver, read) in &self.resolvers {
            match read(request) {
                Extracted::None => {}
                Extracted::Invalid(what) => {
                    return Err(ResolutionError::Invalid { resolver, what });
                }
                Extracted::Id(found) => {
                    ambiguous |= *id.get_or_insert_with(|| found.clone()) != found;
                }
                Extracted::Domain(found) => {
                    ambiguous |= *domain.get_or_insert_with(|| found.clone()) != found;
                }
            }
        }
        if ambiguous {
            return Err(ResolutionError::Ambiguous);
        }
        match (id, domain) {
            (None, None) => Err(ResolutionError::NoIdentifier),
            (Some(id), None) => Ok(Named::Id(id)),
            (None, Some(domain)) => Ok(Named::Domain(domain)),
            (Some(id), Some(domain)) => Ok(Named::Both(id, domain)),
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.resolvers.iter().map(|(name, _)| name))
            .finish()
    }
}
