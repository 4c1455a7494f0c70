//! What is open now: a tenant's scope, or central work.
//!
//! The *ambient* scope lives in a task-local, so that deep code needs no argument; an *explicit*
//! scope is a value that is passed. Both lead to the same place. A plain `tokio::spawn` has no
//! ambient scope and so fails closed; [`in_current_scope`](InCurrentScope::in_current_scope)
//! carries it on purpose.

mod ambient;
mod carry;
mod central;
mod closure;
mod context;
mod phase;
mod tenant;

pub(crate) use ambient::Ambient;
pub use carry::{InCurrentScope, InScope};
pub use central::{CentralScope, OpenCentral};
pub use closure::ScopeFn;
pub use context::Context;
pub use phase::Phase;
pub(crate) use phase::PhaseCell;
pub use tenant::TenantScope;
pub(crate) use tenant::{Access, TenantState};
