//! The built program, from outside: what it prints, what it leaves behind, and how it exits.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so")]

mod data;
mod postgres;
mod program;
mod serve;
mod tour;
