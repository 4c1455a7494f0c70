//! A small notes service on Rocket, one tenant at a time: `cargo run -p example-rocket`.
//!
//! Read `routes.rs` first: it is what an application writes. What is not Rocket's is in
//! `examples/notes`.

mod auth;
mod faults;
mod problem;
mod routes;

use example_notes::{Problem, Program};
use rocket::Config;
use rocket::config::{LogLevel, Shutdown};
use rocket::fairing::AdHoc;

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let address = program.address();
    let config = Config {
        address: address.ip(),
        port: address.port(),
        log_level: LogLevel::Critical,
        shutdown: Shutdown {
            ctrlc: false,
            ..Shutdown::default()
        },
        ..Config::release_default()
    };
    let stopped = program.stopped();
    let started = AdHoc::on_liftoff("started", |rocket| {
        Box::pin(async move {
            let Config { address, port, .. } = *rocket.config();
            Program::announce((address, port).into());
            let shutdown = rocket.shutdown();
            tokio::spawn(async move {
                stopped.await;
                shutdown.notify();
            });
        })
    });
    rocket::custom(config)
        .manage(program.service.clone())
        .attach(auth::authentication(program.service.callers.clone()))
        .attach(routes::routes(&program.service))
        .attach(started)
        .launch()
        .await
        .map_err(|error| Problem::Io {
            doing: "serving",
            source: std::io::Error::other(error),
        })?;
    program.close().await
}
