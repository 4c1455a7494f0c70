//! The judgement: what is, against what must be.

use super::finding::{Code, Finding};
use super::{Expectations, Snapshot, relations, rights, roles, seal, server};
use crate::install::VERSION;

/// Compares what is with what is expected. Empty on a sound database; holes come first.
pub fn judge(snapshot: &Snapshot, expectations: &Expectations) -> Vec<Finding> {
    let mut findings = Vec::new();
    server::server(snapshot, expectations, &mut findings);
    roles::roles(snapshot, expectations, &mut findings);
    server::settings(snapshot, expectations, &mut findings);
    rights::privileges(snapshot, expectations, &mut findings);
    rights::functions(snapshot, expectations, &mut findings);
    installed(snapshot, &mut findings);
    seal::objects(snapshot, expectations, &mut findings);
    seal::functions(snapshot, expectations, &mut findings);
    relations::judge(snapshot, expectations, &mut findings);
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then(a.code.cmp(&b.code))
            .then_with(|| a.object.cmp(&b.object))
    });
    findings.dedup();
    findings
}

/// What it means that the snapshot itself was refused with this code (SQLSTATE).
///
/// ```
/// use tenancy_postgres::verify::{Code, unreadable};
///
/// assert_eq!(unreadable("42P01").code, Code::NotInstalled);
/// assert!(unreadable("42P01").is_hole());
/// ```
pub fn unreadable(code: &str) -> Finding {
    let what = match code {
        // No such table, no such schema, no such column, no such function.
        "42P01" | "3F000" | "42703" | "42883" => {
            "the sealed scope is not installed in this database, or only in part".to_owned()
        }
        "42501" => "the tables of the schema tenancy are out of this role's reach".to_owned(),
        other => format!("the database refused to be looked at ({other}), so nothing is known"),
    };
    Finding::hole(
        Code::NotInstalled,
        "schema tenancy",
        what,
        "run the installation's plan as an administrator, and look again",
    )
}

fn installed(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    if snapshot.installed != Some(VERSION) {
        let is = snapshot
            .installed
            .map_or("no version".to_owned(), |v| format!("version {v}"));
        findings.push(Finding::hole(
            Code::OtherVersion,
            "tenancy.installed",
            format!("the database records {is}, and this crate knows version {VERSION}"),
            "run the installation's plan of the version that the application uses",
        ));
    }
}
