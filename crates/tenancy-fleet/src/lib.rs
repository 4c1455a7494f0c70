//! The fleet of [`tenancy`](https://docs.rs/tenancy): credentials sealed at rest.

pub mod secrets;
