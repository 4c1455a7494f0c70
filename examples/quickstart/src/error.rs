//! Why the program gave up, and the exit code that says so.

use crate::client::ClientError;
use crate::data::DataError;
use crate::notes::AppError;

/// Why the program gave up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The data file is not as it must be.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The command line asks for something that can't be.
    #[error("{0}")]
    Usage(&'static str),
    /// PostgreSQL is not here, and could not be had.
    #[error(
        "PostgreSQL {version} could not be fetched from the Maven registry: {cause}.\n\
         Connect to the network once (it is kept for later runs), or give a server of your own:\n  \
         cargo run -p quickstart -- --postgres --url postgres://postgres:PASSWORD@127.0.0.1:5432/postgres\n\
         Without --postgres the quickstart needs neither network nor server"
    )]
    Fetch {
        /// The version.
        version: &'static str,
        /// What the download said.
        cause: String,
    },
    /// The PostgreSQL server can't be used.
    #[error("{0}")]
    Server(tenancy_testkit::Error),
    /// PostgreSQL could not be set up.
    #[error("PostgreSQL could not be set up: {0}")]
    Setup(#[from] SetupError),
    /// A tenant could not be provisioned or filled.
    #[error("the tenants could not be provisioned: {0}")]
    Provision(#[from] AppError),
    /// A tenant could not be registered.
    #[error("a tenant could not be registered: {0}")]
    Register(#[from] tenancy::MemoryStoreError),
    /// A request got no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system refused something.
    #[error("{doing} failed: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Ctrl-C, or a request to end.
    #[error("interrupted")]
    Interrupted,
}

/// Why PostgreSQL could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// A name or a key was refused.
    #[error(transparent)]
    Plan(#[from] tenancy::postgres::Error),
    /// A step failed, or the pool refuses the database.
    #[error(transparent)]
    Tenancy(#[from] tenancy::sqlx::Error),
    /// A statement failed.
    #[error("{}", crate::notes::said(.0))]
    Sql(#[from] sqlx::Error),
}

impl Error {
    /// 2 for what the user can mend on the command line or in the data file, 130 for Ctrl-C as
    /// shells have it, 1 for the rest.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Data(_) | Self::Usage(_) => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

impl From<tenancy_testkit::Error> for Error {
    fn from(error: tenancy_testkit::Error) -> Self {
        match error {
            tenancy_testkit::Error::Fetch {
                version, source, ..
            } => Self::Fetch {
                version,
                cause: source.to_string(),
            },
            error => Self::Server(error),
        }
    }
}
