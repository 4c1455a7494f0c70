//! What `tenancy-core` promises, tried from outside.

// A helper's failed `unwrap` fails the test that called it, which is what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod availability;
mod capability;
mod chain;
mod children;
mod envelopes;
mod fuzz;
mod gate;
mod key_spaces;
mod labels;
mod lifecycle;
mod look_up_cache;
mod request_transactions;
mod resolvers;
mod rounds;
mod scopes;
mod services;
mod stores;
mod support;
mod withdrawn;
