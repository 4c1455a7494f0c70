//! `tenancy secrets ..`.

mod generate_key;
mod rotate_key;

use crate::base::Context;
use crate::error::{CliError, Exit};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Secrets {
    /// A new key from the system's random source
    GenerateKey(generate_key::GenerateKey),
    /// Seal every credential with the current key, which is the first one; a run that was
    /// interrupted is resumed by the next
    RotateKey(rotate_key::RotateKey),
}

impl Secrets {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::GenerateKey(generate) => generate.run(context),
            Self::RotateKey(rotate) => rotate.run(context).await,
        }
    }
}
