//! The server, and the settings that new connections start with.

use super::finding::{Code, Finding};
use super::{Expectations, Snapshot};
use crate::catalog::EVENT_TRIGGER;
use crate::ident::quoted;
use crate::version::{self, Support};

pub(super) fn server(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    findings.extend(version(
        snapshot.server_version_num,
        expectations.below_floor,
    ));
    if snapshot.max_prepared_transactions > 0 {
        findings.push(Finding::hole(
            Code::PreparedTransactions,
            "max_prepared_transactions",
            "PREPARE TRANSACTION leaves locks behind that outlive the connection, and anyone of the role commits them without a scope",
            "ALTER SYSTEM SET max_prepared_transactions = 0; and restart the server",
        ));
    }
    if snapshot.lo_compat_privileges {
        findings.push(Finding::hole(
            Code::LargeObject,
            "lo_compat_privileges",
            "large objects have no access control, so every tenant reads and writes them all",
            "ALTER SYSTEM SET lo_compat_privileges = off; SELECT pg_reload_conf();",
        ));
    }
    if snapshot.event_trigger != Some(true) {
        findings.push(Finding::warning(
            Code::EventTrigger,
            EVENT_TRIGGER,
            "the event trigger that stops DROP OWNED and ALTER DEFAULT PRIVILEGES by the runtime role is missing, switched off or another one",
            "run the installation's plan as a superuser; a managed service may refuse it, and then injected SQL can take the runtime role's own grants away",
        ));
    }
}

/// What there is to say about a server of this version.
pub(crate) fn version(number: i64, below_floor: bool) -> Option<Finding> {
    let is = version::display(number);
    let mut finding = match version::support(number) {
        Support::Supported => return None,
        Support::TooOld => {
            return Some(Finding::hole(
                Code::ServerVersion,
                "server",
                format!("it is PostgreSQL {is}, and the wall needs 15 or later"),
                "upgrade the server",
            ));
        }
        Support::BelowFloor { floor } => Finding::hole(
            Code::ServerVersion,
            "server",
            format!(
                "it is PostgreSQL {is}: below {} a cached plan can keep another role's row security (CVE-2026-14666)",
                version::display(floor)
            ),
            "upgrade to the latest minor release, or allow_version_below_floor() by name",
        ),
        Support::TooNew => Finding::hole(
            Code::ServerVersion,
            "server",
            format!("it is PostgreSQL {is}, which this version of tenancy was never tested with"),
            "upgrade tenancy, or allow_version_below_floor() by name",
        ),
    };
    if below_floor {
        finding.severity = super::Severity::Warning;
    }
    Some(finding)
}

/// Settings that a database may not give to new connections without a word.
const DANGEROUS: &[&str] = &[
    "role",
    "row_security",
    "search_path",
    "session_preload_libraries",
    "local_preload_libraries",
    "default_transaction_read_only",
    "standard_conforming_strings",
    "backslash_quote",
    "transform_null_equals",
    "synchronous_commit",
    "session_replication_role",
    "debug_print_plan",
    "debug_print_parse",
    "debug_print_rewritten",
    "client_min_messages",
    "check_function_bodies",
    "lo_compat_privileges",
];

pub(super) fn settings(
    snapshot: &Snapshot,
    expectations: &Expectations,
    findings: &mut Vec<Finding>,
) {
    let runtime = expectations.roles.runtime();
    // Logins of their own are other roles to each other, whose queries nobody reads.
    let mut hides_activity = expectations.logins.is_some();
    for setting in &snapshot.settings {
        // A value may be private; its name is enough to find it.
        let name = setting.assignment.split('=').next().unwrap_or_default();
        if let Some(role) = &setting.role {
            if setting.assignment == "track_activities=off" {
                hides_activity = true;
            } else if !expectations.role_settings.contains(&setting.assignment) {
                let scope = if setting.of_database {
                    format!(" IN DATABASE {}", quoted(&snapshot.database))
                } else {
                    String::new()
                };
                let mut finding = Finding::hole(
                    Code::RoleSetting,
                    format!("{}, setting {name}", expectations.shown(role)),
                    "new connections of the role start with a setting that was not installed: a role may set its own, so injected SQL may have",
                    format!(
                        "ALTER ROLE {}{scope} RESET {name}; or expect_role_setting() by name",
                        expectations.named(role)
                    ),
                );
                // Each login is judged at its own connect: one tenant's setting is no other's.
                if expectations.logins.is_some() {
                    finding.severity = super::Severity::Warning;
                }
                findings.push(finding);
            }
        } else if DANGEROUS.contains(&name) {
            let whose = if setting.of_database {
                format!("DATABASE {}", quoted(&snapshot.database))
            } else {
                "ROLE ALL".to_owned()
            };
            findings.push(Finding::warning(
                Code::DatabaseSetting,
                format!("{whose}, setting {name}"),
                "every new connection starts with a setting that the wall has to be pinned against",
                format!("ALTER {whose} RESET {name};"),
            ));
        }
    }
    if !hides_activity {
        findings.push(Finding::warning(
            Code::RoleSetting,
            format!("role {runtime}, setting track_activities"),
            "sessions of the runtime role can read the text of each other's queries",
            format!(
                "ALTER ROLE {} SET track_activities = off; as a superuser",
                runtime.quoted()
            ),
        ));
    }
}
