//! `cargo xtask bench`: builds the benchmark, and runs it.

use std::error::Error;
use std::process::{Command, ExitCode};

use clap::Args;

/// Everything behind `bench` is the benchmark's own: it knows its adapters and cases.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Options of the benchmark; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

/// Optimized as a release is, but for what takes minutes to build and buys a few percent.
const PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

pub(crate) fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // `run` hands our terminal over: Ctrl-C ends it, and its servers with it.
    let status = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "tenancy-bench",
            "--",
        ])
        .args(&options.options)
        .envs(PROFILE)
        .status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
