//! From a request to a tenant: a chain of resolvers, and the gate behind it.
//!
//! Each [`Resolver`] reads one place of a request and is typed by its [`TrustLevel`]: what a
//! client can send at will is [`Spoofable`] and needs a [`Membership`] check; what authentication
//! has verified is [`Trusted`]. An identifier that is present but bad ends the request, and two
//! that disagree do too: nothing falls through to the next one.

mod authorize;
mod chain;
mod claim;
mod custom;
mod domain;
mod error;
mod gate;
mod header;
mod host;
pub(crate) mod hostname;
mod outcome;
mod path;
mod resolver;
mod subdomain;
mod trust;

pub(crate) use authorize::Authorization;
pub use authorize::{Membership, MembershipCheck};
pub(crate) use chain::Chain;
pub use claim::Claim;
pub use custom::Custom;
pub use domain::CustomDomain;
pub use error::ResolutionError;
pub(crate) use gate::Gate;
pub use header::Header;
pub use host::{Host, InvalidHostMap};
pub use outcome::Outcome;
pub use path::PathSegment;
pub use resolver::{Extracted, Resolver};
pub use subdomain::Subdomain;
pub use trust::{SetByTrustedProxy, Spoofable, TrustLevel, Trusted};
