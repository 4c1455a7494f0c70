//! A small notes service on Loco, one tenant at a time: `cargo run -p example-loco`.
//!
//! Read `app.rs` first: it is what an application writes. What is not Loco's is in
//! `examples/notes`.

mod app;
mod auth;
mod controllers;
mod problem;

use std::path::Path;

use example_notes::{Problem, Program};
use loco_rs::app::Hooks;
use loco_rs::boot::{StartMode, create_context, run_app};
use loco_rs::config::Config;
use loco_rs::environment::Environment;
use tokio::net::TcpListener;

use crate::app::App;

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let program = Program::start().await?;
    let router = router(&program).await.map_err(|error| Problem::Io {
        doing: "starting the application",
        source: std::io::Error::other(error),
    })?;
    let io = |doing| move |source| Problem::Io { doing, source };
    let listener = TcpListener::bind(program.address())
        .await
        .map_err(io("listening"))?;
    Program::announce(listener.local_addr().map_err(io("listening"))?);
    axum::serve(listener, router)
        .with_graceful_shutdown(program.stopped())
        .await
        .map_err(io("serving"))?;
    program.close().await
}

/// What `cargo loco start` does, but for the listening. The service itself was put together with the
/// command line; an application would do so in `Hooks::after_context`.
async fn router(program: &Program) -> loco_rs::Result<axum::Router> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let environment = Environment::Development;
    let config = Config::from_folder(&environment, &folder)?;
    let context = create_context::<App>(&environment, config).await?;
    context.shared_store.insert(program.service.clone());
    context.shared_store.insert(program.service.tenancy.clone());
    let booted = run_app::<App>(&StartMode::ServerOnly, context).await?;
    booted
        .router
        .ok_or_else(|| loco_rs::Error::string(App::app_name()))
}
