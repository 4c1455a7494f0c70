//! The command `tenancy` as its users have it: a program, its output and its exit code.

// A helper's failed `unwrap` fails the test that called it, which is what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// A test owns its stage.
#![allow(clippy::needless_pass_by_value)]

mod bases;
mod checking;
mod configuring;
mod encrypting;
mod exporting;
mod keys;
mod killed;
mod life;
mod making;
mod migrating;
mod registry;
mod running;
mod stage;
mod templating;
mod usage;
