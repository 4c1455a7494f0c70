//! What has become of the base database.

use std::io::{self, Write};

use serde::Serialize;
use tenancy_fleet::run::Outcome;

use crate::output::{Report, plain};

#[derive(Serialize)]
pub(crate) struct Base {
    pub(crate) dry_run: bool,
    pub(crate) base: Outcome,
}

impl Report for Base {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "base: {}", plain(&self.base.to_string()))
    }
}
