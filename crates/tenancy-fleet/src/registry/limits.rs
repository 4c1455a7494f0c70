//! How long texts may be.

use super::RegistryError;

/// The longest name of a server, database, schema or credential, in bytes.
pub(crate) const MAX_NAME: usize = 255;
/// The longest metadata, as JSON text, in bytes.
pub(crate) const MAX_METADATA: usize = 64 * 1024;
/// The longest outcome, in bytes.
pub(crate) const MAX_OUTCOME: usize = 1024;
/// A digest, in hexadecimal.
pub(crate) const MAX_DIGEST: usize = 64;
/// The longest name of a login, in bytes.
pub(crate) const MAX_USER: usize = 255;

/// Refuses what is empty, too long, or cut short by some database.
pub(crate) fn text(what: &'static str, text: &str, max: usize) -> Result<(), RegistryError> {
    if text.is_empty() || text.len() > max {
        Err(RegistryError::Length { what, max })
    } else if text.contains('\0') {
        Err(RegistryError::Character { what })
    } else {
        Ok(())
    }
}

/// As much of it as an outcome may hold.
pub(crate) fn shortened(mut outcome: String) -> String {
    outcome.truncate(outcome.floor_char_boundary(MAX_OUTCOME));
    outcome
}
