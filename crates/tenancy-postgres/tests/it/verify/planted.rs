//! The holes that are planted.

mod reach;
mod rights;
mod roles;
mod walls;

use tenancy_postgres::verify::{Code, Severity};

/// What is planted, in SQL with `{runtime}`, `{central}` and `{owner}`, and what must be found.
pub(crate) type Hole = (&'static str, &'static str, Code, Severity);

pub(crate) fn all() -> impl Iterator<Item = &'static Hole> {
    walls::HOLES
        .iter()
        .chain(reach::HOLES)
        .chain(rights::HOLES)
        .chain(roles::HOLES)
}
