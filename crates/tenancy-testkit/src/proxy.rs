//! TCP proxies on 127.0.0.1 in front of a server: they count what goes over the wire, and make the
//! network slow, silent or gone.

mod frames;
mod link;
mod network;
mod tally;

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::Error;
use crate::postgres::Server;
use link::Link;
use network::Network;
use tally::Tally;

/// A proxy in front of a PostgreSQL server, with threads of its own. Dropped: every connection through
/// it is cut.
///
/// ```no_run
/// use tenancy_testkit::{postgres::{Major, Server}, proxy::Proxy};
///
/// # async fn example() -> Result<(), tenancy_testkit::Error> {
/// let server = Server::shared(Major::V18).await?;
/// let database = server.database().await?;
/// let proxy = Proxy::in_front_of(server)?;
/// let client = database.connect(&proxy.url(&database.admin_url())?).await?;
/// let one = client.prepare("SELECT 1").await?;
/// proxy.reset();
/// client.query(&one, &[]).await?;
/// assert_eq!((proxy.trips(), proxy.sent()), (1, "BES".to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    network: Arc<Network>,
    tally: Arc<Tally>,
    links: Mutex<Vec<Weak<Link>>>,
    closed: AtomicBool,
}

impl Proxy {
    /// Starts one in front of this port of 127.0.0.1.
    ///
    /// # Errors
    /// [`Error::Listen`] if there is no port to be had.
    pub fn start(upstream_port: u16) -> Result<Self, Error> {
        Self::to("127.0.0.1", upstream_port)
    }

    /// Starts one in front of this server, wherever it is.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn in_front_of(server: &Server) -> Result<Self, Error> {
        Self::to(server.host(), server.port())
    }

    fn to(host: &str, port: u16) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::Listen)?;
        let own = listener.local_addr().map_err(Error::Listen)?.port();
        let shared = Arc::<Shared>::default();
        let (accepting, upstream) = (Arc::clone(&shared), (host.to_owned(), port));
        thread::spawn(move || accepting.accept(&listener, &upstream));
        Ok(Self { port: own, shared })
    }

    /// The port that clients connect to, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The same URL, through this proxy.
    ///
    /// # Errors
    /// [`Error::Url`] if it has no `://`.
    pub fn url(&self, upstream_url: &str) -> Result<String, Error> {
        let (scheme, rest) = upstream_url.split_once("://").ok_or(Error::Url)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let user = authority.rfind('@').map_or("", |at| &authority[..=at]);
        Ok(format!("{scheme}://{user}127.0.0.1:{}{path}", self.port))
    }

    /// Round trips since the start or the last [`reset`](Self::reset), over all connections: how often a
    /// client sent something after it had been given a whole answer. Connecting and a farewell count nothing.
    ///
    /// A client that queues messages without waiting makes one trip of them only if it has sent the last
    /// before the first is answered: set a [`delay`](Self::delay) of some milliseconds before counting those.
    pub fn trips(&self) -> usize {
        self.shared.tally.trips()
    }

    /// `Query` and `Sync` messages since the start or the last reset: what the server answers one by one.
    pub fn requests(&self) -> usize {
        self.shared.tally.requests()
    }

    /// The tags of the messages that clients sent since the start or the last reset, such as `PDSBES` for
    /// a statement that was prepared and then run.
    pub fn sent(&self) -> String {
        self.shared.tally.sent()
    }

    /// The tags of the messages that clients were given since the start or the last reset.
    pub fn received(&self) -> String {
        self.shared.tally.received()
    }

    /// Connections made since the start or the last reset, cancel requests among them.
    pub fn connections(&self) -> usize {
        self.shared.tally.connections()
    }

    /// Starts all counts anew.
    pub fn reset(&self) {
        self.shared.tally.reset();
    }

    /// Delays whatever is sent from now on by this much, each way: a round trip costs twice that.
    pub fn delay(&self, each_way: Duration) {
        self.shared.network.set_delay(each_way);
    }

    /// Cuts every connection that is open now. Later ones are let through.
    pub fn cut_all(&self) {
        self.shared.cut_all();
    }

    /// Holds everything back, both ways, without closing anything; `false` lets it all go on.
    pub fn stall(&self, stalled: bool) {
        self.shared.network.set_stalled(stalled);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.shared.cut_all();
    }
}

impl Shared {
    fn accept(&self, listener: &TcpListener, upstream: &(String, u16)) {
        for client in listener.incoming() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            // A server that is gone is a closed connection to the client, as it would be without us.
            let Ok(server) = TcpStream::connect((upstream.0.as_str(), upstream.1)) else {
                continue;
            };
            if let Ok(link) = Link::open(client, server, &self.network, &self.tally) {
                self.tally.connected();
                let mut links = self.links();
                links.retain(|link| link.strong_count() > 0);
                links.push(Arc::downgrade(&link));
            }
        }
    }

    fn cut_all(&self) {
        for link in self.links().drain(..) {
            if let Some(link) = link.upgrade() {
                link.cut();
            }
        }
        self.network.wake();
    }

    fn links(&self) -> MutexGuard<'_, Vec<Weak<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
