//! The suite's own tables and rows.

use tenancy_postgres::ident::{Identifier, TableName};
use tenancy_postgres::install::Roles;
use tenancy_postgres::plan::Plan;
use tenancy_postgres::seal::TenantKind;
use tenancy_postgres::wall::{SharedTable, Wall};

use crate::side::Side;
use crate::stage::{OwnTable, Stage, StageError};
use crate::verdict::Verdict;

/// Walled tables; the first three are also played as an application's own.
const WALLED: [&str; 5] = ["notes", "comments", "events", "events_low", "events_high"];

pub(crate) struct Fixture {
    kind: TenantKind,
}

impl Fixture {
    pub(crate) fn new(kind: TenantKind) -> Self {
        Self { kind }
    }

    pub(crate) fn own_tables() -> Result<Vec<OwnTable>, StageError> {
        WALLED[..3]
            .iter()
            .map(|table| OwnTable::new(&format!("conformance.{table}"), "tenant_id"))
            .collect()
    }

    /// The tables, then their walls.
    pub(crate) fn plan(&self, roles: &Roles) -> Result<Fixtures, StageError> {
        let tenant = Identifier::new("tenant_id")?;
        let mut walls = Plan::default();
        for table in WALLED {
            let table = TableName::new("conformance", table)?;
            walls = walls.then(Wall::new(table, tenant.clone(), self.kind)?.plan(roles));
        }
        let plans = TableName::new("conformance", "plans")?;
        walls = walls.then(SharedTable::read_only(plans)?.plan(roles));
        Ok(Fixtures {
            tables: self.tables(roles),
            walls,
        })
    }

    fn tables(&self, roles: &Roles) -> String {
        let kind = self.kind.sql_type();
        let (owner, runtime) = (roles.table_owner().quoted(), roles.runtime().quoted());
        format!(
            "DROP SCHEMA IF EXISTS conformance CASCADE;
             CREATE SCHEMA conformance AUTHORIZATION {owner};
             GRANT USAGE ON SCHEMA conformance TO {runtime};
             SET ROLE {owner};
             CREATE TABLE conformance.notes (
                 tenant_id {kind} NOT NULL, id bigint NOT NULL, title text NOT NULL,
                 amount bigint NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, id));
             CREATE TABLE conformance.comments (
                 tenant_id {kind} NOT NULL, id bigint NOT NULL, note_id bigint NOT NULL,
                 body text NOT NULL, PRIMARY KEY (tenant_id, id),
                 FOREIGN KEY (tenant_id, note_id) REFERENCES conformance.notes (tenant_id, id)
                     ON UPDATE CASCADE ON DELETE CASCADE);
             CREATE INDEX ON conformance.comments (tenant_id, note_id);
             CREATE TABLE conformance.events (
                 tenant_id {kind} NOT NULL, id bigint NOT NULL, what text NOT NULL,
                 PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id);
             CREATE TABLE conformance.events_low PARTITION OF conformance.events
                 FOR VALUES FROM (0) TO (1000);
             CREATE TABLE conformance.events_high PARTITION OF conformance.events
                 FOR VALUES FROM (1000) TO (1000000);
             CREATE TABLE conformance.plans (name text PRIMARY KEY, price bigint NOT NULL);
             CREATE VIEW conformance.notes_of_owner AS
                 SELECT tenant_id, id, title, amount FROM conformance.notes;
             GRANT SELECT ON conformance.notes_of_owner TO {runtime};
             CREATE FUNCTION conformance.titles_of_owner() RETURNS SETOF text
                 LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
                 AS 'SELECT title FROM conformance.notes ORDER BY id';
             REVOKE EXECUTE ON FUNCTION conformance.titles_of_owner() FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION conformance.titles_of_owner() TO {runtime};
             RESET ROLE;
             INSERT INTO conformance.plans VALUES ('free', 0), ('paid', 10);"
        )
    }
}

/// What [`Fixture::plan`] made.
pub(crate) struct Fixtures {
    pub(crate) tables: String,
    pub(crate) walls: Plan,
}

impl Stage {
    /// Puts the rows back to what they are at the start of every case.
    pub(crate) async fn reset(&self) -> Verdict {
        if !self.has_fixture {
            return Ok(());
        }
        let mut sql = String::from(
            "BEGIN; DELETE FROM conformance.comments; DELETE FROM conformance.events; \
             DELETE FROM conformance.notes;",
        );
        for (factor, side) in [1, 1000].into_iter().zip(&self.sides) {
            sql.push_str(&rows(side, factor));
        }
        sql.push_str("COMMIT");
        self.administer(&sql).await
    }

    /// All that `side` has, in one line: equal lines, equal rows.
    pub(crate) async fn holdings(&self, side: &Side) -> Verdict<String> {
        let mut holdings = String::new();
        for table in &self.tables {
            let sql = format!(
                "SELECT pg_catalog.count(*) || ' rows of ' || '{name}' || ' ' || \
                 pg_catalog.md5(pg_catalog.string_agg(t::text, ';' ORDER BY t::text)) \
                 FROM {table} AS t WHERE t.{column} = {id}",
                name = table.name.name().as_str().replace('\'', "''"),
                table = table.name.quoted(),
                column = table.column,
                id = side.literal(),
            );
            holdings.push_str(&self.ask(&sql).await?);
            holdings.push('\n');
        }
        Ok(holdings)
    }
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
