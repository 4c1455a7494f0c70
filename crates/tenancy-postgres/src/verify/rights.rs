//! What the runtime role may do beside reading and writing tables.

use super::finding::{Code, Finding};
use super::snapshot::Function;
use super::{Expectations, Snapshot};
use crate::catalog::NEIGHBOUR_FUNCTIONS;
use crate::ident::quoted;

pub(super) fn privileges(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let runtime = expectations.roles.runtime().quoted();
    let database = quoted(&snapshot.database);
    for (has, right, meaning) in [
        (
            snapshot.creates,
            "CREATE",
            "create schemas, and functions in them",
        ),
        (
            snapshot.temporary,
            "TEMPORARY",
            "shadow a table and read what the next tenant writes",
        ),
    ] {
        if has == Some(true) {
            findings.push(Finding::hole(
                Code::DatabasePrivilege,
                format!("database {}", snapshot.database),
                format!("the runtime role has {right} on it, so it can {meaning}"),
                format!("REVOKE {right} ON DATABASE {database} FROM PUBLIC, {runtime};"),
            ));
        }
    }
    for schema in &snapshot.schemas {
        findings.push(Finding::hole(
            Code::SchemaPrivilege,
            format!("schema {schema}"),
            "the runtime role can create objects in it, which stand in the place of others",
            format!(
                "REVOKE CREATE ON SCHEMA {} FROM PUBLIC, {runtime};",
                quoted(schema)
            ),
        ));
    }
    for language in &snapshot.languages {
        findings.push(Finding::warning(
            Code::LanguagePrivilege,
            format!("language {language}"),
            "the runtime role can run DO blocks in it: whole programs in one injected statement",
            format!(
                "REVOKE USAGE ON LANGUAGE {} FROM PUBLIC, {runtime}; as a superuser",
                quoted(language)
            ),
        ));
    }
    system(snapshot, expectations, findings);
}

/// Rights on what belongs to the server.
fn system(snapshot: &Snapshot, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let runtime = expectations.roles.runtime().quoted();
    for parameter in &snapshot.parameters {
        findings.push(Finding::hole(
            Code::ParameterPrivilege,
            format!("parameter {parameter}"),
            "the runtime role may set a parameter that only a superuser should",
            format!("REVOKE SET, ALTER SYSTEM ON PARAMETER {parameter} FROM PUBLIC, {runtime};"),
        ));
    }
    for grant in &snapshot.system_grants {
        findings.push(Finding::hole(
            Code::SystemGrant,
            grant.as_str(),
            "the runtime role has a right on the system's own tables that nobody has by default",
            format!("REVOKE {grant} FROM PUBLIC, {runtime};"),
        ));
    }
    if snapshot.large_objects > 0 {
        findings.push(Finding::hole(
            Code::LargeObject,
            "large objects",
            format!("the runtime role reaches {} of them, and they have no tenant", snapshot.large_objects),
            format!("REVOKE ALL ON LARGE OBJECT .. FROM PUBLIC, {runtime}; and keep files in a walled table"),
        ));
    }
    for grant in &snapshot.default_grants {
        let whom = if grant.public { "PUBLIC" } else { &runtime };
        let within = grant.schema.as_deref().map_or(String::new(), |schema| {
            format!(" IN SCHEMA {}", quoted(schema))
        });
        findings.push(Finding::warning(
            Code::DefaultPrivilege,
            format!(
                "default privileges of {}",
                expectations.shown(&grant.owner).trim_start_matches("role ")
            ),
            "new tables reach the runtime role before anyone has walled them",
            format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {}{within} REVOKE ALL ON TABLES FROM {whom};",
                expectations.named(&grant.owner)
            ),
        ));
    }
    for function in &snapshot.server_functions {
        let mend = format!(
            "REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC, {runtime}; as a superuser"
        );
        findings.push(if NEIGHBOUR_FUNCTIONS.contains(&function.as_str()) {
            Finding::warning(
                Code::NeighbourFunction,
                format!("function pg_catalog.{function}"),
                "the runtime role can read, end or leave things to other sessions of its own",
                mend,
            )
        } else {
            Finding::hole(
                Code::ServerFunction,
                format!("function pg_catalog.{function}"),
                "the runtime role can reach the server's files or configuration",
                mend,
            )
        });
    }
}

pub(super) fn functions(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let runtime = expectations.roles.runtime().quoted();
    for function in &snapshot.functions {
        let name = format!(
            "{}.{}({})",
            function.schema, function.name, function.arguments
        );
        let object = format!("function {name}");
        let full = format!(
            "{}.{}({})",
            quoted(&function.schema),
            quoted(&function.name),
            function.arguments
        );
        let revoke = format!("REVOKE EXECUTE ON FUNCTION {full} FROM PUBLIC, {runtime};");
        if function.definer && function.owner_above {
            let how = if function.trigger {
                "a trigger runs it"
            } else {
                "the runtime role may call it"
            };
            findings.push(Finding::hole(
                Code::DefinerFunction,
                object.as_str(),
                format!(
                    "{how}, and it runs as {}, whom no wall binds",
                    function.owner
                ),
                if function.trigger {
                    format!(
                        "ALTER FUNCTION {full} OWNER TO {};",
                        expectations.roles.table_owner().quoted()
                    )
                } else {
                    revoke.clone()
                },
            ));
        }
        if function.definer && !function.owner_above {
            lent_rights(function, object.as_str(), &revoke, findings);
        }
        if function.leakproof {
            findings.push(Finding::hole(
                Code::Leakproof,
                object.as_str(),
                "it claims to be LEAKPROOF, so the planner may show it rows from behind the wall",
                format!("ALTER FUNCTION {full} NOT LEAKPROOF;"),
            ));
        }
        if !function.trusted {
            findings.push(Finding::hole(
                Code::Untrusted,
                object.as_str(),
                format!(
                    "it is written in {}, which reaches the server's files and functions",
                    function.language
                ),
                revoke.clone(),
            ));
        }
        if let Some(extension @ ("dblink" | "pgrowlocks" | "pg_stat_statements")) =
            function.extension.as_deref()
        {
            findings.push(Finding::hole(
                Code::Untrusted,
                object.as_str(),
                format!(
                    "the extension {extension} reaches rows by a way that row security doesn't see"
                ),
                revoke,
            ));
        }
    }
}

/// What a definer function lends, whose owner the walls bind.
fn lent_rights(function: &Function, object: &str, revoke: &str, findings: &mut Vec<Finding>) {
    let owner = &function.owner;
    if function.owner_unwalled {
        findings.push(Finding::hole(
            Code::DefinerFunction,
            object,
            format!(
                "it runs as {owner}, who reaches tables that are neither walled nor declared shared"
            ),
            format!("{revoke} Or read it, and accept this finding by its name."),
        ));
    } else if function.owner_owns_walls {
        findings.push(Finding::warning(
            Code::DefinerFunction,
            object,
            format!(
                "it runs as {owner}, who can take walls down: it must run no SQL that it is given"
            ),
            format!("{revoke} Or read it, and accept this finding by its name."),
        ));
    }
}
