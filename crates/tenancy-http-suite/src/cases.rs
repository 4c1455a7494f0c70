//! The cases, by what they are about.

pub mod availability;
pub mod company;
pub mod lifetime;
pub mod refusals;
pub mod serving;
