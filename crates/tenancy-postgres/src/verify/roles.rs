//! The roles: what they are, whom they belong to, and what the runtime role owns.

use super::finding::{Code, Finding};
use super::{Expectations, Snapshot};
use crate::catalog::OWNER;
use crate::ident::{Identifier, quoted};

pub(super) fn roles(snapshot: &Snapshot, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let roles = &expectations.roles;
    runtime_role(snapshot, roles.runtime(), findings);
    let central = snapshot
        .roles
        .iter()
        .find(|role| role.name == roles.central().as_str());
    match central {
        None => findings.push(missing(roles.central())),
        Some(role) if role.superuser => findings.push(Finding::warning(
            Code::RoleAttribute,
            format!("role {}", role.name),
            "the central role is a superuser, which is more than work across tenants needs",
            format!(
                "ALTER ROLE {} NOSUPERUSER BYPASSRLS;",
                roles.central().quoted()
            ),
        )),
        Some(role) if !role.bypasses => findings.push(Finding::warning(
            Code::RoleAttribute,
            format!("role {}", role.name),
            "the central role has no BYPASSRLS, so work across tenants is refused",
            format!("ALTER ROLE {} BYPASSRLS;", roles.central().quoted()),
        )),
        Some(_) => {}
    }
    if let Some(role) = snapshot.roles.iter().find(|role| role.name == OWNER)
        && (role.login || role.superuser || role.bypasses || role.creates_roles)
    {
        findings.push(Finding::hole(
            Code::RoleAttribute,
            format!("role {OWNER}"),
            "the role that owns the keys can log in, or is more than an owner: whoever becomes it enters every tenant",
            format!("ALTER ROLE {OWNER} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE;"),
        ));
    }
    for link in &snapshot.memberships {
        let role = quoted(&link.role);
        let member = quoted(&link.member);
        let mend = format!("REVOKE {role} FROM {member};");
        let object = format!("role {}", link.member);
        if link.of_runtime {
            findings.push(Finding::hole(
                Code::Membership,
                object,
                format!("the runtime role reaches the role {}, by SET ROLE, by inheritance or by ADMIN: it must be a member of nothing", link.role),
                mend,
            ));
        } else if link.member == OWNER {
            findings.push(Finding::warning(
                Code::SealMembership,
                object,
                format!("the owner of the sealed scope is a member of {}", link.role),
                mend,
            ));
        } else if link.member_superuser != Some(true) {
            findings.push(Finding::warning(
                Code::SealMembership,
                object,
                "it is a member of the owner of the sealed scope, and can read the keys or grant itself that",
                mend,
            ));
        }
    }
    for object in &snapshot.owned {
        findings.push(Finding::hole(
            Code::Ownership,
            object.clone().unwrap_or_else(|| "an object".to_owned()),
            "the runtime role owns it: an owner changes and drops what it owns, its wall with it",
            format!(
                "REASSIGN OWNED BY {} TO {};",
                roles.runtime().quoted(),
                roles.table_owner().quoted()
            ),
        ));
    }
}

fn runtime_role(snapshot: &Snapshot, runtime: &Identifier, findings: &mut Vec<Finding>) {
    let Some(role) = snapshot
        .roles
        .iter()
        .find(|role| role.name == runtime.as_str())
    else {
        findings.push(missing(runtime));
        return;
    };
    let attributes = [
        (role.superuser, "SUPERUSER", "no row security binds it"),
        (role.bypasses, "BYPASSRLS", "no row security binds it"),
        (
            role.creates_roles,
            "CREATEROLE",
            "it can make itself a member of other roles",
        ),
        (role.creates_databases, "CREATEDB", "it can own a database"),
        (
            role.replicates,
            "REPLICATION",
            "it can stream every row of the server",
        ),
    ];
    for (_, attribute, meaning) in attributes.into_iter().filter(|(has, ..)| *has) {
        findings.push(Finding::hole(
            Code::RoleAttribute,
            format!("role {}", role.name),
            format!("the runtime role has {attribute}: {meaning}"),
            format!("ALTER ROLE {} NO{attribute};", runtime.quoted()),
        ));
    }
    if !snapshot.recorded {
        findings.push(Finding::warning(
            Code::EventTrigger,
            "tenancy.runtime_role",
            "the runtime role is not recorded, so the event trigger does not stop its DDL",
            "run the installation's plan with these roles",
        ));
    }
}

fn missing(role: &Identifier) -> Finding {
    Finding::hole(
        Code::RoleMissing,
        format!("role {role}"),
        "there is no such role, so nothing about it can be verified",
        "run the installation's plan with the roles that the application uses",
    )
}
