//! The cases, by what they are about.

pub mod availability;
pub mod company;
pub mod imports;
pub mod lifetime;
pub mod refusals;
pub mod serving;
pub mod transactions;
