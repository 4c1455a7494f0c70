//! What was found wrong with a database or a role.

use std::fmt;
use std::ops::Deref;

use tenancy_postgres::verify::Finding;

/// What was found wrong with a database or a role, each with its mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings(pub(crate) Vec<Finding>);

impl Deref for Findings {
    type Target = [Finding];

    fn deref(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database is not safe to serve tenants from ({} found), so no connection is handed out:",
            self.0.len()
        )?;
        self.0
            .iter()
            .try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}
