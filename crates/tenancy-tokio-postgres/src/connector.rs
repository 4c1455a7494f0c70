//! Connecting and cancelling, whatever the TLS.

use std::fmt;
use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, NoTls, Socket};

/// How connections are encrypted: a `MakeTlsConnect` of any TLS crate.
#[derive(Clone)]
pub struct Tls(Arc<dyn Connector>);

impl Tls {
    /// None. Enough where the way to the server is trusted, and the URL does not ask for it.
    pub fn none() -> Self {
        Self::new(NoTls)
    }

    /// As this crate of yours does it, for every connection and every cancel request.
    pub fn new<T>(tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(With(tls)))
    }

    /// Connects. The task drives the connection, and ends with it; aborted, it closes the connection
    /// at once, whatever still runs there.
    ///
    /// For an adapter that puts something of its own on tokio-postgres: a client from here is
    /// bound to no scope.
    ///
    /// # Errors
    /// The driver's.
    pub async fn open(
        &self,
        config: &Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        self.0.connect(config).await
    }

    /// Asks the server to cancel what runs on a connection. The request goes a way of its own, and may
    /// be late: use the connection no more.
    ///
    /// # Errors
    /// The driver's.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        self.0.cancel(token).await
    }

    pub(crate) async fn connect(
        &self,
        config: &Config,
    ) -> Result<ClientWrapper, tokio_postgres::Error> {
        let (client, task) = self.open(config).await?;
        Ok(ClientWrapper::new(client, task))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

trait Connector: Send + Sync {
    fn connect<'a>(
        &'a self,
        config: &'a Config,
    ) -> BoxFuture<'a, Result<(Client, JoinHandle<()>), tokio_postgres::Error>>;

    fn cancel<'a>(
        &'a self,
        token: &'a CancelToken,
    ) -> BoxFuture<'a, Result<(), tokio_postgres::Error>>;
}

struct With<T>(T);

impl<T> Connector for With<T>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect<'a>(
        &'a self,
        config: &'a Config,
    ) -> BoxFuture<'a, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        Box::pin(async move {
            let (client, connection) = config.connect(self.0.clone()).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(code = ?error.code(), "a connection was lost");
                }
            });
            Ok((client, task))
        })
    }

    fn cancel<'a>(
        &'a self,
        token: &'a CancelToken,
    ) -> BoxFuture<'a, Result<(), tokio_postgres::Error>> {
        Box::pin(token.cancel_query(self.0.clone()))
    }
}
