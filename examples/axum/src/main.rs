//! A small notes service on axum, one tenant at a time: `cargo run -p example-axum`.
//!
//! Read `routes.rs` first: it is what an application writes. What is not axum's is in
//! `examples/notes`.

mod auth;
mod faults;
mod problem;
mod routes;

use example_notes::{Problem, Program};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let io = |doing| move |source| Problem::Io { doing, source };
    let listener = TcpListener::bind(program.address())
        .await
        .map_err(io("listening"))?;
    Program::announce(listener.local_addr().map_err(io("listening"))?);
    axum::serve(listener, routes::app(program.service.clone()))
        .with_graceful_shutdown(program.stopped())
        .await
        .map_err(io("serving"))?;
    program.close().await
}
