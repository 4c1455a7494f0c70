//! One connection through the proxy: a thread that reads and one that writes, in each direction.
//!
//! Threads rather than tasks: a delay is kept to the microsecond, and a client that blocks its runtime
//! doesn't hold up the network.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use super::frames::{From, Handshake, Scanner};
use super::network::Network;
use super::tally::Tally;

/// Both ends of a connection, so that it can be cut.
#[derive(Debug)]
pub(super) struct Link {
    client: TcpStream,
    server: TcpStream,
    cut: AtomicBool,
    /// The server has answered what the client sent, and the client may have read it.
    answered: AtomicBool,
    handshake: Handshake,
}

impl Link {
    pub(super) fn open(
        client: TcpStream,
        server: TcpStream,
        network: &Arc<Network>,
        tally: &Arc<Tally>,
    ) -> std::io::Result<Arc<Self>> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let link = Arc::new(Self {
            client,
            server,
            cut: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            handshake: Handshake::default(),
        });
        for from in [From::Client, From::Server] {
            let (send, receive) = mpsc::channel();
            let (reading, writing) = (Arc::clone(&link), Arc::clone(&link));
            let (counting, delivered) = (Arc::clone(tally), Arc::clone(tally));
            let (delaying, stalling) = (Arc::clone(network), Arc::clone(network));
            thread::spawn(move || reading.read(from, &send, &delaying, &counting));
            thread::spawn(move || writing.write(from, &receive, &stalling, &delivered));
        }
        Ok(link)
    }

    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for end in [&self.client, &self.server] {
            // One that is closed already is what we want.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn read(
        &self,
        from: From,
        pieces: &mpsc::Sender<(Instant, Vec<u8>)>,
        network: &Network,
        tally: &Tally,
    ) {
        let mut source = match from {
            From::Client => &self.client,
            From::Server => &self.server,
        };
        let mut scanner = Scanner::new(from);
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = source.read(&mut buffer) {
            let due = Instant::now() + network.delay();
            let bytes = &buffer[..length];
            if from == From::Client {
                scanner.feed(bytes, &self.handshake, |tag| {
                    tally.client_sent(tag, &self.answered);
                });
            }
            if pieces.send((due, bytes.to_vec())).is_err() {
                break;
            }
        }
    }

    fn write(
        &self,
        from: From,
        pieces: &mpsc::Receiver<(Instant, Vec<u8>)>,
        network: &Network,
        tally: &Tally,
    ) {
        let mut target = match from {
            From::Client => &self.server,
            From::Server => &self.client,
        };
        let mut scanner = Scanner::new(from);
        while let Ok((due, bytes)) = pieces.recv() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            network.wait_while_stalled(self);
            if from == From::Server {
                // Before the bytes are there: the client's next message must find it done.
                scanner.feed(&bytes, &self.handshake, |tag| {
                    tally.client_gets(tag, &self.answered);
                });
            }
            if target.write_all(&bytes).is_err() {
                return self.cut();
            }
        }
        // The other end has said all it had to say. If that was the server, nobody listens any more.
        match from {
            From::Client => drop(self.server.shutdown(Shutdown::Write)),
            From::Server => self.cut(),
        }
    }
}
