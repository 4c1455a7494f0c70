//! A small notes service on tonic, one tenant at a time: `cargo run -p example-tonic`.
//!
//! Read `routes.rs` first, then `notes.rs`: they are what an application writes, for the services
//! in `proto`. What is not tonic's is in `examples/notes`.

mod auth;
mod faults;
mod notes;
mod problem;
mod proto;
mod routes;

use std::io;
use std::net::SocketAddr;

use example_notes::{Problem, Program};
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let io = |doing| move |source| Problem::Io { doing, source };
    let incoming = TcpIncoming::bind(program.address()).map_err(io("listening"))?;
    announce(incoming.local_addr().map_err(io("listening"))?);
    let callers = program.service.callers.clone();
    Server::builder()
        // Outside the tenancy layer, whose membership check needs to know who asks.
        .layer(InterceptorLayer::new(auth::authenticate(callers)))
        .add_routes(routes::all(&program.service))
        .serve_with_incoming_shutdown(incoming, program.stopped())
        .await
        .map_err(|error| io("serving")(io::Error::other(error)))?;
    program.close().await
}

fn announce(address: SocketAddr) {
    let ask = |tenant| {
        format!(
            "grpcurl -plaintext -import-path examples/tonic/proto -proto notes/v1/notes.proto \
             -authority {tenant}.notes.localhost -H 'authorization: Bearer acme-demo-token' \
             {address} notes.v1.Notes/List"
        )
    };
    Program::announce_with(address, &ask("acme"), &ask("globex"));
}
