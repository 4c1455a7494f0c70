//! Whether work failed, or never began.

use crate::Error;

/// Why work in a scope was not done: it was not let begin, or it failed itself.
///
/// A queue goes by the difference: what was [refused](Self::Scope) will be refused again, unless it
/// [passes](Self::is_passing); what [failed](Self::Work) may go well another time.
#[derive(Debug, thiserror::Error)]
pub enum Undone<E> {
    /// The scope was not opened, and nothing was run; or it was, and [`Error::Cleanup`] says that
    /// closing it failed behind work that was done.
    #[error(transparent)]
    Scope(Error),
    /// The work failed.
    #[error("the work failed")]
    Work(#[source] E),
}

impl<E> Undone<E> {
    /// Whether the scope may be opened later: the tenant could not be looked up, is in maintenance,
    /// or a bootstrapper failed. What else was refused is refused again.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Scope(Error::Store(_) | Error::Unavailable(_) | Error::Bootstrap { .. })
        )
    }

    pub(crate) fn into_error(self) -> E
    where
        E: From<Error>,
    {
        match self {
            Self::Scope(error) => error.into(),
            Self::Work(error) => error,
        }
    }
}

impl<E> From<Error> for Undone<E> {
    fn from(error: Error) -> Self {
        Self::Scope(error)
    }
}
