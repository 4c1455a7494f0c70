//! A scope that another service has handed over with its request.

use http::HeaderName;
use tenancy_core::{EnvelopeError, Error, OpenScope, RequestView, ResolutionError, Tenancy};

/// The header that carries a scope from one service to the next: `tenancy-scope`.
///
/// A service that was not told to take envelopes does not look at it.
pub const SCOPE_HEADER: HeaderName = HeaderName::from_static("tenancy-scope");

/// That a service takes the scope out of the envelope that came with a request, and from nowhere
/// else. What a request names besides, by the resolvers that the tenancy has, must be the same
/// tenant.
#[derive(Debug, Clone)]
pub struct HandedOver {
    service: String,
}

impl HandedOver {
    /// Envelopes that were sealed for the service of this name, which is this one.
    ///
    /// # Errors
    /// As [`Tenancy::service`]: an invalid name, or a tenancy without keys.
    pub fn to(tenancy: &Tenancy, service: &str) -> Result<Self, Error> {
        tenancy.service(service)?;
        Ok(Self {
            service: service.to_owned(),
        })
    }

    /// An error of the envelope says nothing that the outside may tell from an unknown tenant.
    pub(crate) async fn open(
        &self,
        tenancy: &Tenancy,
        request: &dyn RequestView,
    ) -> Result<OpenScope, Error> {
        let values = request.header_values(SCOPE_HEADER.as_str());
        let envelope = match values.as_slice() {
            [] => return Err(ResolutionError::NoIdentifier.into()),
            [envelope] => std::str::from_utf8(envelope).map_err(|_| EnvelopeError::Malformed)?,
            // Whoever stands in front may have read the other one.
            _ => return Err(EnvelopeError::Malformed.into()),
        };
        let service = tenancy.service(&self.service)?;
        match service.open_request(envelope, request).await {
            // Beside a good envelope, too: that it was good is nobody's business.
            Err(Error::Resolution(error)) => {
                tracing::debug!(%error, "a request names another tenant than its envelope, or badly");
                Err(tenancy_core::Refusal::Forbidden.into())
            }
            opened => opened,
        }
    }
}
