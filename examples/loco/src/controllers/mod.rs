//! Handlers, and where they are.

pub(crate) mod faults;
pub(crate) mod notes;
pub(crate) mod status;
