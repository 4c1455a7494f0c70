//! Keys and indexes, which reach behind the wall unless they hold the tenant.

use super::super::finding::{Code, Finding};
use super::super::snapshot::{ForeignKey, Index};
use super::super::tenant::tenant_column;
use super::Look;
use crate::ident::quoted;

impl Look<'_> {
    pub(super) fn unique_keys(&mut self, tenant: &str) {
        for index in &self.relation.indexes {
            if index.unique && !holds_tenant(index, tenant) {
                self.findings.push(Finding::hole(
                    Code::UniqueKey,
                    format!("index {} of {}", index.name, self.object()),
                    "it is unique across tenants: one learns by an error that another's row exists, and can take its key",
                    format!("replace it with one that starts with {}", quoted(tenant)),
                ));
            }
        }
    }

    pub(super) fn indexes(&mut self, tenant: &str) {
        self.unique_keys(tenant);
        for index in &self.relation.indexes {
            let name = format!("index {} of {}", index.name, self.object());
            if index.unique && !holds_tenant(index, tenant) {
                continue;
            }
            if index.keys.first().and_then(Option::as_deref) != Some(tenant) {
                self.findings.push(Finding::warning(
                    Code::Index,
                    name,
                    "it does not start with the tenant: EXPLAIN ANALYZE counts other tenants' rows by it, and it is slow",
                    format!("replace it with one that starts with {}", quoted(tenant)),
                ));
            }
        }
    }

    pub(super) fn foreign_keys(&mut self, tenant: &str) {
        for key in &self.relation.foreign_keys {
            let Some(problem) = self.foreign_key(key, tenant) else {
                continue;
            };
            self.findings.push(Finding::hole(
                Code::ForeignKey,
                format!("foreign key {} of {}", key.name, self.object()),
                problem,
                format!(
                    "replace it with one over {} and the key, to a unique key of the same columns",
                    quoted(tenant)
                ),
            ));
        }
    }

    fn foreign_key(&self, key: &ForeignKey, tenant: &str) -> Option<&'static str> {
        let target = self
            .snapshot
            .relations
            .iter()
            .find(|relation| relation.oid == key.target)?;
        // A key that is the tenant alone holds nothing but the scope's own id.
        if target.shared.is_some() || (key.columns == [tenant] && !target.reachable) {
            return None;
        }
        let Some(theirs) = tenant_column(self.snapshot, self.expectations, target) else {
            return Some("it refers to a table that is neither walled nor declared shared");
        };
        let paired = key.columns.iter().zip(&key.target_columns);
        if paired
            .into_iter()
            .any(|(ours, column)| ours == tenant && *column == theirs.name)
        {
            None
        } else {
            Some(
                "it does not contain the tenant: a row can refer to another tenant's, and learns that it exists",
            )
        }
    }
}

fn holds_tenant(index: &Index, tenant: &str) -> bool {
    index.keys.iter().enumerate().any(|(at, key)| {
        key.as_deref() == Some(tenant)
            && index
                .exclusion_operators
                .as_ref()
                .is_none_or(|operators| operators.get(at).is_some_and(|operator| operator == "="))
    })
}
