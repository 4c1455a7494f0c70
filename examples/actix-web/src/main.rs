//! A small notes service on Actix Web, one tenant at a time: `cargo run -p example-actix-web`.
//!
//! Read `routes.rs` first: it is what an application writes. What is not Actix Web's is in
//! `examples/notes`.

mod auth;
mod faults;
mod problem;
mod routes;

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use example_notes::{Problem, Program};

#[actix_web::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let io = |doing| move |source| Problem::Io { doing, source };
    let service = program.service.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(service.clone()))
            .configure(|config| routes::configure(config, &service))
            // Around the tenancy layers, whose membership check needs to know who asks.
            .wrap(from_fn(auth::authenticate))
    })
    .workers(2)
    .disable_signals()
    .bind(program.address())
    .map_err(io("listening"))?;
    for address in server.addrs() {
        Program::announce(address);
    }
    let server = server.run();
    let (handle, stopped) = (server.handle(), program.stopped());
    actix_web::rt::spawn(async move {
        stopped.await;
        handle.stop(true).await;
    });
    server.await.map_err(io("serving"))?;
    program.close().await
}
