//! What a route gives access to.

use tenancy_core::{RequestView, Tenancy};

use crate::{Central, HandedOver, Opened, Refused, Ticket};

/// What the routes behind a layer give access to. An open route has no layer, and so no access.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Access {
    /// The data of the one tenant that a request names.
    Tenant,
    /// The data of the one tenant whose scope another service has handed over.
    HandedOver(HandedOver),
    /// Central work.
    Central(Central),
}

impl Access {
    /// Whether the request's envelope is used up by opening the scope: then it is taken out of the
    /// request's headers, lest a handler that forwards them hands it to somebody else.
    pub fn takes_envelopes(&self) -> bool {
        matches!(self, Self::HandedOver(_))
    }

    /// Opens the scope that `request` asks for. What the cause of a refusal was goes to the log
    /// alone.
    ///
    /// `outer` is the ticket that the request has already: two layers around one route are refused.
    /// Core refuses a nested scope too, but only where the inner layer runs in the outer's task.
    ///
    /// # Errors
    /// [`Refused`], which says as much as the outside may know.
    pub async fn open(
        &self,
        tenancy: &Tenancy,
        request: &dyn RequestView,
        outer: Option<&Ticket>,
    ) -> Result<Opened, Refused> {
        if outer.is_some() {
            tracing::error!("tenancy's layer is applied twice to one route: remove one of the two");
            return Err(Refused::Misconfigured);
        }
        let opened = match self {
            Self::Tenant => tenancy.open_request(request).await.map(Opened::Tenant),
            Self::HandedOver(handed) => {
                let opened = handed.open(tenancy, request).await;
                opened.map(Opened::Tenant)
            }
            Self::Central(central) if central.admits(request) => {
                tenancy.open_central(central.reason()).map(Opened::Central)
            }
            Self::Central(_) => {
                tracing::debug!("the request was refused: its caller may do no central work");
                return Err(Refused::NotFound);
            }
        };
        opened.map_err(|error| {
            let refused = Refused::of(&error);
            let cause = &error as &(dyn std::error::Error + 'static);
            match refused {
                // What any client can cause at will fills no log by default.
                Refused::NoTenant | Refused::NotFound | Refused::Unavailable { .. } => {
                    tracing::debug!(error = cause, "the request was refused");
                }
                Refused::TryLater | Refused::NotSaved | Refused::Misconfigured => {
                    tracing::error!(error = cause, "no scope could be opened for a request");
                }
            }
            refused
        })
    }
}
