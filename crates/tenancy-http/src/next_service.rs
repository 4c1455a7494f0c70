//! The scope of a request on its way to the next service.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Uri};
use tenancy_core::{Error, Tenancy, TenantScope};

use crate::SCOPE_HEADER;

/// A service that this one calls, and that takes the scope from a signed envelope.
///
/// Each envelope is of the scope that is ambient where the call is made, for this one service, and
/// for half a minute. It is given to the origins that are listed here and to nobody else: a request
/// to another one is not sent. Nothing keeps a client that follows redirects by itself from copying
/// the header to where it is sent on to: turn that off, or follow outside of what adds the header.
///
/// ```
/// use tenancy_core::{EnvelopeKey, EnvelopeKeys, Error, Tenancy, TenantScope};
/// use tenancy_http::NextService;
/// # use tenancy_core::{MemoryStore, Tenant, TenantId};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = MemoryStore::new([Tenant::new(TenantId::new("acme")?)]);
/// let keys = EnvelopeKeys::new(EnvelopeKey::random("k1")?); // the next service has the same
/// let tenancy = Tenancy::builder(store).without_requests().envelope_keys(keys).build();
/// let notes = NextService::new(&tenancy, "notes", ["https://notes.internal:8443"])?;
///
/// tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
///     let (name, value) = notes.header(&"https://notes.internal:8443/list".parse().unwrap()).unwrap();
///     # assert!(value.is_sensitive());
///     // Add both to the request of any client.
///     Ok(())
/// }).await?;
/// // No scope, no request; and none to anybody else.
/// assert!(notes.header(&"https://notes.internal:8443/list".parse()?).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct NextService {
    tenancy: Tenancy,
    name: String,
    origins: BTreeSet<Origin>,
    valid_for: Duration,
}

/// The longest time for which an envelope for a service is valid.
const MAX_VALIDITY: Duration = Duration::from_mins(5);

impl NextService {
    /// The service of this name, at these origins, such as `https://notes.internal:8443`. The name
    /// is the one that the service itself gives to its layer's `from_envelopes`.
    ///
    /// # Errors
    /// [`NextServiceError`], for a name, an origin or a tenancy that will not do.
    pub fn new<'o>(
        tenancy: &Tenancy,
        name: &str,
        origins: impl IntoIterator<Item = &'o str>,
    ) -> Result<Self, NextServiceError> {
        tenancy.service(name)?;
        let origins = origins.into_iter().map(|origin| {
            let uri: Uri = origin.parse().map_err(|_| NextServiceError::Origin)?;
            let bare = uri.path() == "/" && uri.query().is_none() && !origin.ends_with('/');
            let origin = bare.then(|| Origin::of(&uri)).flatten();
            origin.ok_or(NextServiceError::Origin)
        });
        let origins: BTreeSet<Origin> = origins.collect::<Result<_, _>>()?;
        if origins.is_empty() {
            return Err(NextServiceError::NoOrigin);
        }
        Ok(Self {
            tenancy: tenancy.clone(),
            name: name.to_owned(),
            origins,
            valid_for: Duration::from_secs(30),
        })
    }

    /// How long each envelope is valid, at most 5 minutes: as long as a request may be on its way.
    /// Within it, whoever sees the header can repeat it.
    ///
    /// # Errors
    /// [`NextServiceError::Validity`] for a time under a millisecond or over 5 minutes.
    pub fn valid_for(mut self, valid_for: Duration) -> Result<Self, NextServiceError> {
        if valid_for > MAX_VALIDITY || valid_for < Duration::from_millis(1) {
            return Err(NextServiceError::Validity);
        }
        self.valid_for = valid_for;
        Ok(self)
    }

    /// The header for a request to `to`, with the ambient scope in it: for a client that is no tower
    /// service. Set it, rather than adding it: a request never has two.
    ///
    /// # Errors
    /// [`NotSent`]: then send nothing.
    pub fn header(&self, to: &Uri) -> Result<(HeaderName, HeaderValue), NotSent> {
        let origin = Origin::of(to).filter(|origin| self.origins.contains(origin));
        origin.ok_or(NotSent::Origin)?;
        let scope = TenantScope::current()?;
        let service = self.tenancy.service(&self.name)?;
        let envelope = service.envelope(&scope, self.valid_for)?;
        let mut value = HeaderValue::from_str(envelope.as_str())
            .map_err(|_| Error::from(tenancy_core::EnvelopeError::Malformed))?;
        value.set_sensitive(true);
        Ok((SCOPE_HEADER, value))
    }
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    is_tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// None where it does not say, or says it in more than one way.
    fn of(uri: &Uri) -> Option<Self> {
        let authority = uri.authority()?;
        let is_tls = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        // Userinfo looks like a host to whoever reads it in a hurry.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // A port that is written and is no number.
            None if authority.as_str() != authority.host() => return None,
            None if is_tls => 443,
            None => 80,
        };
        Some(Self {
            is_tls,
            host: authority.host().to_ascii_lowercase(),
            port,
        })
    }
}

/// Why there is no such next service. Found at start-up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NextServiceError {
    /// The name is not valid, or the tenancy has no keys.
    #[error(transparent)]
    Envelope(#[from] Error),
    /// An origin is not valid.
    #[error(
        "an origin is not valid: write its scheme, host and port alone, as in https://notes.internal:8443"
    )]
    Origin,
    /// There is no origin.
    #[error("the next service has no origin, so nothing could be sent to it: list where it is")]
    NoOrigin,
    /// The time is zero or too long.
    #[error(
        "an envelope for a service must be valid for at least a millisecond and at most 5 minutes"
    )]
    Validity,
}

/// Why a request to the next service was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// It goes elsewhere.
    #[error(
        "this request goes to an origin that is not the next service's, or names none, so it was not sent: list the origin in `NextService::new`, or give the client its whole URI"
    )]
    Origin,
    /// There is no scope to hand over, or it can't be sealed.
    #[error("there is no scope to hand over, so the request was not sent: {0}")]
    Scope(#[from] Error),
}

impl fmt::Debug for NextService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextService")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
