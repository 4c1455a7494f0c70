//! What a scope costs, on a real server: `cargo xtask bench`.
//!
//! Client, server and proxy are pinned to cores. Ways to do the same thing are run in turn, in blocks,
//! in one process, and compared with each other in the same round: absolute figures move with the
//! machine's load, ratios hardly.
//!
//! Every [tier](tier::Tier) is measured by the same cases: row-level for each type of tenant column,
//! a schema and a database of the tenant's [own] once. What a scope waits for is timed. What its
//! connection costs afterwards, in the background, is not: the next scope begins when that is done.

pub mod adapters;
pub mod case;
pub mod cores;
pub mod costs;
pub mod crowd;
pub mod fleet;
pub mod grid;
pub mod key;
pub mod layers;
pub mod login;
pub mod measure;
pub mod own;
pub mod place;
pub mod refusals;
pub mod row;
pub mod session;
pub mod stage;
pub mod targets;
pub mod tier;

/// Why a run failed. A benchmark has nothing to handle.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
