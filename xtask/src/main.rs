//! `cargo xtask test` brings the servers that the tests need, runs everything, and stops them again;
//! `cargo xtask bench` measures.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program, not a library

mod bench;
mod cargo;
mod matrix;
mod servers;
mod summary;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every test on real servers, brought and stopped here
    #[command(after_help = test::AFTER_HELP)]
    Test(test::Options),
    /// Measure what a scope costs, on a real server
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
