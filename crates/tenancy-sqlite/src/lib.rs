//! SQLite's enforcement of database-per-tenant: file names, and connections that can reach no
//! other file.
//!
//! One tenant has one file, so the wall is the file itself. Two things keep it whole:
//!
//! - [`TenantFile`] is made from a [`TenantId`](tenancy_core::TenantId) and from nothing else, in a
//!   [`Folder`] that is pinned and checked. There is no function here that takes a path from
//!   anywhere else.
//! - [`seal`] takes from a connection every way by which SQL reaches beyond its own file or stays
//!   behind in the connection: `ATTACH`, `DETACH`, `VACUUM INTO`, extensions, settings of the whole
//!   process (`hard_heap_limit`, `temp_store_directory`, ..), settings of the connection, temporary
//!   objects. `SQLite` itself refuses them, when the statement is prepared.
//!
//! [`set_read_only`] takes writing from it as well, for as long as a tenant may only be read.
//!
//! Inside its own file a tenant's SQL is free, but for the mark that says whose file it is
//! ([`identity`]).
//!
//! Adapters call this; applications use [`tenancy-sqlx`](https://docs.rs/tenancy-sqlx).
//!
//! # Unsafe code
//! The workspace forbids it; this crate denies it, and allows it at the few places that call into
//! SQLite's C library (`raw.rs`, and the `unsafe impl` in `handle.rs`). The limit on attached
//! databases, the defensive switches and the authorizer are reached in no other way, and without
//! them one injected `ATTACH` reads another tenant's file: a test shows it.

mod authorizer;
mod draft;
mod error;
mod file;
mod folder;
mod handle;
pub mod identity;
mod pragma;
mod raw;
mod seal;

pub use draft::Draft;
pub use error::Error;
pub use file::TenantFile;
pub use folder::Folder;
pub use handle::Handle;
pub use seal::{Traces, inspect, seal, set_read_only};
