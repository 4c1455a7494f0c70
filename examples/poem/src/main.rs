//! A small notes service on Poem, one tenant at a time: `cargo run -p example-poem`.
//!
//! Read `routes.rs` first: it is what an application writes. What is not Poem's is in
//! `examples/notes`.

mod auth;
mod faults;
mod problem;
mod routes;

use example_notes::{Problem, Program};
use poem::Server;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let io = |doing| move |source| Problem::Io { doing, source };
    let acceptor = TcpListener::bind(program.address())
        .into_acceptor()
        .await
        .map_err(io("listening"))?;
    for address in acceptor.local_addr() {
        if let Some(address) = address.as_socket_addr() {
            Program::announce(*address);
        }
    }
    Server::new_with_acceptor(acceptor)
        .run_with_graceful_shutdown(
            routes::app(&program.service),
            program.stopped(),
            Some(Program::PATIENCE),
        )
        .await
        .map_err(io("serving"))?;
    program.close().await
}
