//! The HTTP suite, against this example's own program.

tenancy_http_suite::suite!(env!("CARGO_BIN_EXE_example-rocket"), Finished);
