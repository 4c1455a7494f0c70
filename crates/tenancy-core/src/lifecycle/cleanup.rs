//! What failed while a scope was closed.

use std::fmt;

use super::BoxError;

/// One revert that failed.
#[derive(Debug, thiserror::Error)]
#[error("reverting `{name}` failed")]
pub struct CleanupError {
    name: &'static str,
    #[source]
    source: BoxError,
}

impl CleanupError {
    pub(crate) fn new(name: &'static str, source: BoxError) -> Self {
        Self { name, source }
    }

    /// The bootstrapper's name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Every revert that failed, in the order in which they ran. Often empty.
#[derive(Debug, Default)]
pub struct CleanupErrors(Vec<CleanupError>);

impl CleanupErrors {
    pub(crate) fn push(&mut self, error: CleanupError) {
        self.0.push(error);
    }

    /// Whether everything was reverted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many failed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, CleanupError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a CleanupErrors {
    type Item = &'a CleanupError;
    type IntoIter = std::slice::Iter<'a, CleanupError>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for CleanupErrors {
    /// The names of those that failed; their causes are the application's own and stay inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} not reverted", self.0.len())?;
        for (position, error) in self.0.iter().enumerate() {
            f.write_str(if position == 0 { ": " } else { ", " })?;
            f.write_str(error.name)?;
        }
        Ok(())
    }
}
