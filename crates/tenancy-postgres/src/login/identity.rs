//! Who a connection is: asked of the server when it is made, judged for one tenant.

// Each of these is a fact of the catalog, which has no better type for it.
#![allow(clippy::struct_excessive_bools)]

use serde::Deserialize;
use tenancy_core::TenantId;

use super::TenantLogins;
use crate::Error;
use crate::ident::{Identifier, quoted};
use crate::identity::Judgement;
use crate::mark;
use crate::seal::TenantKind;
use crate::verify::{Code, Finding, qualify};

#[derive(Debug, Deserialize)]
struct Facts {
    session_user: String,
    current_user: String,
    superuser: bool,
    inherits: bool,
    creates_roles: bool,
    creates_databases: bool,
    replicates: bool,
    bypasses: bool,
    mark: Option<String>,
    in_group: bool,
    administers: bool,
    others: u64,
    given_away: u64,
    owns: u64,
    settings: Vec<String>,
}

impl TenantLogins {
    /// One statement that answers one row with one text, for
    /// [`judge_identity`](Self::judge_identity). A few rows by index: cheap enough for each new
    /// connection, and to be run on it before anything else. No row, or an error: drop the
    /// connection.
    ///
    /// It looks at the login. What the group and PUBLIC may do is the verifier's:
    /// [`Expectations::for_logins`](crate::verify::Expectations::for_logins).
    pub fn identity_sql(&self) -> String {
        qualify(include_str!("identity.sql")).replace("{group}", &self.group().literal())
    }

    /// Judges the answer to [`identity_sql`](Self::identity_sql) for `tenant`. The fingerprint is
    /// the answer itself: the same text again is the same login, unchanged. No finding names
    /// another tenant.
    ///
    /// # Errors
    /// As [`login`](Self::login); [`Error::Identity`] when it is no such answer: drop the
    /// connection.
    pub fn judge_identity(
        &self,
        kind: TenantKind,
        tenant: &TenantId,
        answer: &str,
    ) -> Result<Judgement, Error> {
        let login = self.login(kind, tenant)?;
        let facts: Facts = serde_json::from_str(answer).map_err(|error| Error::Identity {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Judgement {
            findings: self.findings(tenant, &login, &facts),
            fingerprint: answer.to_owned(),
        })
    }

    fn findings(&self, tenant: &TenantId, login: &Identifier, facts: &Facts) -> Vec<Finding> {
        let mut look = Look {
            logins: self,
            facts,
            object: format!("role {login}"),
            name: login.quoted(),
            findings: Vec::new(),
        };
        // Who else it is, and what that one is, stays unsaid.
        if facts.session_user != login.as_str() {
            look.hole(
                Code::Identity,
                "the connection is another login's, so the wall shows it another tenant's rows",
                "drop it, and look at what hands out this tenant's address and credential",
            );
            return look.findings;
        }
        look.attributes();
        look.mark(tenant);
        look.memberships();
        look.possessions();
        look.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        look.findings
    }
}

/// One login under judgement.
struct Look<'a> {
    logins: &'a TenantLogins,
    facts: &'a Facts,
    object: String,
    name: String,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn hole(&mut self, code: Code, what: impl Into<String>, mend: impl Into<String>) {
        self.findings
            .push(Finding::hole(code, self.object.as_str(), what, mend));
    }

    fn attributes(&mut self) {
        let (facts, name) = (self.facts, self.name.clone());
        if facts.current_user != facts.session_user {
            self.hole(
                Code::Identity,
                "the connection began as another role than its login",
                format!("ALTER ROLE {name} RESET role; and drop the connection"),
            );
        }
        for (has, attribute, meaning) in [
            (facts.superuser, "SUPERUSER", "no row security binds it"),
            (facts.bypasses, "BYPASSRLS", "no row security binds it"),
            (
                facts.creates_roles,
                "CREATEROLE",
                "it can make itself a member of other roles",
            ),
            (facts.creates_databases, "CREATEDB", "it can own a database"),
            (
                facts.replicates,
                "REPLICATION",
                "it can stream every row of the server",
            ),
        ] {
            if has {
                self.hole(
                    Code::RoleAttribute,
                    format!("the login has {attribute}: {meaning}"),
                    format!("ALTER ROLE {name} NO{attribute};"),
                );
            }
        }
    }

    fn mark(&mut self, tenant: &TenantId) {
        if self.facts.mark.as_deref() != Some(&mark::of(tenant)) {
            self.hole(
                Code::Mark,
                "the login is not marked as this tenant's, so somebody else may have made it",
                "look at who made it; then run the plan of create_login for this tenant",
            );
        }
    }

    fn memberships(&mut self) {
        let (facts, name) = (self.facts, self.name.clone());
        let group = self.logins.group().quoted();
        if facts.others > 0 {
            self.hole(
                Code::Membership,
                format!(
                    "the login belongs to roles besides its group ({}): what they may, it may",
                    facts.others
                ),
                format!("REVOKE .. FROM {name}; for each role that it belongs to but {group}"),
            );
        }
        if facts.given_away > 0 {
            self.hole(
                Code::Membership,
                format!(
                    "other roles are members of the login ({}): each can set its password and log in as this tenant",
                    facts.given_away
                ),
                format!("REVOKE {name} FROM .. for each of its members"),
            );
        }
        if facts.administers {
            self.hole(
                Code::Membership,
                "the login may make others a member of what it belongs to",
                format!("REVOKE ADMIN OPTION FOR {group} FROM {name};"),
            );
        }
        if !facts.in_group || !facts.inherits {
            self.findings.push(Finding::warning(
                Code::Membership,
                self.object.as_str(),
                "the login does not have the rights of its group, so it reaches no table",
                format!("GRANT {group} TO {name}; ALTER ROLE {name} INHERIT;"),
            ));
        }
    }

    fn possessions(&mut self) {
        let (facts, name) = (self.facts, self.name.clone());
        if facts.owns > 0 {
            self.hole(
                Code::Ownership,
                format!(
                    "the login owns {} objects: an owner changes and drops what it owns, a wall with it",
                    facts.owns
                ),
                format!("REASSIGN OWNED BY {name} TO the owner of the tables;"),
            );
        }
        for setting in &facts.settings {
            if !self.logins.role_settings().contains(setting) {
                // A value may be private; its name is enough to find it.
                let setting = setting.split('=').next().unwrap_or_default();
                self.hole(
                    Code::RoleSetting,
                    format!(
                        "new connections of the login start with a setting {setting} that was not installed: a role may set its own, so injected SQL may have"
                    ),
                    format!("ALTER ROLE {name} RESET {};", quoted(setting)),
                );
            }
        }
    }
}
