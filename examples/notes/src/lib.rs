//! What the framework examples share: a small notes service without its framework.
//!
//! Each of `examples/axum`, `actix-web`, `rocket`, `poem` and `tonic` puts its framework's routes and
//! authentication around this, and serves the same thing. `notes.rs` is the data, `callers.rs` who
//! asks, `service.rs` how it is put together, `program.rs` the command line. `faults.rs` is what a
//! real service would not have: routes that break on purpose, for the suite that runs against all.

mod callers;
mod faults;
mod notes;
mod problem;
mod program;
mod service;
mod watch;

pub use callers::{Caller, Callers, administrators};
pub use faults::{Faults, whoami};
pub use notes::{Draft, Note, Notes};
pub use problem::Problem;
pub use program::Program;
pub use service::Service;
pub use watch::OpenScopes;
