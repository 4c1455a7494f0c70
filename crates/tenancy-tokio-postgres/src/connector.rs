//! Connecting and cancelling, whatever the TLS.

use std::fmt;
use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use tenancy_postgres_pool::Connect;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, NoTls, Socket};

/// What an adapter on tokio-postgres connects with: what the URL says, and over it what the pool
/// says. The startup options of the URL come first, so that they don't win.
pub fn config(of_url: &Config, how: &Connect) -> Config {
    let mut config = of_url.clone();
    config.application_name(&how.application_name);
    if let Some(database) = &how.database {
        config.dbname(database);
    }
    if let Some((user, password)) = &how.login {
        config.user(user).password(password.expose_secret());
    }
    let escaped = |value: &str| value.replace('\\', r"\\").replace(' ', r"\ ");
    let ours = how.options.iter();
    let ours = ours.map(|(name, value)| format!("-c {name}={}", escaped(value)));
    let first = of_url.get_options().map(str::to_owned).into_iter();
    let all: Vec<String> = first.chain(ours).collect();
    // A transaction pooler refuses any.
    if !all.is_empty() {
        config.options(all.join(" "));
    }
    config
}

/// Whether the connection is lost, rather than something refused on it.
pub fn is_lost(error: &tokio_postgres::Error) -> bool {
    let is_io = <dyn std::error::Error>::is::<std::io::Error>;
    error.is_closed() || std::error::Error::source(error).is_some_and(is_io)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_options_come_after_those_of_the_url_and_are_one_word_each() {
        let mut url = Config::new();
        url.options("-c search_path=evil");
        let how = Connect {
            database: None,
            login: None,
            options: vec![("search_path".to_owned(), "\"$user\", public".to_owned())],
            application_name: "tenancy".to_owned(),
            statement_cache_capacity: 0,
        };
        assert_eq!(
            config(&url, &how).get_options(),
            Some(r#"-c search_path=evil -c search_path="$user",\ public"#)
        );
    }
}
