//! The suite's own tables and rows.

use std::fmt::Write as _;

use tenancy_postgres::ident::{Identifier, TableName};
use tenancy_postgres::seal::TenantKind;

use crate::place::{Place, quoted};
use crate::side::Side;
use crate::stage::{OwnTable, Stage, StageError};
use crate::verdict::Verdict;

/// Tables whose rows belong to a tenant; the first three are also played as an application's own.
pub(crate) const TABLES: [&str; 5] = ["notes", "comments", "events", "events_low", "events_high"];

/// The tables as an application's own.
pub(crate) fn own_tables() -> Result<Vec<OwnTable>, StageError> {
    TABLES[..3]
        .iter()
        .map(|table| OwnTable::new(&format!("conformance.{table}"), "tenant_id"))
        .collect()
}

/// A table of the fixture's, on shared ground.
pub(crate) fn shared(table: &str) -> Result<TableName, tenancy_postgres::Error> {
    TableName::new("conformance", table)
}

/// The tables of one schema, which is there: owned by `owner`, and reached by `readers`.
pub(crate) struct Tables<'a> {
    pub(crate) schema: &'a str,
    pub(crate) kind: TenantKind,
    pub(crate) owner: &'a Identifier,
    /// Roles, as SQL writes them.
    pub(crate) readers: &'a str,
    /// Where they are one tenant's: the tenant that every row gets unless it names another.
    pub(crate) tenant: Option<&'a Side>,
}

impl Tables<'_> {
    pub(crate) fn sql(&self) -> String {
        let (kind, schema) = (self.kind.sql_type(), quoted(self.schema));
        let (owner, reader) = (self.owner.quoted(), self.readers);
        // In a tenant's own place a definer function would be a hole, and is found as one.
        let rights = match self.tenant {
            Some(_) => "SECURITY INVOKER",
            None => "SECURITY DEFINER",
        };
        let tenant = match self.tenant {
            Some(side) => format!("tenant_id {kind} NOT NULL DEFAULT {}", side.literal()),
            None => format!("tenant_id {kind} NOT NULL"),
        };
        let mut sql = format!(
            "SET ROLE {owner};
             CREATE TABLE {schema}.notes (
                 {tenant}, id bigint NOT NULL, title text NOT NULL,
                 amount bigint NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, id));
             CREATE TABLE {schema}.comments (
                 {tenant}, id bigint NOT NULL, note_id bigint NOT NULL,
                 body text NOT NULL, PRIMARY KEY (tenant_id, id),
                 FOREIGN KEY (tenant_id, note_id) REFERENCES {schema}.notes (tenant_id, id)
                     ON UPDATE CASCADE ON DELETE CASCADE);
             CREATE INDEX ON {schema}.comments (tenant_id, note_id);
             CREATE TABLE {schema}.events (
                 {tenant}, id bigint NOT NULL, what text NOT NULL,
                 PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id);
             CREATE TABLE {schema}.events_low PARTITION OF {schema}.events
                 FOR VALUES FROM (0) TO (1000);
             CREATE TABLE {schema}.events_high PARTITION OF {schema}.events
                 FOR VALUES FROM (1000) TO (1000000);
             CREATE TABLE {schema}.plans (name text PRIMARY KEY, price bigint NOT NULL);
             CREATE VIEW {schema}.notes_of_owner AS
                 SELECT tenant_id, id, title, amount FROM {schema}.notes;
             GRANT SELECT ON {schema}.notes_of_owner TO {reader};
             CREATE FUNCTION {schema}.titles_of_owner() RETURNS SETOF text
                 LANGUAGE sql STABLE {rights} SET search_path = pg_catalog, pg_temp
                 AS $titles$ SELECT title FROM {schema}.notes ORDER BY id $titles$;
             REVOKE EXECUTE ON FUNCTION {schema}.titles_of_owner() FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION {schema}.titles_of_owner() TO {reader};
             RESET ROLE;
             INSERT INTO {schema}.plans VALUES ('free', 0), ('paid', 10);"
        );
        if self.tenant.is_some() {
            // What a wall's plan does for shared tables, whatever the schema's default privileges.
            for table in TABLES {
                // Writing to a String does not fail.
                let _ = write!(
                    sql,
                    " REVOKE ALL ON {schema}.{table} FROM PUBLIC, {reader}; \
                     GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.{table} TO {reader};"
                );
            }
            let _ = write!(
                sql,
                " REVOKE ALL ON {schema}.plans, {schema}.notes_of_owner FROM PUBLIC, {reader}; \
                 GRANT SELECT ON {schema}.plans, {schema}.notes_of_owner TO {reader};"
            );
        }
        sql
    }
}

impl Stage {
    /// Puts the rows back to what they are at the start of every case.
    pub(crate) async fn reset(&self) -> Verdict {
        if !self.has_fixture {
            return Ok(());
        }
        let [a, b] = &self.sides;
        if self.tier.is_walled() {
            let rows = rows(a, 1) + &rows(b, 1000);
            return refill(&a.place, &rows).await;
        }
        refill(&a.place, &rows(a, 1)).await?;
        refill(&b.place, &rows(b, 1000)).await
    }

    /// All that `side` has, in one line for each table: equal lines, equal rows. In a place of its
    /// own everything is its own, whoever a row names.
    pub(crate) async fn holdings(&self, side: &Side) -> Verdict<String> {
        let mut holdings = String::new();
        for table in &self.tables {
            let (name, whose) = if self.tier.is_walled() {
                let whose = format!("t.{} = {}", table.column, side.literal());
                (table.name.quoted(), whose)
            } else {
                let name = format!("{}.{}", side.place.quoted(), table.name.name().quoted());
                (name, "true".to_owned())
            };
            let sql = format!(
                "SELECT pg_catalog.count(*) || ' rows of ' || '{label}' || ' ' || \
                 COALESCE(pg_catalog.md5(pg_catalog.string_agg(t::text, ';' ORDER BY t::text)), '') \
                 FROM {name} AS t WHERE {whose}",
                label = table.name.name().as_str().replace('\'', "''"),
            );
            holdings.push_str(&side.place.ask(&sql).await?);
            holdings.push('\n');
        }
        Ok(holdings)
    }
}

async fn refill(place: &Place, rows: &str) -> Verdict {
    place
        .administer(&format!(
            "BEGIN; DELETE FROM conformance.comments; DELETE FROM conformance.events; \
             DELETE FROM conformance.notes; {rows} COMMIT"
        ))
        .await
}

/// Three notes whose keys collide with the other tenant's, one that does not; comments, events.
fn rows(side: &Side, factor: i64) -> String {
    let (id, mark, lone) = (side.literal(), &side.mark, side.lone);
    format!(
        "INSERT INTO conformance.notes (tenant_id, id, title, amount)
             SELECT {id}, i, '{mark}-note-' || i, i * {factor}
             FROM pg_catalog.unnest('{{1,2,3,{lone}}}'::bigint[]) AS i;
         INSERT INTO conformance.comments (tenant_id, id, note_id, body)
             SELECT {id}, i, i, '{mark}-comment-' || i FROM pg_catalog.generate_series(1, 3) AS i;
         INSERT INTO conformance.events (tenant_id, id, what)
             SELECT {id}, i, '{mark}-event-' || i
             FROM pg_catalog.unnest('{{1,2,1001}}'::bigint[]) AS i;"
    )
}
