//! Leading a connection of the routed tier to one tenant's schema.

use super::TenantSchema;
use crate::Error;
use crate::ident::text_literal;
use crate::mark;
use crate::seal::Binding;

/// Binds a connection, with the parameters of [`TenantSchema::bind_parameters`] in their order
/// (`text` three times, `boolean`); answers one row of three texts, for
/// [`TenantSchema::judge_binding`].
///
/// The schema is looked at in the same statement: where it is missing, or is not marked for the
/// tenant, the path becomes [`RESTING_PATH`](super::RESTING_PATH), so that a statement queued behind this one finds no
/// table. The mark is read where `obj_description` finds it, which plans its query anew in each call;
/// 2615 is `pg_namespace` itself.
pub const BIND: &str = "SELECT pg_catalog.set_config('search_path', \
CASE WHEN s.mark OPERATOR(pg_catalog.=) $3 AND s.usable THEN $1 ELSE 'pg_temp'::pg_catalog.text END, $4) AS search_path, \
s.mark, s.usable::pg_catalog.text AS usable \
FROM (SELECT $2::pg_catalog.text::pg_catalog.name AS name) AS asked LEFT JOIN LATERAL (\
SELECT (SELECT d.description FROM pg_catalog.pg_description AS d \
WHERE d.objoid OPERATOR(pg_catalog.=) n.oid AND d.classoid OPERATOR(pg_catalog.=) 2615::pg_catalog.oid \
AND d.objsubid OPERATOR(pg_catalog.=) 0) AS mark, \
pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable \
FROM pg_catalog.pg_namespace AS n WHERE n.nspname OPERATOR(pg_catalog.=) asked.name) AS s ON true";

/// The parameters of [`BIND`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindParameters {
    /// The path to set.
    pub search_path: String,
    /// The tenant's schema.
    pub schema: String,
    /// The mark that it must have.
    pub mark: String,
    /// Whether the binding ends with the transaction.
    pub is_local: bool,
}

impl TenantSchema {
    /// Binds a connection to this schema, as text for a simple message; it means the same under
    /// every setting of the session. Answers one row, for [`judge_binding`](Self::judge_binding).
    ///
    /// With [`Binding::Transaction`] send it behind `BEGIN`, before any `SAVEPOINT` (rolling back
    /// to that would unbind), and the path ends with the transaction. With [`Binding::Session`]
    /// send it outside a transaction; it lasts until the scrub, or until it is replaced. An error
    /// leaves the path as it was: drop the connection then.
    pub fn bind_sql(&self, how: Binding) -> String {
        let parameters = self.bind_parameters(how);
        let text = |value: &str| format!("{}::pg_catalog.text", text_literal(value));
        BIND.replace("$1", &text(&parameters.search_path))
            .replace("$2", &text(&parameters.schema))
            .replace("$3", &text(&parameters.mark))
            .replace("$4", if parameters.is_local { "true" } else { "false" })
    }

    /// The parameters of [`BIND`], for a driver that keeps it prepared.
    pub fn bind_parameters(&self, how: Binding) -> BindParameters {
        BindParameters {
            search_path: self.search_path(),
            schema: self.name.as_str().to_owned(),
            mark: mark::of(&self.tenant),
            is_local: how == Binding::Transaction,
        }
    }

    /// Whether `answer` says that the connection is bound to this tenant's schema.
    pub fn is_bound_by(&self, answer: &[Option<&str>]) -> bool {
        self.judge_binding(answer).is_ok()
    }

    /// Checks the answer to [`bind_sql`](Self::bind_sql).
    ///
    /// # Errors
    /// [`Error::SchemaBinding`] says why the connection is not bound. Nothing may run on it.
    pub fn judge_binding(&self, answer: &[Option<&str>]) -> Result<(), Error> {
        let wrong = |reason| Err(Error::SchemaBinding { reason });
        let [Some(path), mark, usable] = answer else {
            return wrong("the answer does not have the three columns of a binding");
        };
        match (mark, usable) {
            (None, None) => wrong("there is no schema of this name"),
            (None, Some(_)) => wrong("the schema is not marked for any tenant"),
            (Some(mark), _) if *mark != mark::of(&self.tenant) => {
                wrong("the schema is marked for another tenant")
            }
            (Some(_), Some("true")) if *path == self.search_path() => Ok(()),
            (Some(_), Some("true")) => wrong("the answer belongs to another message"),
            (Some(_), _) => wrong("the login has no USAGE on the schema"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BIND;
    use crate::schema::RESTING_PATH;

    #[test]
    fn what_is_not_bound_rests() {
        assert!(BIND.contains(&format!("ELSE '{RESTING_PATH}'::")));
    }
}
