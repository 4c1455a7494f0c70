//! The judgement of a login: what it is, against what it must be.

use super::facts::Facts;
use super::{Identity, Tier};
use crate::ident::quoted;
use crate::mark;
use crate::settings::unexpected;
use crate::verify::{Code, Finding, version_finding};

impl Identity {
    pub(super) fn findings(&self, facts: &Facts) -> Vec<Finding> {
        let mut judge = Judge {
            identity: self,
            facts,
            findings: Vec::new(),
        };
        judge
            .findings
            .extend(version_finding(facts.server_version_num, self.below_floor));
        judge.who();
        judge.attributes();
        judge.marks();
        judge.possessions();
        judge.database();
        judge.schemas();
        judge.beyond();
        judge.settings();
        judge.session_settings();
        judge
            .findings
            .sort_by(|a, b| b.severity.cmp(&a.severity).then(a.code.cmp(&b.code)));
        judge.findings
    }
}

struct Judge<'a> {
    identity: &'a Identity,
    facts: &'a Facts,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn who(&mut self) {
        let (login, facts) = (self.identity.login.as_str(), self.facts);
        if facts.session_user != login || facts.current_user != login {
            self.hole(
                Code::Identity,
                "the connection is another role's, or acts as another one",
                "correct the credential, and set no role for this login: ALTER ROLE .. RESET role;",
            );
        }
        if facts.search_path != self.identity.search_path {
            self.hole(
                Code::SearchPath,
                "the connection's search_path is not the one that was pinned, so a name may lead to another schema's table, or to a temporary one",
                "send the startup options of this tier when the connection is made; a transaction pooler drops them",
            );
        }
    }

    fn attributes(&mut self) {
        let facts = self.facts;
        for (has, attribute, meaning) in [
            (facts.superuser, "SUPERUSER", "no wall binds it"),
            (facts.bypasses, "BYPASSRLS", "no row security binds it"),
            (
                facts.creates_roles,
                "CREATEROLE",
                "it can make itself a member of other roles",
            ),
            (
                facts.creates_databases,
                "CREATEDB",
                "it can copy and own databases",
            ),
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
                    format!("ALTER ROLE {} NO{attribute};", self.login()),
                );
            }
        }
        if facts.memberships > 0 {
            self.hole(
                Code::Membership,
                format!(
                    "the login is a member of {} other roles, and reaches what is theirs",
                    facts.memberships
                ),
                format!("REVOKE each of them FROM {};", self.login()),
            );
        }
        if facts.members > 0 {
            self.hole(
                Code::Membership,
                format!(
                    "{} roles are members of this login, and reach what is its tenant's",
                    facts.members
                ),
                format!("REVOKE {} FROM each of them;", self.login()),
            );
        }
    }

    fn marks(&mut self) {
        let facts = self.facts;
        let (tenant, mark, thing) = match &self.identity.tier {
            Tier::Routed => {
                if facts.login_mark.as_deref().and_then(mark::tenant).is_some() {
                    self.hole(
                        Code::Mark,
                        "the shared login is marked as one tenant's own",
                        format!(
                            "COMMENT ON ROLE {} IS NULL; if all tenants share it",
                            self.login()
                        ),
                    );
                }
                return;
            }
            Tier::Schema { tenant, .. } => (tenant, &facts.schema_mark, "schema"),
            Tier::Database { tenant, .. } => (tenant, &facts.database_mark, "database"),
        };
        let expected = mark::of(tenant);
        if mark.as_deref() != Some(&expected) {
            self.hole(
                Code::Mark,
                format!("the {thing} is missing, or is not marked as this tenant's: it may have been made again, restored, or be another tenant's"),
                format!("look at whose it is; if it is the tenant's, COMMENT ON {} .. IS '{expected}';", thing.to_uppercase()),
            );
        }
        // A login that was made by hand has no mark.
        if facts
            .login_mark
            .as_deref()
            .and_then(mark::tenant)
            .is_some_and(|of| of != *tenant)
        {
            self.hole(
                Code::Mark,
                "the login is marked as another tenant's",
                "give the tenant a login of its own",
            );
        }
    }

    fn possessions(&mut self) {
        if self.facts.owns > 0 {
            self.hole(
                Code::Ownership,
                format!(
                    "the login owns {} objects: an owner changes, grants and drops what it owns",
                    self.facts.owns
                ),
                format!("REASSIGN OWNED BY {} TO the owner role;", self.login()),
            );
        }
        if self.facts.ours > 0 {
            self.hole(
                Code::Placement,
                "the login reaches the registry of placements or the sealing keys",
                format!(
                    "REVOKE ALL ON tenancy.placement FROM PUBLIC, {};",
                    self.login()
                ),
            );
        }
    }

    fn database(&mut self) {
        let facts = self.facts;
        let here = quoted(&facts.database);
        for (has, right, meaning) in [
            (facts.creates, "CREATE", "it can make schemas"),
            (
                facts.temporary,
                "TEMPORARY",
                "a temporary table outlives its scope, and stands in the way of the catalogs' own",
            ),
        ] {
            if has {
                self.hole(
                    Code::DatabasePrivilege,
                    format!("the login has {right} on the database: {meaning}"),
                    format!(
                        "REVOKE {right} ON DATABASE {here} FROM PUBLIC, {};",
                        self.login()
                    ),
                );
            }
        }
        if facts.other_tenants_databases > 0 {
            self.hole(
                Code::DatabasePrivilege,
                format!(
                    "the login may connect to {} databases of other tenants",
                    facts.other_tenants_databases
                ),
                "REVOKE CONNECT ON DATABASE .. FROM PUBLIC, and from this login, on each of them",
            );
        }
        if let Tier::Database { database, .. } = &self.identity.tier {
            if facts.database != database.as_str() {
                self.hole(
                    Code::Identity,
                    "the connection leads to another database than the tenant's",
                    "correct the placement, or what stands between: a pooler may map database names",
                );
            }
            if facts.public_connect {
                self.hole(
                    Code::DatabasePrivilege,
                    "PUBLIC has CONNECT on the tenant's database, so every login of the server enters it",
                    format!("REVOKE ALL ON DATABASE {here} FROM PUBLIC;"),
                );
            } else if facts.guests > 0 {
                self.hole(
                    Code::DatabasePrivilege,
                    format!(
                        "{} logins of other tenants may connect to this tenant's database",
                        facts.guests
                    ),
                    format!("REVOKE CONNECT ON DATABASE {here} FROM each of them;"),
                );
            }
            let others = facts
                .other_databases
                .saturating_sub(facts.other_tenants_databases);
            if others > 0 {
                self.warning(
                    Code::DatabasePrivilege,
                    format!("the login may connect to {others} databases that are no tenant's, and read their catalogs"),
                    "REVOKE CONNECT ON DATABASE .. FROM PUBLIC on each of them, and grant it to those who work there",
                );
            }
        }
    }

    fn schemas(&mut self) {
        let facts = self.facts;
        if facts.creatable_schemas > 0 {
            self.hole(
                Code::SchemaPrivilege,
                format!(
                    "the login may create objects in {} schemas, and put them before others' eyes",
                    facts.creatable_schemas
                ),
                format!(
                    "REVOKE CREATE ON SCHEMA .. FROM PUBLIC, {}; on each of them, public first",
                    self.login()
                ),
            );
        }
        if facts.truncates > 0 {
            self.hole(
                Code::TablePrivilege,
                format!("the login has TRUNCATE, TRIGGER or REFERENCES on {} tables, which are the owner's business", facts.truncates),
                format!("REVOKE TRUNCATE, TRIGGER, REFERENCES ON ALL TABLES IN SCHEMA .. FROM PUBLIC, {};", self.login()),
            );
        }
        let Tier::Schema { schema, .. } = &self.identity.tier else {
            return;
        };
        let own = schema.quoted();
        if facts.usage == Some(false) {
            self.hole(
                Code::SchemaPrivilege,
                "the login has no USAGE on its tenant's schema, so it finds no table",
                format!("GRANT USAGE ON SCHEMA {own} TO {};", self.login()),
            );
        }
        if facts.other_schemas > 0 {
            self.hole(
                Code::SchemaPrivilege,
                format!("the login has USAGE on {} schemas that are neither its tenant's nor shared by name", facts.other_schemas),
                format!("REVOKE USAGE ON SCHEMA .. FROM PUBLIC, {}; on each of them, public first", self.login()),
            );
        }
        if facts.shared_writes > 0 {
            self.hole(
                Code::SharedWrite,
                format!("the login may write {} tables in shared schemas: what one tenant writes there, all others read", facts.shared_writes),
                "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA .. FROM PUBLIC, and from the tenants' logins",
            );
        }
        if facts.leaving > 0 {
            self.hole(
                Code::CrossSchema,
                format!("{} views, keys, defaults, triggers or functions in the tenant's schema or the shared ones point into other schemas, and act there with their owner's rights", facts.leaving),
                format!("drop them, or move what they need into {own} or a shared schema; pg_depend names them"),
            );
        }
        if facts.entering > 0 {
            self.hole(
                Code::CrossSchema,
                format!("{} tables in other schemas are partitions or children of the tenant's or the shared tables, which show their rows, or refer to the tenant's by keys, which tell of them", facts.entering),
                "ALTER TABLE .. NO INHERIT, DETACH PARTITION or DROP CONSTRAINT; pg_inherits and pg_constraint name them",
            );
        }
        if facts.definers > 0 {
            self.hole(
                Code::DefinerFunction,
                format!("{} functions in the tenant's schema or the shared ones run with their owner's rights, who may reach every tenant", facts.definers),
                format!("ALTER FUNCTION {own}... SECURITY INVOKER; or drop them, or REVOKE EXECUTE .. FROM PUBLIC on the shared ones"),
            );
        }
    }

    fn beyond(&mut self) {
        let facts = self.facts;
        if facts.foreign_servers > 0 {
            self.hole(
                Code::ForeignServer,
                format!("the login reaches {} foreign servers, wrappers or tables, and other databases through them", facts.foreign_servers),
                format!("REVOKE USAGE ON FOREIGN SERVER .. FROM PUBLIC, {}; and drop foreign tables from the tenant's schema", self.login()),
            );
        }
        if facts.server_functions > 0 {
            self.hole(
                Code::ServerFunction,
                format!("the login may call {} functions that reach the server's files or its configuration", facts.server_functions),
                "REVOKE EXECUTE ON FUNCTION .. FROM PUBLIC, and from the login",
            );
        }
        if facts.parameters > 0 {
            self.hole(
                Code::ParameterPrivilege,
                format!("the login may set or change {} parameters of the server that are a superuser's", facts.parameters),
                format!("REVOKE ALL ON PARAMETER .. FROM PUBLIC, {};", self.login()),
            );
        }
        if facts.max_prepared_transactions > 0 {
            self.hole(
                Code::PreparedTransactions,
                "PREPARE TRANSACTION leaves locks behind that outlive the connection and its scrub",
                "ALTER SYSTEM SET max_prepared_transactions = 0; and restart the server",
            );
        }
        if facts.lo_compat_privileges {
            self.hole(
                Code::LargeObject,
                "large objects have no access control, so every login of the database reads and writes them all",
                "ALTER SYSTEM SET lo_compat_privileges = off; SELECT pg_reload_conf();",
            );
        }
    }

    fn settings(&mut self) {
        for assignment in &self.facts.role_settings {
            // What a superuser gives so that the sessions of a shared login don't read each other.
            let expected = assignment == "track_activities=off"
                || self.identity.role_settings.contains(assignment);
            if !expected {
                // A value may be private; its name is enough to find it.
                let name = assignment.split('=').next().unwrap_or_default();
                self.hole(
                    Code::RoleSetting,
                    format!("new connections of the login start with a setting of {name} that was not installed: a role may set its own, so injected SQL may have"),
                    format!("ALTER ROLE {} RESET {name}; or expect_role_setting() by name", self.login()),
                );
            }
        }
    }

    fn session_settings(&mut self) {
        let answer = self.facts.session_settings.as_deref();
        for name in unexpected(answer, &self.identity.role_settings) {
            self.hole(
                Code::RoleSetting,
                format!("the connection began with a setting of {name} that the role has or had and that was not installed: injected SQL may have set it for this moment"),
                "drop the connection, and connect again",
            );
        }
    }

    fn login(&self) -> String {
        self.identity.login.quoted()
    }

    fn hole(&mut self, code: Code, what: impl Into<String>, mend: impl Into<String>) {
        let object = format!("login {}", self.identity.login);
        self.findings.push(Finding::hole(code, object, what, mend));
    }

    fn warning(&mut self, code: Code, what: impl Into<String>, mend: impl Into<String>) {
        let object = format!("login {}", self.identity.login);
        self.findings
            .push(Finding::warning(code, object, what, mend));
    }
}
