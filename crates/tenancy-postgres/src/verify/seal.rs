//! The schema `tenancy` itself: every object as this version installs it, and no other.

use super::finding::{Code, Finding};
use super::snapshot::{SealFunction, SealRelation};
use super::{Expectations, Snapshot};
use crate::catalog::{
    FUNCTIONS, Function, FunctionKind, KEY_TABLE, OWNER, PUBLIC_TABLES, SEQUENCES,
};
use crate::ident::quoted;

const REINSTALL: &str = "drop what stands in its place, and run the installation's plan again";

pub(super) fn objects(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    if snapshot.schema_owner.as_deref() != Some(OWNER) {
        findings.push(Finding::hole(
            Code::SealOwner,
            "schema tenancy",
            "it does not belong to tenancy_owner, so its owner can put other functions into it",
            format!("ALTER SCHEMA tenancy OWNER TO {OWNER};"),
        ));
    }
    for sequence in SEQUENCES {
        object(snapshot, sequence, "S", &[], findings);
    }
    object(snapshot, KEY_TABLE, "r", &[], findings);
    for table in PUBLIC_TABLES {
        object(snapshot, table, "r", &["PUBLIC SELECT"], findings);
    }
    for relation in &snapshot.seal_relations {
        let name = relation.name.as_str();
        if !SEQUENCES.contains(&name) && !PUBLIC_TABLES.contains(&name) && name != KEY_TABLE {
            findings.push(Finding::hole(
                Code::SealObject,
                format!("tenancy.{name}"),
                "this version installs no such object",
                "drop it, or move it to a schema of your own",
            ));
        }
    }
}

fn object(
    snapshot: &Snapshot,
    name: &str,
    kind: &str,
    grants: &[&str],
    findings: &mut Vec<Finding>,
) {
    let object = format!("tenancy.{name}");
    let Some(relation) = snapshot
        .seal_relations
        .iter()
        .find(|relation| relation.name == name)
    else {
        findings.push(Finding::hole(
            Code::SealObject,
            object,
            "it is missing, so no scope can be opened or read",
            "run the installation's plan again",
        ));
        return;
    };
    if relation.owner != OWNER {
        findings.push(Finding::hole(
            Code::SealOwner,
            object.as_str(),
            format!(
                "it belongs to {}, who can read and write the scope by it",
                relation.owner
            ),
            format!("ALTER TABLE {object} OWNER TO {OWNER};"),
        ));
    }
    if !is_as_installed(relation, kind) {
        findings.push(Finding::hole(
            Code::SealObject,
            object.as_str(),
            "it is not as this version installs it",
            REINSTALL,
        ));
    }
    for grant in relation
        .grants
        .iter()
        .filter(|grant| !grants.contains(&grant.as_str()))
    {
        let (whom, right) = grant.rsplit_once(' ').unwrap_or((grant, "ALL"));
        let meaning = if name == KEY_TABLE {
            "whoever reads a key enters every tenant"
        } else {
            "the scope may be read or written by SQL"
        };
        let whom = if whom == "PUBLIC" {
            whom.to_owned()
        } else {
            quoted(whom)
        };
        findings.push(Finding::hole(
            Code::SealGrant,
            object.as_str(),
            format!("somebody but its owner has {right} on it: {meaning}"),
            format!("REVOKE ALL ON {object} FROM {whom};"),
        ));
    }
}

fn is_as_installed(relation: &SealRelation, kind: &str) -> bool {
    let whole = format!("{} {} 1", i64::MIN, i64::MAX);
    relation.kind == kind
        && !relation.meddled
        && relation.unlogged == (kind == "S")
        && (kind != "S" || relation.bounds.as_deref() == Some(&whole))
}

pub(super) fn functions(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    for expected in FUNCTIONS {
        let object = format!("function tenancy.{}({})", expected.name, expected.arguments);
        let Some(function) = find(snapshot, expected) else {
            findings.push(Finding::hole(
                Code::SealFunction,
                object,
                "it is missing",
                "run the installation's plan again",
            ));
            continue;
        };
        if !matches(function, expected) {
            findings.push(Finding::hole(
                Code::SealFunction,
                object.as_str(),
                "its source, owner or one of its properties is not what this version installs",
                REINSTALL,
            ));
        }
        grants(function, expected, &object, expectations, findings);
    }
    for function in &snapshot.seal_functions {
        if !FUNCTIONS
            .iter()
            .any(|expected| is_named(function, expected))
        {
            findings.push(Finding::hole(
                Code::SealFunction,
                format!("function tenancy.{}({})", function.name, function.arguments),
                "this version installs no such function, and it may stand before one that it does",
                "drop it, or move it to a schema of your own",
            ));
        }
    }
}

fn grants(
    function: &SealFunction,
    expected: &Function,
    object: &str,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let roles = &expectations.roles;
    if expected.kind != FunctionKind::Writer {
        if !function.grants.iter().any(|grantee| grantee == "PUBLIC") {
            findings.push(Finding::warning(
                Code::SealGrant,
                object,
                "not everybody may call it, so some roles are refused (42501) where they should be told that no scope is open",
                format!("GRANT EXECUTE ON {object} TO PUBLIC;"),
            ));
        }
        return;
    }
    let stranger = |grantee: &&String| {
        *grantee == "PUBLIC"
            || *grantee == roles.central().as_str()
            || *grantee == roles.table_owner().as_str()
    };
    for grantee in function.grants.iter().filter(stranger) {
        findings.push(Finding::warning(
            Code::SealGrant,
            object,
            format!("{grantee} may call it, which only the runtime role needs"),
            format!("REVOKE EXECUTE ON {object} FROM {grantee};"),
        ));
    }
    if !function
        .grants
        .iter()
        .any(|grantee| grantee == roles.runtime().as_str())
    {
        findings.push(Finding::warning(
            Code::SealGrant,
            object,
            "the runtime role may not call it, so no scope can be opened",
            "run the installation's plan with these roles",
        ));
    }
}

fn find<'a>(snapshot: &'a Snapshot, expected: &Function) -> Option<&'a SealFunction> {
    snapshot
        .seal_functions
        .iter()
        .find(|function| is_named(function, expected))
}

fn is_named(function: &SealFunction, expected: &Function) -> bool {
    function.name == expected.name && function.arguments == expected.arguments
}

fn matches(function: &SealFunction, expected: &Function) -> bool {
    let (volatility, parallel, definer) = match expected.kind {
        FunctionKind::Reader => ("s", "r", true),
        FunctionKind::Writer => ("v", "u", true),
        FunctionKind::Trigger => ("v", "u", false),
    };
    function.source == expected.body
        && function.returns == expected.returns
        && function.language == "plpgsql"
        && function.owner == OWNER
        && function.volatility == volatility
        && function.parallel == parallel
        && function.definer == definer
        && !function.odd
}

/// The oid of the function that reads the scope as `reader` (`tenancy.current_tenant`), if it is
/// there.
pub(super) fn reader_oid(snapshot: &Snapshot, reader: &str) -> Option<i64> {
    FUNCTIONS
        .iter()
        .find(|expected| reader.strip_prefix("tenancy.") == Some(expected.name))
        .and_then(|expected| find(snapshot, expected))
        .map(|function| function.oid)
}
