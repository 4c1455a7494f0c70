//! The schema `tenancy` itself: every object as this version installs it, and no other.

use super::finding::{Code, Finding};
use super::snapshot::{SealFunction, SealRelation};
use super::{Expectations, Snapshot};
use crate::catalog::{
    FUNCTIONS, Function, FunctionKind, KEY_TABLE, LOGIN_FUNCTIONS, OWNER, PLACEMENT_TABLE,
    PUBLIC_TABLES, SEQUENCES,
};

const REINSTALL: &str = "drop what stands in its place, and run the installation's plan again";

pub(super) fn objects(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    if snapshot.schema_owner.as_deref() != Some(OWNER) {
        findings.push(Finding::hole(
            Code::SealOwner,
            "schema tenancy",
            "it does not belong to tenancy_owner, so its owner can put other functions into it",
            format!("ALTER SCHEMA tenancy OWNER TO {OWNER};"),
        ));
    }
    for sequence in SEQUENCES {
        object(snapshot, expectations, sequence, &[], findings);
    }
    object(snapshot, expectations, KEY_TABLE, &[], findings);
    for table in PUBLIC_TABLES {
        object(snapshot, expectations, table, &["PUBLIC SELECT"], findings);
    }
    for relation in &snapshot.seal_relations {
        let name = relation.name.as_str();
        if name == PLACEMENT_TABLE {
            placement(relation, expectations, findings);
        } else if !SEQUENCES.contains(&name) && !PUBLIC_TABLES.contains(&name) && name != KEY_TABLE
        {
            findings.push(Finding::hole(
                Code::SealObject,
                format!("tenancy.{name}"),
                "this version installs no such object",
                "drop it, or move it to a schema of your own",
            ));
        }
    }
}

/// The registry of placements may be there, and is read and written by provisioning alone.
fn placement(relation: &SealRelation, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let object = format!("tenancy.{PLACEMENT_TABLE}");
    if relation.owner != OWNER || !is_as_installed(relation, "r") {
        findings.push(Finding::hole(
            Code::Placement,
            object.as_str(),
            "it is not as this version installs it, or belongs to another role",
            format!("ALTER TABLE {object} OWNER TO {OWNER}; and take its triggers, rules and row security away"),
        ));
    }
    for grant in &relation.grants {
        let (whom, right) = grant.rsplit_once(' ').unwrap_or((grant, "ALL"));
        if whom == "PUBLIC"
            || serves(expectations, whom)
            || !["SELECT", "INSERT", "UPDATE"].contains(&right)
        {
            let whom = expectations.grantee(whom);
            findings.push(Finding::hole(
                Code::Placement,
                object.as_str(),
                format!("somebody but provisioning has {right} on it: it says where every tenant lives, and one place must stay one tenant's"),
                format!("REVOKE ALL ON {object} FROM {whom};"),
            ));
        }
    }
}

fn object(
    snapshot: &Snapshot,
    expectations: &Expectations,
    name: &str,
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
                expectations.shown(&relation.owner)
            ),
            format!("ALTER TABLE {object} OWNER TO {OWNER};"),
        ));
    }
    let kind = if SEQUENCES.contains(&name) { "S" } else { "r" };
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
        let whom = expectations.grantee(whom);
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
        function(snapshot, expected, expected.body, expectations, findings);
    }
    if let Some(logins) = &expectations.logins {
        for expected in LOGIN_FUNCTIONS {
            let body = expected.body_for(logins.prefix());
            function(snapshot, expected, &body, expectations, findings);
        }
    }
    for function in &snapshot.seal_functions {
        // Those of logins change no wall that reads the sealed scope.
        let mut known = FUNCTIONS.iter().chain(LOGIN_FUNCTIONS);
        if !known.any(|expected| is_named(function, expected)) {
            findings.push(Finding::hole(
                Code::SealFunction,
                format!("function tenancy.{}({})", function.name, function.arguments),
                "this version installs no such function, and it may stand before one that it does",
                "drop it, or move it to a schema of your own",
            ));
        }
    }
}

fn function(
    snapshot: &Snapshot,
    expected: &Function,
    body: &str,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let object = format!("function tenancy.{}({})", expected.name, expected.arguments);
    let Some(function) = find(snapshot, expected) else {
        findings.push(Finding::hole(
            Code::SealFunction,
            object,
            "it is missing",
            "run the installation's plan again",
        ));
        return;
    };
    if !matches(function, expected, body) {
        findings.push(Finding::hole(
            Code::SealFunction,
            object.as_str(),
            "its source, owner or one of its properties is not what this version installs",
            REINSTALL,
        ));
    }
    grants(function, expected, &object, expectations, findings);
}

fn grants(
    function: &SealFunction,
    expected: &Function,
    object: &str,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let roles = &expectations.roles;
    if expected.kind == FunctionKind::SessionRight && expectations.transaction_only {
        let runtime = roles.runtime();
        if function
            .grants
            .iter()
            .any(|grantee| grantee == "PUBLIC" || grantee == runtime.as_str())
        {
            findings.push(Finding::hole(
                Code::SealGrant,
                object,
                "the pooled role may enter for a session: behind a transaction pooler that scope is there for the next client",
                format!("REVOKE EXECUTE ON {object} FROM PUBLIC, {};", runtime.quoted()),
            ));
        }
        return;
    }
    if expected.kind.is_public() {
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
            || expectations.logins.is_some() && serves(expectations, grantee)
    };
    for grantee in function.grants.iter().filter(stranger) {
        findings.push(Finding::warning(
            Code::SealGrant,
            object,
            format!(
                "{} may call it, which only the runtime role needs",
                expectations.shown(grantee)
            ),
            format!(
                "REVOKE EXECUTE ON {object} FROM {};",
                expectations.grantee(grantee)
            ),
        ));
    }
    let runtime = roles.runtime().as_str();
    if expectations.logins.is_none() && !function.grants.iter().any(|grantee| grantee == runtime) {
        findings.push(Finding::warning(
            Code::SealGrant,
            object,
            "the runtime role may not call it, so no scope can be opened",
            "run the installation's plan with these roles",
        ));
    }
}

/// Whether tenants' requests run as a role of this name.
fn serves(expectations: &Expectations, role: &str) -> bool {
    let logins = expectations.logins.as_ref();
    expectations.roles.serving().any(|one| one.as_str() == role)
        || logins.is_some_and(|logins| logins.covers(role))
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

fn matches(function: &SealFunction, expected: &Function, body: &str) -> bool {
    let (volatility, parallel, definer) = match expected.kind {
        FunctionKind::Reader => ("s", "r", true),
        FunctionKind::Writer => ("v", "u", true),
        FunctionKind::Login => ("i", "r", false),
        FunctionKind::Trigger | FunctionKind::SessionRight => ("v", "u", false),
    };
    function.source == body
        && function.returns == expected.returns
        && function.language == "plpgsql"
        && function.owner == OWNER
        && function.volatility == volatility
        && function.parallel == parallel
        && function.definer == definer
        && !function.odd
}

/// The oid of a function of the schema `tenancy` without arguments, if it is there.
pub(super) fn function_oid(snapshot: &Snapshot, name: &str) -> Option<i64> {
    snapshot
        .seal_functions
        .iter()
        .find(|function| function.name == name && function.arguments.is_empty())
        .map(|function| function.oid)
}
