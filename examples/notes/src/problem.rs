//! Why a request was not served.

/// Why a request was not served. The cause goes to the log; the caller learns nothing from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No scope, no connection, or no provisioned database.
    #[error(transparent)]
    Tenancy(#[from] tenancy::sqlx::Error),
    /// The database refused a statement.
    #[error("a statement failed")]
    Sql(#[from] sqlx::Error),
    /// A draft without a title.
    #[error("a note needs a title")]
    NoTitle,
    /// The tenant could not be put into the store.
    #[error("the tenants could not be stored")]
    Store(#[from] tenancy::MemoryStoreError),
    /// The program could not be started.
    #[error("{doing} failed: {source}")]
    Io {
        /// What it was about.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Broken on purpose.
    #[error("this route fails on purpose")]
    OnPurpose,
    /// The ambient scope is not the one of the request.
    #[error("the ambient scope is not the request's own")]
    AnotherScope,
}

impl Problem {
    /// Whether the caller can mend it: it is answered with status 422 then, and else with 500.
    pub fn is_the_callers(&self) -> bool {
        matches!(self, Self::NoTitle)
    }

    /// What the caller is told. It tells the log the cause, where the caller can't mend it.
    pub fn tell(&self) -> &'static str {
        if let Self::NoTitle = self {
            return "a note needs a title\n";
        }
        tracing::error!(error = self as &dyn std::error::Error, "a request failed");
        "internal error\n"
    }
}

impl From<tenancy::Error> for Problem {
    fn from(error: tenancy::Error) -> Self {
        Self::Tenancy(error.into())
    }
}
