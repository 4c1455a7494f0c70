//! The roles: what they are, whom they belong to, and what the runtime role owns.

use super::finding::{Code, Finding};
use super::snapshot::{Membership, Role};
use super::{Expectations, Snapshot};
use crate::catalog::OWNER;
use crate::ident::{Identifier, quoted};
use crate::login::TenantLogins;

pub(super) fn roles(snapshot: &Snapshot, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let roles = &expectations.roles;
    runtime_role(snapshot, expectations, findings);
    if let Some(logins) = &expectations.logins {
        tenant_logins(snapshot, expectations, logins, findings);
    }
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
        membership(link, expectations, findings);
    }
    for object in &snapshot.owned {
        findings.push(Finding::hole(
            Code::Ownership,
            object.clone().unwrap_or_else(|| "an object".to_owned()),
            "a role that serves tenants owns it: an owner changes and drops what it owns, its wall with it",
            format!(
                "REASSIGN OWNED BY {} TO {};",
                roles.runtime().quoted(),
                roles.table_owner().quoted()
            ),
        ));
    }
}

fn membership(link: &Membership, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let object = expectations.shown(&link.member);
    let mend = format!(
        "REVOKE {} FROM {};",
        expectations.named(&link.role),
        expectations.named(&link.member)
    );
    let login = |role: &str| {
        let logins = expectations.logins.as_ref();
        logins.is_some_and(|logins| logins.covers(role))
    };
    if link.of_runtime {
        let rule = match expectations.logins {
            Some(_) => "a login must be a member of its group alone, without ADMIN",
            None => "it must be a member of nothing",
        };
        findings.push(Finding::hole(
            Code::Membership,
            object,
            format!(
                "a role that serves tenants reaches {}, by SET ROLE, by inheritance or by ADMIN: {rule}",
                expectations.shown(&link.role)
            ),
            mend,
        ));
    } else if login(&link.role) {
        if !link.member_creates_roles {
            findings.push(Finding::hole(
                Code::Membership,
                object,
                "it can become a tenant's login, set its password, and log in as that tenant",
                mend,
            ));
        }
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

fn runtime_role(snapshot: &Snapshot, expectations: &Expectations, findings: &mut Vec<Finding>) {
    let runtime = expectations.roles.runtime();
    let Some(role) = snapshot
        .roles
        .iter()
        .find(|role| role.name == runtime.as_str())
    else {
        findings.push(missing(runtime));
        return;
    };
    attributes(role, expectations, findings);
    if !snapshot.recorded {
        findings.push(Finding::warning(
            Code::EventTrigger,
            "tenancy.runtime_role",
            "a role that serves tenants is not recorded, so the event trigger does not stop its DDL",
            "run the installation's plan with these roles, and that of the logins",
        ));
    }
}

/// The group must not log in, the logins must be nothing else, and no other role may have a name
/// that the wall takes for a login.
fn tenant_logins(
    snapshot: &Snapshot,
    expectations: &Expectations,
    logins: &TenantLogins,
    findings: &mut Vec<Finding>,
) {
    let roles = &expectations.roles;
    for role in &snapshot.roles {
        if role.name == logins.group().as_str() {
            if role.login {
                findings.push(Finding::warning(
                    Code::RoleAttribute,
                    format!("role {}", role.name),
                    "the group of the tenants' logins can log in itself, as a tenant that is nobody",
                    format!("ALTER ROLE {} NOLOGIN;", quoted(&role.name)),
                ));
            }
        } else if logins.covers(&role.name) {
            attributes(role, expectations, findings);
        }
    }
    for role in [roles.central(), roles.table_owner()] {
        if logins.covers(role.as_str()) {
            findings.push(Finding::hole(
                Code::RoleAttribute,
                format!("role {role}"),
                "its name starts with the logins' prefix, so the wall takes it for a tenant",
                "rename it, and use the installation's plan with its new name",
            ));
        }
    }
}

/// What no role that serves tenants may be.
fn attributes(role: &Role, expectations: &Expectations, findings: &mut Vec<Finding>) {
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
            expectations.shown(&role.name),
            format!("a role that serves tenants has {attribute}: {meaning}"),
            format!(
                "ALTER ROLE {} NO{attribute};",
                expectations.named(&role.name)
            ),
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
