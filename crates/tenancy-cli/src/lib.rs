//! The command `tenancy`, and the same to be mounted in an application's own binary.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     tenancy_cli::App::new().name("acme-admin").main()
//! }
//! ```
//!
//! # Configuration
//! `tenancy.toml` is found from the current folder upward, or named with `--config FILE` or
//! `TENANCY_CONFIG`. What stands there gives way to the environment (`TENANCY_BASE_URL`, and so on
//! for every setting), and both to flags (`--base-url URL`, `--set tenants.pending=3`).
//!
//! ```toml
//! [base]
//! url = "${DATABASE_URL}"             # postgres://, mysql://, mariadb:// or sqlite://
//! migrations = "migrations/base"
//! seeds = "seeds/base"
//! [tenants]
//! strategy = "database"               # database | schema | row
//! directory = "tenants"               # SQLite: one file for each tenant
//! migrations = "migrations/tenants"
//! seeds = "seeds/tenants"
//! [secrets]
//! key_env = "TENANCY_KEY"             # or key_file = "tenancy.key"
//! ```
//!
//! - `${NAME}` is put in from the environment, and `$$` is a dollar. A relative path, also that of
//!   a `SQLite` file, starts from where `tenancy.toml` lies; in a flag or variable, from the current
//!   folder.
//! - Further settings: `[tenants] url`, `owner`, `database_prefix`, `schema_prefix`, `login_prefix`,
//!   `template` and `pending`; `[registry] prefix` and `schema`; `[migrate] jobs`, `lock_timeout` and
//!   `statement_timeout`; `[run] key_env` and `expires`.
//! - A password or a key among the arguments is refused: every user of the machine can read a
//!   command line.
//!
//! # Results
//! Data goes to standard output and messages to standard error. With `--json` there is exactly one
//! JSON document on standard output; its fields are added to, and never changed. A failure is
//! `{"error": {"code": "tenant.unknown", "message": ".."}}`, and its code stays the same, while its
//! message may be worded better. What a command was to do for several tenants says for each of them
//! what became of it.
//!
//! The program exits with 0 when all was done, with 1 when some tenants failed, or the one that was
//! named, and with 2 for wrong usage or configuration, or a base database that can't be used.
//! `run` exits as its child does.
//!
//! | command | document |
//! |---|---|
//! | `check` | `{"ok", "checks": [{"name", "state": "ok" \| "warn" \| "fail", "message"}]}` |
//! | `tenant list` | `{"tenants": [TENANT]}`, without metadata |
//! | `tenant show`, `create`, `onboard` | `{"tenant": TENANT}` |
//! | `tenant suspend`, `activate` | `{"tenant": TENANT, "changed", "dry_run"}` |
//! | `tenant maintenance` | `{"tenant": TENANT, "changed"}` |
//! | `tenant provision`, `rotate-password` | `{"tenant": TENANT, "dry_run"}` |
//! | `tenant export` | `{"tenant": ID, "export": EXPORT}` |
//! | `tenant deprovision` | `{"tenant": TENANT, "dry_run", "export": null \| EXPORT}` |
//! | `tenant fill-pending` | `{"ready", "made", "dry_run"}` |
//! | `prepare` | `{"keep": [ROLE], "dry_run"}`, with `--template` also `"template": "made" \| "renewed" \| "current"` |
//! | `secrets generate-key` | `{"id", "key"}`, or `{"id", "file"}` |
//! | `secrets rotate-key` | `{"key", "dry_run", "resealed": [ID], "failed": [{"tenant", "code", "message"}], "stopped": null \| {"code", "message"}}` |
//! | `make` | `{"files": [PATH], "inferred"}` |
//! | `migrate`, `rollback`, `seed` with `base` | `{"base": OUTCOME, "dry_run"}` |
//! | the same with `tenants` | `{"tenants": [{"tenant", OUTCOME..}], "done", "current", "failed": [{"tenant", "reason", "code"}], "not_tried", "halted", "unrecorded", "seconds", "dry_run"}`; who had nothing to do, as the registry knew, is counted and not named |
//! | `status` | `{"latest", "base": OUTCOME, "counts": {STATE: N}, "versions": [{"version", "tenants"}], "tenants": [{"id", "version", "state", "outcome"}]}` |
//! | `resolve` | `{"version", "tenant", "applied"}` |
//! | `completions`, `man` | `{"text"}`, or `{"files": [PATH]}` |
//!
//! `OUTCOME` is `{"outcome": "moved" | "would", "from", "to", "versions"}`, `{"outcome": "seeded" |
//! "would-seed", "seeds"}`, `{"outcome": "current"}`, `{"outcome": "failed", "reason", "code"}` or `{"outcome":
//! "not-tried", "reason"}`. `status` exits with 1 where a tenant failed or drifted.
//!
//! `EXPORT` is `{"folder", "tables", "rows", "bytes", "applied_version"}`.
//!
//! `TENANT` is `{"id", "status", "availability", "available_at", "strategy", "provisioning", "placement", "domains",
//! "applied_version", "outcome", "sealed_with", "revision", "created_at", "updated_at",
//! "metadata"}`; a secret is in none of them.

mod app;
mod arguments;
mod base;
mod command;
mod config;
mod error;
mod interruptions;
mod output;
mod progress;
mod sets;
mod site;

pub use app::{App, run};
