//! Every relation that the runtime role reaches.

mod keys;

use super::finding::{Code, Finding};
use super::snapshot::{Column, Policy, Relation, Shared};
use super::tenant::{column_of_wall, kind_of, tenant_column};
use super::{Expectations, Snapshot};
use crate::ident::quoted;
use crate::wall::reads::Reads;
use crate::wall::{GRANT_POLICY, WALL_POLICY};

/// What the runtime role may have on a walled table.
const ROW_RIGHTS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

pub(super) fn judge(snapshot: &Snapshot, expectations: &Expectations, findings: &mut Vec<Finding>) {
    for relation in snapshot
        .relations
        .iter()
        .filter(|relation| relation.reachable)
    {
        Look {
            snapshot,
            expectations,
            relation,
            findings,
        }
        .judge();
    }
    let descendants = snapshot
        .relations
        .iter()
        .filter(|relation| !relation.reachable);
    for relation in descendants {
        let ancestor = snapshot
            .relations
            .iter()
            .find(|ancestor| relation.ancestor == Some(ancestor.oid));
        let Some(tenant) =
            ancestor.and_then(|ancestor| tenant_column(snapshot, expectations, ancestor))
        else {
            continue;
        };
        let mut look = Look {
            snapshot,
            expectations,
            relation,
            findings,
        };
        look.unique_keys(&tenant.name);
        look.rules();
    }
}

/// One relation under judgement.
struct Look<'a> {
    snapshot: &'a Snapshot,
    expectations: &'a Expectations,
    relation: &'a Relation,
    findings: &'a mut Vec<Finding>,
}

impl Look<'_> {
    fn judge(&mut self) {
        match self.relation.kind.as_str() {
            "S" => return self.sequence(),
            _ if self.relation.shared.is_some() => return self.shared(),
            "v" => return self.view(),
            "m" | "f" => return self.stored_rows(),
            _ => {}
        }
        self.row_security();
        self.policies();
        if let Some(tenant) = tenant_column(self.snapshot, self.expectations, self.relation) {
            self.column(tenant);
            self.indexes(&tenant.name);
            self.foreign_keys(&tenant.name);
        }
        self.rights(ROW_RIGHTS);
        self.rules();
    }

    fn hole(&mut self, code: Code, what: impl Into<String>, mend: impl Into<String>) {
        self.findings
            .push(Finding::hole(code, self.object(), what, mend));
    }

    fn warn(&mut self, code: Code, what: impl Into<String>, mend: impl Into<String>) {
        self.findings
            .push(Finding::warning(code, self.object(), what, mend));
    }

    fn object(&self) -> String {
        format!("{}.{}", self.relation.schema, self.relation.name)
    }

    fn sql(&self) -> String {
        format!(
            "{}.{}",
            quoted(&self.relation.schema),
            quoted(&self.relation.name)
        )
    }

    fn revoke(&self) -> String {
        format!(
            "REVOKE ALL ON {} FROM PUBLIC, {};",
            self.sql(),
            self.expectations.roles.runtime().quoted()
        )
    }

    fn row_security(&mut self) {
        let relation = self.relation;
        let untouched = !relation.row_security
            && relation.policies.is_empty()
            && tenant_column(self.snapshot, self.expectations, relation).is_none();
        if untouched {
            let part = if relation.partition {
                ": it is a partition with a grant of its own, which its parent's wall does not cover"
            } else {
                ""
            };
            self.hole(
                Code::Unwalled,
                format!("the runtime role reaches it, and it is neither walled nor declared shared{part}"),
                format!("wall it (Wall), declare it (SharedTable), or {}", self.revoke()),
            );
            return;
        }
        let table = self.sql();
        if !relation.row_security {
            self.hole(
                Code::RowSecurityOff,
                "its policies are there, and row security is switched off: they do nothing",
                format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"),
            );
        }
        if !relation.forced {
            self.hole(
                Code::NotForced,
                "row security is not forced, so its owner's views and functions read every row",
                format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"),
            );
        }
    }

    fn policies(&mut self) {
        let relation = self.relation;
        if relation.policies.is_empty() && !relation.row_security {
            return;
        }
        let again = "run the plan of its Wall again";
        let walls: Vec<&Policy> = relation
            .policies
            .iter()
            .filter(|policy| policy.name == WALL_POLICY)
            .collect();
        if walls.is_empty() {
            self.hole(
                Code::WallMissing,
                "it has no policy tenancy_wall, so nothing compares the tenant",
                again,
            );
        }
        for wall in walls {
            if wall.permissive {
                self.hole(
                    Code::WallMissing,
                    "its wall is permissive: any other permissive policy beside it opens the table",
                    again,
                );
            }
            if !wall.to_public {
                self.hole(
                    Code::WallNamesRole,
                    "its wall names a role: the owner's views and functions pass it, and DROP OWNED takes it down",
                    again,
                );
            }
            if wall.command != "*" {
                self.hole(
                    Code::WallCommand,
                    "its wall stands for one command only",
                    again,
                );
            }
            let reads = self.expectations.reads();
            if column_of_wall(self.snapshot, reads, relation, wall).is_none() {
                let reads = match reads {
                    Reads::Scope => "the sealed scope's tenant",
                    Reads::Login => "the tenant of the session's login",
                };
                self.hole(
                    Code::WallExpression,
                    format!("its wall does not compare a column of type text, uuid or bigint with {reads}, and nothing else, both for reading and for writing"),
                    again,
                );
            }
        }
        let opens =
            |policy: &Policy| policy.permissive && policy.to_public && policy.command == "*";
        if !relation.policies.iter().any(opens) {
            self.warn(
                Code::NoPermissivePolicy,
                "it has no permissive policy for everyone, so some or all of a tenant's own rows are out of its reach",
                again,
            );
        }
        for policy in &relation.policies {
            let known =
                policy.name == WALL_POLICY || (policy.name == GRANT_POLICY && is_grant(policy));
            if policy.permissive && !known {
                self.warn(
                    Code::StrayPolicy,
                    format!("it has the permissive policy {} beside the wall: the wall holds without it, and falls to it once it is itself gone", policy.name),
                    format!("DROP POLICY {} ON {};", quoted(&policy.name), self.sql()),
                );
            }
        }
    }

    fn column(&mut self, tenant: &Column) {
        let (table, column) = (self.sql(), quoted(&tenant.name));
        let Some(kind) = kind_of(tenant) else { return };
        if !tenant.not_null {
            self.hole(
                Code::TenantColumn,
                "its tenant column takes NULL: such rows belong to nobody",
                format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;"),
            );
        }
        if !tenant.deterministic {
            self.hole(
                Code::TenantColumn,
                "its tenant column has a nondeterministic collation, by which two ids are one",
                format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE \"C\"; and rebuild the wall"),
            );
        }
        if tenant.generated {
            self.hole(
                Code::TenantColumn,
                "its tenant column is generated from other values, not from the scope",
                "make it a plain column, and run the plan of its Wall again",
            );
            return;
        }
        let reader = self.expectations.reads().function(kind);
        if tenant.default.as_deref() != Some(&format!("{reader}()")) {
            self.warn(
                Code::TenantDefault,
                "its tenant column's default is not the current tenant, so an insert that names no tenant is refused or names a wrong one",
                format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {reader}();"),
            );
        }
    }

    fn rights(&mut self, allowed: &[&str]) {
        let relation = self.relation;
        let runtime = self.expectations.roles.runtime().quoted();
        for right in &relation.privileges {
            if !allowed.contains(&right.as_str()) {
                let meaning = match right.as_str() {
                    "TRUNCATE" => {
                        "row security does not bind TRUNCATE: it empties the table for all tenants"
                    }
                    "REFERENCES" => "a foreign key looks behind the wall",
                    "TRIGGER" => "a trigger sees what other tenants write",
                    "MAINTAIN" => "it can lock every tenant out",
                    _ => "a tenant can change what all others read",
                };
                let code = if relation.shared.is_some() {
                    Code::SharedWrite
                } else {
                    Code::TablePrivilege
                };
                self.hole(
                    code,
                    format!("the runtime role has {right} on it: {meaning}"),
                    format!("REVOKE {right} ON {} FROM PUBLIC, {runtime};", self.sql()),
                );
            }
        }
        if relation.grantable {
            self.hole(
                Code::TablePrivilege,
                "the runtime role may pass its rights on, to roles that nobody looks at",
                format!(
                    "REVOKE GRANT OPTION FOR ALL ON {} FROM {runtime};",
                    self.sql()
                ),
            );
        }
        if !relation.public_privileges.is_empty() {
            self.warn(
                Code::PublicPrivilege,
                "PUBLIC has rights on it, so every role reaches it, also those that nobody looked at",
                format!("REVOKE ALL ON {} FROM PUBLIC;", self.sql()),
            );
        }
    }

    fn rules(&mut self) {
        for rule in &self.relation.rules {
            let mend = format!("DROP RULE {} ON {};", quoted(rule), self.sql());
            if self.relation.owner_above {
                self.hole(
                    Code::Rule,
                    format!(
                        "its rule {rule} runs with the rights of {}, whom no wall binds",
                        self.relation.owner
                    ),
                    mend,
                );
            } else {
                self.warn(
                    Code::Rule,
                    format!("its rule {rule} changes statements and runs with its owner's rights"),
                    mend,
                );
            }
        }
    }

    fn view(&mut self) {
        if self.relation.owner_above && !self.relation.invoker {
            let owner = self.expectations.roles.table_owner().quoted();
            self.hole(
                Code::View,
                format!("it is a view that reads as {}, whom no wall binds", self.relation.owner),
                format!("ALTER VIEW {0} SET (security_invoker = true); or ALTER VIEW {0} OWNER TO {owner};", self.sql()),
            );
        }
        self.rules();
    }

    fn stored_rows(&mut self) {
        let kind = if self.relation.kind == "m" {
            "a materialized view"
        } else {
            "a foreign table"
        };
        self.hole(
            Code::StoredRows,
            format!("it is {kind}, which row security can't guard"),
            format!(
                "declare it (SharedTable), put a walled table in its place, or {}",
                self.revoke()
            ),
        );
    }

    fn shared(&mut self) {
        let writes = self.relation.shared == Some(Shared::Writable);
        self.rights(if writes { ROW_RIGHTS } else { &["SELECT"] });
        self.rules();
    }

    fn sequence(&mut self) {
        let runtime = self.expectations.roles.runtime().quoted();
        for right in &self.relation.privileges {
            let revoke = format!(
                "REVOKE {right} ON SEQUENCE {} FROM PUBLIC, {runtime};",
                self.sql()
            );
            match right.as_str() {
                "UPDATE" => self.hole(
                    Code::Sequence,
                    "the runtime role can set it back, so that other tenants' inserts collide",
                    revoke,
                ),
                "SELECT" => self.warn(
                    Code::Sequence,
                    "the runtime role can read how many rows all tenants have made",
                    revoke,
                ),
                _ => {}
            }
        }
    }
}

fn is_grant(policy: &Policy) -> bool {
    let is_true = |expression: &Option<String>| expression.as_deref() == Some("true");
    policy.command == "*" && policy.to_public && is_true(&policy.using) && is_true(&policy.check)
}
