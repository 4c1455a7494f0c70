//! Replacing the sealing key while scopes are opened.
//!
//! Two keys may live at a time: add the new one, move every application process to it, retire
//! the old one. `enter` reads the key table each time, so a change holds from the next scope on;
//! a scope that is open stays open, and a pool keeps one open for its tenant for
//! its shelf's time (30 s). `pg_dump` carries the table: leave its rows out with
//! `--exclude-table-data=tenancy.seal_key`, and rotate after a restore elsewhere.

use crate::catalog::KEY_TABLE;
use crate::ident::bytes_literal;
use crate::install::steps::{AS_OWNER, LOCK};
use crate::key::{KeyId, SealingKey};
use crate::plan::{Needs, Plan, Step};

/// Adds a key beside the one that is there. Adding the same one again changes nothing; a third
/// is refused (23502, no slot is free), and so is another key under an id that is taken.
pub fn add_key(key: &SealingKey) -> Plan {
    Plan {
        steps: vec![key_step(key)],
    }
}

/// Takes a key away. Proofs made with it do not hold any more (`TN002`).
pub fn retire_key(id: KeyId) -> Plan {
    let step = Step::new(
        "retire key",
        Needs::TenancyOwner,
        format!("{LOCK} {AS_OWNER} DELETE FROM tenancy.{KEY_TABLE} WHERE key_id = {id};"),
    );
    Plan { steps: vec![step] }
}

pub(crate) fn key_step(key: &SealingKey) -> Step {
    let id = key.id();
    let inner = bytes_literal(&*key.padded(0x36));
    let outer = bytes_literal(&*key.padded(0x5c));
    Step::new(
        "key",
        Needs::TenancyOwner,
        format!(
            "{LOCK} {AS_OWNER} \
             INSERT INTO tenancy.{KEY_TABLE} (key_id, slot, inner_block, outer_block) \
             SELECT {id}, (SELECT min(s) FROM unnest(ARRAY[1, 2]) AS s \
             WHERE s NOT IN (SELECT slot FROM tenancy.{KEY_TABLE})), {inner}, {outer} \
             WHERE NOT EXISTS (SELECT FROM tenancy.{KEY_TABLE} WHERE key_id = {id} \
             AND inner_block = {inner} AND outer_block = {outer});"
        ),
    )
    .secret()
}
