//! Which column of a relation its wall compares with the current tenant.

use std::collections::BTreeSet;

use super::seal::function_oid;
use super::snapshot::{Column, Policy, Relation};
use super::{Expectations, Snapshot};
use crate::ident::quoted;
use crate::seal::TenantKind;
use crate::wall::WALL_POLICY;
use crate::wall::reads::{Reads, collapsed};

/// The tenant column of a relation, which its wall names.
pub(super) fn tenant_column<'a>(
    snapshot: &Snapshot,
    expectations: &Expectations,
    relation: &'a Relation,
) -> Option<&'a Column> {
    relation
        .policies
        .iter()
        .filter(|policy| policy.name == WALL_POLICY)
        .find_map(|wall| column_of_wall(snapshot, expectations.reads(), relation, wall))
}

/// The column that a wall compares: its expression must be, word for word as the server writes
/// it, the comparison of one column with the current tenant in that column's type, and must
/// depend on what reads the tenant and on nothing else.
pub(super) fn column_of_wall<'a>(
    snapshot: &Snapshot,
    reads: Reads,
    relation: &'a Relation,
    wall: &Policy,
) -> Option<&'a Column> {
    let (using, check) = (
        collapsed(wall.using.as_deref()?),
        collapsed(wall.check.as_deref()?),
    );
    relation.columns.iter().find(|column| {
        kind_of(column).is_some_and(|kind| {
            // The server writes a name bare where it can: not when it is a keyword.
            let expected = [column.name.clone(), quoted(&column.name)]
                .map(|name| reads.written_wall(&name, kind));
            let functions: Option<BTreeSet<i64>> = reads
                .functions(kind)
                .into_iter()
                .map(|name| function_oid(snapshot, name))
                .collect();
            using == check
                && expected.contains(&using)
                && wall.others == 0
                && functions == Some(wall.functions.iter().copied().collect())
        })
    })
}

pub(super) fn kind_of(column: &Column) -> Option<TenantKind> {
    // By number: another schema may hold a type of the same name.
    match (column.type_oid, column.type_name.as_str()) {
        (25, "text") => Some(TenantKind::Text),
        (2950, "uuid") => Some(TenantKind::Uuid),
        (20, "bigint") => Some(TenantKind::Bigint),
        _ => None,
    }
}
