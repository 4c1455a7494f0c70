//! What a driver's crate implements.

use std::fmt;
use std::future::Future;

use secrecy::SecretString;

use crate::{Begin, Central, Error, Opening, Tenants};

/// One row of a simple message's answer, every column as the server wrote it.
pub type Row = Vec<Option<String>>;

/// What a failed request says about its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The server, or the way to it, is gone.
    pub lost: bool,
    /// The SQLSTATE, where the server sent one.
    pub code: Option<String>,
    /// What kind of error it is, in one word, for `Debug`.
    pub kind: &'static str,
}

impl Fault {
    /// Whether a server's error code says that the connection is gone: shut down, crashed, starting,
    /// ended for idleness; and the connection class.
    pub fn code_is_lost(code: &str) -> bool {
        matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03") || code.starts_with("08")
    }
}

/// What a driver knows of its prepared statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// It knows all of them: fewer on the server, and SQL deallocated one; more, and a prepare was
    /// dropped in mid-flight.
    All(usize),
    /// It keeps so many, and may have prepared others for itself or for the application.
    Some(usize),
}

/// Where, as whom and how to connect, over what the URL says.
#[derive(Clone)]
pub struct Connect {
    /// The database, where it is not the URL's.
    pub database: Option<String>,
    /// The login and its password, where they are not the URL's.
    pub login: Option<(String, SecretString)>,
    /// Startup options, names and raw values, in their order. The later ones win, also over those
    /// of the URL. None through a transaction pooler: leave them out of the startup message whole.
    pub options: Vec<(String, String)>,
    /// The name that the server's views and log show.
    pub application_name: String,
    /// How many prepared statements the driver may keep. 0 through a transaction pooler, whose
    /// server connections forget them.
    pub statement_cache_capacity: usize,
}

impl Connect {
    pub(crate) fn search_path(&mut self, path: impl Into<String>) {
        self.options.push(("search_path".to_owned(), path.into()));
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
}

/// A driver, as the pools use it. The methods take no scope: whatever is done here is done before a
/// scope is open, or after it has ended.
pub trait Driver: Send + Sync + 'static {
    /// What the driver makes of a URL.
    type Options: Clone + Send + Sync + 'static;
    /// One physical connection.
    type Connection: Send + 'static;
    /// The driver's error.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads a URL.
    ///
    /// # Errors
    /// The driver's.
    fn parse(&self, url: &str) -> Result<Self::Options, Self::Error>;

    /// The login that the URL names.
    fn user(&self, options: &Self::Options) -> Option<String>;

    /// Connects.
    ///
    /// # Errors
    /// The driver's.
    fn connect(
        &self,
        options: &Self::Options,
        how: &Connect,
    ) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Makes ready, once, on a connection that was found to be trusted: `opening` is the statement
    /// that opens scopes on it, with parameters, for a driver that prepares it.
    ///
    /// # Errors
    /// The driver's.
    fn prepare(
        &self,
        connection: &mut Self::Connection,
        opening: &'static str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = (connection, opening);
        async { Ok(()) }
    }

    /// Sends `sql` as one simple message, and reads its answer to the end: the rows of all its
    /// statements, in order.
    ///
    /// # Errors
    /// The driver's.
    fn message(
        &self,
        connection: &mut Self::Connection,
        sql: String,
    ) -> impl Future<Output = Result<Vec<Row>, Self::Error>> + Send;

    /// Puts what opens a scope on the wire ahead of whatever comes next, without waiting for its
    /// answer. `false` from a driver that can't: then it is sent as a message, and awaited.
    ///
    /// Only ever behind a scrub that was answered, so that the worst that can come of a refused
    /// opening is no scope.
    fn queue_opening(&self, connection: &mut Self::Connection, opening: &Opening) -> bool {
        let _ = (connection, opening);
        false
    }

    /// As [`queue_opening`](Self::queue_opening), for what begins a transaction.
    fn queue_begin(&self, connection: &mut Self::Connection, begin: &Begin) -> bool {
        let _ = (connection, begin);
        false
    }

    /// Waits until what was checked out is back, where the driver takes a way of its own. `false`:
    /// it does not come back.
    fn settled(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send {
        let _ = connection;
        async { true }
    }

    /// How many prepared statements the driver believes to be on the server.
    fn prepared_statements(&self, connection: &Self::Connection) -> Prepared;

    /// Forgets the prepared statements that it keeps, without telling the server: through a
    /// transaction pooler they are not there any more. Nothing to do for a driver that keeps none
    /// with a capacity of 0.
    fn forget_statements(&self, connection: &mut Self::Connection) {
        let _ = connection;
    }

    /// Whether the driver believes that a transaction is open.
    fn is_in_transaction(&self, connection: &Self::Connection) -> bool;

    /// Whether the connection is there, as far as can be told without asking.
    fn is_alive(&self, connection: &Self::Connection) -> bool;

    /// Whether [`close`](Self::close) can cancel what still runs. If so, a connection that does not
    /// answer soon at its release is given up soon.
    fn can_cancel(&self) -> bool;

    /// Closes it. Where it may still be at work, what runs on the server is cancelled, if the driver
    /// can.
    fn close(
        &self,
        connection: Self::Connection,
        may_be_at_work: bool,
    ) -> impl Future<Output = ()> + Send;

    /// What an error says.
    fn fault(&self, error: &Self::Error) -> Fault;
}

/// A driver's crate: the pools that its builders make.
pub trait Adapter: Driver + Sized {
    /// The crate's tenant pool.
    type TenantPool;
    /// The crate's central pool.
    type CentralPool;
    /// The crate's error.
    type AdapterError: From<Error>;

    /// The tenant pool over these connections.
    fn tenant_pool(tenants: Tenants<Self>) -> Self::TenantPool;

    /// The central pool over these connections.
    fn central_pool(central: Central<Self>) -> Self::CentralPool;
}
