//! What `build.rs` makes of the files in `proto`.

#![allow(
    clippy::pedantic,
    unreachable_pub,
    reason = "tonic-prost-build wrote it"
)]

tonic::include_proto!("notes.v1");
