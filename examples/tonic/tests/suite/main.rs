//! The gRPC suite, against this example's own program. Its cases are those of `tenancy-http-suite`
//! where they have a meaning, and those of streams in all directions.
//!
//! The suite does not measure time. What could hang is bounded, so that it is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper of a test may fail as a test does

mod books;
mod client;
mod company;
mod lifetime;
mod play;
mod refusals;
mod serving;
mod streams;
mod transactions;

/// What `build.rs` makes of the files in `proto`.
mod proto {
    #![allow(
        clippy::pedantic,
        unreachable_pub,
        reason = "tonic-prost-build wrote it"
    )]
    tonic::include_proto!("notes.v1");
}
