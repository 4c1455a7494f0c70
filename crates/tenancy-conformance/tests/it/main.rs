//! The suite tests itself: a healthy adapter passes, and every broken one is caught.

// What fails here is the test; what is printed says what the suite found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod broken;
mod faults;
mod healthy;
mod odd;
mod own_tables;
mod reference;
mod world;
