//! Tenant identity, scopes, lifecycle, resolution, stores and envelopes of
//! [`tenancy`](https://docs.rs/tenancy). Knows no database and no framework.
//!
//! The way from a request to data: a chain of [`Resolver`]s finds the tenant's id, a
//! [`TenantStore`] looks it up, a [`Membership`] check admits the caller, and [`Tenancy`] opens a
//! [`TenantScope`]. Adapters take nothing else: no scope, no data.

mod availability;
mod builder;
mod capability;
mod database;
mod envelope;
mod error;
mod id;
mod key_space;
mod labels;
mod lifecycle;
mod placement;
mod provision;
mod request;
mod request_transaction;
mod resolution;
mod round;
mod scope;
mod store;
mod tenancy;
mod tenant;
mod tx_fn;
mod undone;

pub use availability::{Availability, Unavailable};
pub use builder::*;
pub use capability::*;
pub use database::ScopedDatabase;
pub use envelope::*;
pub use error::{Error, Refusal};
pub use id::{IntoTenantId, InvalidTenantId, TenantId};
pub use key_space::KeySpace;
pub use labels::TenantLabels;
pub use lifecycle::{
    Bootstrapper, BoxError, CleanupError, CleanupErrors, Ending, Event, Listener, OpenScope,
};
pub use placement::{Placement, Strategy};
pub use provision::Provisioner;
pub use request::*;
pub use request_transaction::{
    NoRequestTransaction, NotSaved, RequestTransaction, TransactionalDatabase,
};
pub use resolution::*;
pub use round::{Round, RoundReport, Visit};
pub use scope::{
    CentralScope, Context, InCurrentScope, InScope, OpenCentral, Phase, ScopeFn, TenantScope,
};
pub use store::*;
pub use tenancy::{Leaving, Tenancy};
pub use tenant::{MetadataError, Tenant, TenantStatus};
pub use tx_fn::TxFn;
pub use undone::Undone;
