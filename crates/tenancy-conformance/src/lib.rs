//! The adversarial suite that every adapter must pass, and that applications run on their own
//! tables.
//!
//! Two tenants whose primary keys collide, one attacks the other, then they change sides. Every
//! answer and every error that comes back is looked through for the victim's rows; before and after
//! each case an independent superuser's connection, the judge, compares everything that the victim
//! has. Nothing is taken on the adapter's word.
//!
//! | theme | what is attacked |
//! |---|---|
//! | `reads`, `writes`, `copy`, `tables` | what a statement can be |
//! | `transactions`, `concurrency`, `scopes` | how long a scope lasts, and whose it is |
//! | `forging`, `seal`, `carrier`, `hostile_names`, `logins` | opening another's scope |
//! | `routing`, `shadow`, `routed` | leading a scope to its own place, past tables that would like to be taken for it |
//! | `reach` | reaching for the other's place or login |
//! | `takedown` | taking the wall down |
//! | `streams`, `bulk`, `central` | what an adapter offers beside its three verbs |
//! | `leftovers` | what one scope leaves on a connection for the next |
//! | `cancellation` | dropped futures, dropped queries, killed connections |
//!
//! [`Suite::cases`] lists each with what it proves. The cases are written once; a [`Tier`] says how
//! the tenants are kept apart, and so which cases have a meaning:
//!
//! | tier | stage | who enforces |
//! |---|---|---|
//! | [`Tier::RowLevelSealed`] | [`Stage::install`] | the database |
//! | [`Tier::RowLevelPooled`] | [`Stage::install_pooled`] | the database, through a transaction pooler |
//! | [`Tier::RowLevelLogins`] | [`Stage::install_logins`] | the database |
//! | [`Tier::SchemaRouted`] | [`Stage::install_schemas`] | the facade **alone**: `routed.names_are_not_enforced` shows it |
//! | [`Tier::SchemaLogins`] | [`Stage::install_schemas`] | the database |
//! | [`Tier::Databases`] | [`Stage::install_databases`] | the database |
//!
//! An application writes `conformance.notes` on shared tables, and `notes` where each tenant has a
//! place of its own; there the tables still have a tenant column, which nothing filters by.
//!
//! # For a new adapter
//! Implement [`Harness`]: the adapter's three verbs, through its public API, on **one** connection.
//! The sessions that it hands out implement [`Session`], and those of transactions
//! [`TransactionSession`]. For a driver such as tokio-postgres a session is this much:
//!
//! ```
//! use futures_util::future::BoxFuture;
//! use tenancy_conformance::{Row, Session, SqlError};
//! use tokio_postgres::SimpleQueryMessage;
//! use tokio_postgres::types::ToSql;
//!
//! /// A checkout of the adapter's. Dropping it gives the connection back.
//! struct Checkout {
//!     client: tokio_postgres::Client,
//! }
//!
//! impl Session for Checkout {
//!     fn simple<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
//!         Box::pin(async move {
//!             let messages = self.client.simple_query(sql).await.map_err(|error| told(&error))?;
//!             let rows = messages.iter().filter_map(|message| match message {
//!                 SimpleQueryMessage::Row(row) => {
//!                     Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
//!                 }
//!                 _ => None,
//!             });
//!             Ok(rows.collect())
//!         })
//!     }
//!
//!     fn prepared<'a>(
//!         &'a mut self,
//!         sql: &'a str,
//!         params: &'a [&'a str],
//!     ) -> BoxFuture<'a, Result<Vec<Row>, SqlError>> {
//!         Box::pin(async move {
//!             let params: Vec<_> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
//!             let rows = self.client.query(sql, &params).await.map_err(|error| told(&error))?;
//!             Ok(rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect())
//!         })
//!     }
//! }
//!
//! fn told(error: &tokio_postgres::Error) -> SqlError {
//!     SqlError {
//!         code: error.code().map(|code| code.code().to_owned()),
//!         message: format!("{error:?}"), // in full: the suite looks for foreign rows in it
//!     }
//! }
//! ```
//!
//! Then play, on every server version that the adapter claims. [`Trial`] does that in a few lines for
//! an adapter's own tests; step by step it is
//!
//! ```no_run
//! use tenancy_conformance::{Harness, Stage, Suite};
//! use tenancy_postgres::install::Roles;
//! use tenancy_postgres::key::SealingKey;
//! use tenancy_postgres::seal::TenantKind;
//! # fn adapter(url: &str, key: &SealingKey, connections: u32) -> Box<dyn Harness> { unimplemented!() }
//!
//! # async fn run(admin_url: &str, runtime_url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let roles = Roles::new("app".parse()?, "app_central".parse()?, "app_owner".parse()?)?;
//! // A throw-away database: the suite installs everything, and plays with the runtime role.
//! let stage = Stage::install(admin_url, runtime_url, &roles, TenantKind::Text).await?;
//! let Some(key) = stage.sealing_key() else { return Ok(()) };
//! let adapter = adapter(runtime_url, key, 1);
//! let report = Suite::row_level_postgres().run(&*adapter, &stage).await;
//! assert!(report.is_clean(), "{report}");
//! let evidence = report.evidence()?; // what a `Capability` needs to be called supported
//! # Ok(())
//! # }
//! ```
//!
//! # Everything at once, at random
//! [`FaultRun`] lets two tenants use an adapter of several connections while futures are dropped,
//! closures panic, connections are killed, tenants are evicted, passwords are rotated and servers are
//! restarted. An oracle knows of every row whose it is and what became of it; the seed in the report
//! brings the steps back.
//!
//! # For an application's own tables
//! On a copy of the application's database, with two tenants that both have rows in every table
//! that is named, [`Stage::attach`] and [`Suite::own_tables`] read, count and attack those tables.
//! Nothing in them is changed: each attack runs in a transaction that is rolled back.
//!
//! ```no_run
//! # use tenancy_conformance::{Harness, OwnTable, Stage, Suite};
//! # use tenancy_core::TenantId;
//! # use tenancy_postgres::seal::TenantKind;
//! # async fn run(adapter: &dyn Harness, admin_url: &str, runtime_url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let tables = vec![OwnTable::new("shop.orders", "customer")?, OwnTable::new("shop.lines", "customer")?];
//! let tenants = [TenantId::new("acme")?, TenantId::new("globex")?];
//! let stage = Stage::attach(admin_url, runtime_url, TenantKind::Text, tables, tenants).await?;
//! let report = Suite::own_tables().run(adapter, &stage).await;
//! assert!(report.is_clean(), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! # Breaking guards on purpose
//! A suite that is always green proves nothing. This crate's own tests (`tests/it/broken`) hold a
//! small adapter for every tier and some ninety builds of it, and of the database, with one guard
//! missing in each;
//! a table says which cases must go red. Whoever adds a guard adds the build without it, and the
//! case that catches it: `Suite::only` plays one case alone.
//!
//! # What it does not show
//! What shared tables tell whoever may run SQL on them: planner estimates, block counts, `LOCK
//! TABLE`, payloads of channels. See the threat model.

mod cases;
mod direct;
mod faults;
mod fixture;
mod harness;
mod hex;
mod place;
mod polled;
mod report;
mod scene;
mod session;
mod side;
mod stage;
mod suite;
mod tier;
mod trial;
mod verdict;
mod watched;

pub use faults::{FaultReport, FaultRun, FaultTally};
pub use harness::{Connections, Harness};
pub use report::{CaseReport, Outcome, Report};
pub use session::{Body, BodyFailed, Row, RowStream, Session, SqlError, TransactionSession};
pub use stage::{OwnTable, Stage, StageError, StageTenant};
pub use suite::Suite;
pub use tier::Tier;
pub use trial::{Ground, Trial, TrialError};
