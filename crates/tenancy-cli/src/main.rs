//! The command `tenancy`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenancy_cli::App::new().main()
}
