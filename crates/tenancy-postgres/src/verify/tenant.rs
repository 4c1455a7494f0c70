//! Which column of a relation its wall compares with the current tenant.

use super::Snapshot;
use super::seal::reader_oid;
use super::snapshot::{Column, Policy, Relation};
use crate::ident::quoted;
use crate::seal::TenantKind;
use crate::wall::WALL_POLICY;

/// The tenant column of a relation, which its wall names.
pub(super) fn tenant_column<'a>(snapshot: &Snapshot, relation: &'a Relation) -> Option<&'a Column> {
    relation
        .policies
        .iter()
        .filter(|policy| policy.name == WALL_POLICY)
        .find_map(|wall| column_of_wall(snapshot, relation, wall))
}

/// The column that a wall compares: its expression must be, word for word as the server writes
/// it, the comparison of one column with the current tenant in that column's type, and must
/// depend on that function and on nothing else.
pub(super) fn column_of_wall<'a>(
    snapshot: &Snapshot,
    relation: &'a Relation,
    wall: &Policy,
) -> Option<&'a Column> {
    let (using, check) = (wall.using.as_deref()?, wall.check.as_deref()?);
    relation.columns.iter().find(|column| {
        kind_of(column).is_some_and(|kind| {
            let reader = kind.reader();
            let alias = reader.trim_start_matches("tenancy.");
            // The server writes a name bare where it can: not when it is a keyword.
            let expected = [column.name.clone(), quoted(&column.name)]
                .map(|name| format!("({name} = ( SELECT {reader}() AS {alias}))"));
            using == check
                && expected.iter().any(|expected| using == expected)
                && wall.others == 0
                && reader_oid(snapshot, reader).is_some_and(|oid| wall.functions == [oid])
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
