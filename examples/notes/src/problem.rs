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
    /// What the caller is told, with status 500. It tells the log the cause.
    pub fn tell(&self) -> &'static str {
        tracing::error!(error = self as &dyn std::error::Error, "a request failed");
        "internal error\n"
    }
}

impl From<tenancy::Error> for Problem {
    fn from(error: tenancy::Error) -> Self {
        Self::Tenancy(error.into())
    }
}
