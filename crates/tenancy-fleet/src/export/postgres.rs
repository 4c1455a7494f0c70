//! A tenant's schema, or database, on PostgreSQL: `COPY .. TO`, in one snapshot.

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use tenancy_postgres::mark;

use super::folder::Draft;
use super::manifest::{Column, Contents, Csv, LeftOut, Sequence, Table, WrittenAs};
use super::sheet::Sheet;
use super::{ExportError, Source};
use crate::db::{Cell, Kind, Lane as _, Row, fault};
use crate::script::{Book, postgres as script, text};
use crate::site::{Inside, Open, PostgresSite, SiteError};

/// So that values are written in one way, whatever the server's, the role's and the database's
/// settings are: as `pg_dump` has them.
const SETTINGS: [(&str, &str); 6] = [
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("timezone", "UTC"),
    ("xmloption", "content"),
];
/// Several at once: but a statement has its end.
const TOGETHER: usize = 200;

/// What is in the catalog.
#[derive(PartialEq, Eq)]
struct Found {
    oid: i64,
    kind: String,
    schema: String,
    name: String,
}

impl Found {
    /// The name in SQL.
    fn quoted(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

pub(super) async fn read(
    source: &Source<'_>,
    site: &PostgresSite,
    draft: &mut Draft,
) -> Result<Contents, ExportError> {
    // The place is held, so that no migration runs meanwhile, and seen to be the tenant's.
    let mut held = source
        .site
        .enter(source.tenant, source.placement, None)
        .await?;
    script::hold(&mut held).await.map_err(stopped)?;
    let mut connection = site.connection(held.database()).await?;
    let reader = Reader {
        connection: &mut connection,
        place: Place::of(&held)?,
        lock: source.limits.lock_millis(),
        mark: mark::of(source.tenant),
    };
    reader.read(draft).await
}

fn stopped(trouble: crate::script::Trouble) -> ExportError {
    use crate::script::Trouble;
    match trouble {
        Trouble::Busy => ExportError::Busy,
        Trouble::Missing => SiteError::Missing.into(),
        Trouble::NotOurs => SiteError::NotOurs.into(),
        Trouble::Fault(fault) => fault.into(),
        Trouble::Left | Trouble::Unknown | Trouble::Refused(_) => ExportError::Changed,
    }
}

/// What of the database is the tenant's.
struct Place {
    owner: Option<String>,
    /// Where the ledger lies; not quoted.
    ledger: String,
    /// The schema that is the place. `None`: the whole database is.
    schema: Option<String>,
}

impl Place {
    fn of(open: &Open) -> Result<Self, SiteError> {
        let Inside::Postgres {
            schema,
            owner,
            mark,
            ..
        } = open.inside()
        else {
            return Err(SiteError::Placement {
                reason: "it is not PostgreSQL's",
            });
        };
        let name = script::unquoted(schema);
        Ok(Self {
            owner: owner.clone(),
            schema: mark.as_ref().map(|_| name.clone()),
            ledger: name,
        })
    }
}

struct Reader<'a> {
    connection: &'a mut PgConnection,
    place: Place,
    lock: u64,
    mark: String,
}

impl Reader<'_> {
    async fn read(mut self, draft: &mut Draft) -> Result<Contents, ExportError> {
        let found = self.locked().await?;
        self.ensure_carried().await?;
        let mut contents = Contents {
            database: "postgresql",
            version: self
                .text("SELECT pg_catalog.current_setting('server_version')")
                .await?,
            applied_version: self.applied_version(&found).await?,
            csv: Some(Csv {
                null: String::new(),
                settings: SETTINGS
                    .map(|(name, value)| format!("{name} = {value}"))
                    .join("; "),
            }),
            file: None,
            tables: Vec::new(),
            sequences: Vec::new(),
            left_out: Vec::new(),
        };
        for one in found {
            let kind = match one.kind.as_str() {
                "r" => {
                    contents.tables.push(self.table(one, draft).await?);
                    continue;
                }
                "S" => {
                    contents.sequences.push(self.sequence(one).await?);
                    continue;
                }
                "p" => "partitioned table",
                "v" => "view",
                "m" => "materialized view",
                _ => "foreign table",
            };
            contents.left_out.push(LeftOut {
                kind: kind.to_owned(),
                schema: Some(one.schema),
                name: one.name,
            });
        }
        // A transaction that has failed would say so.
        self.run("COMMIT").await?;
        Ok(contents)
    }

    /// What is in the place, its tables locked before the snapshot is taken: whoever rewrites or
    /// empties one behind a snapshot's back leaves nothing in it.
    async fn locked(&mut self) -> Result<Vec<Found>, ExportError> {
        const TRIES: u32 = 5;
        for _ in 0..TRIES {
            let before = self.found().await?;
            let tables: Vec<_> = before.iter().filter(|one| one.kind == "r").collect();
            self.run(&self.begin()).await?;
            for some in tables.chunks(TOGETHER) {
                let names: Vec<_> = some
                    .iter()
                    .map(|one| format!("ONLY {}", one.quoted()))
                    .collect();
                let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
                self.run(&sql).await.map_err(|error| refused(error, some))?;
            }
            if self.found().await? == before {
                self.ensure_marked().await?;
                return Ok(before);
            }
            self.run("ROLLBACK").await?;
        }
        Err(ExportError::Changed)
    }

    /// As the owner of tenants' tables. A row that a policy hides is an error, and not left out.
    fn begin(&self) -> String {
        let owner = self.place.owner.as_deref();
        let role = owner.map_or(String::new(), |owner| format!("SET LOCAL ROLE {owner}; "));
        let settings = SETTINGS.map(|(name, value)| format!("SET LOCAL {name} = '{value}'"));
        format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {role}SET LOCAL row_security = off; \
             SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL search_path = pg_catalog; {}",
            self.lock,
            settings.join("; ")
        )
    }

    async fn found(&mut self) -> Result<Vec<Found>, ExportError> {
        let inside = match &self.place.schema {
            Some(schema) => format!("n.nspname = {}::pg_catalog.name", literal(schema)),
            None => {
                "n.nspname <> 'information_schema' AND NOT pg_catalog.starts_with(n.nspname, 'pg_')"
                    .to_owned()
            }
        };
        let sql = format!(
            "SELECT c.oid::pg_catalog.int8, c.relkind::pg_catalog.text, n.nspname::pg_catalog.text, c.relname::pg_catalog.text \
             FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND {inside} \
             ORDER BY n.nspname::pg_catalog.text COLLATE \"C\", c.relname::pg_catalog.text COLLATE \"C\""
        );
        let one = |row: Row| match <[Cell; 4]>::try_from(row) {
            Ok(
                [
                    Cell::Int(oid),
                    Cell::Text(kind),
                    Cell::Text(schema),
                    Cell::Text(name),
                ],
            ) => Ok(Found {
                oid,
                kind,
                schema,
                name,
            }),
            _ => Err(ExportError::Changed),
        };
        self.rows(&sql).await?.into_iter().map(one).collect()
    }

    /// In the snapshot itself, the schema is the tenant's. (A database was looked at as a whole.)
    async fn ensure_marked(&mut self) -> Result<(), ExportError> {
        let Some(schema) = &self.place.schema else {
            return Ok(());
        };
        let sql = format!(
            "SELECT COALESCE(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace AS n \
             WHERE n.nspname = {}::pg_catalog.name",
            literal(schema)
        );
        if self.rows(&sql).await? == [[Cell::Text(self.mark.clone())]] {
            Ok(())
        } else {
            Err(SiteError::NotOurs.into())
        }
    }

    /// Large objects lie in no table that could be copied.
    async fn ensure_carried(&mut self) -> Result<(), ExportError> {
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)::pg_catalog.int4::pg_catalog.int8";
        if self.place.schema.is_none() && self.rows(sql).await? != [[Cell::Int(0)]] {
            return Err(ExportError::NotCarried {
                what: "large objects",
            });
        }
        Ok(())
    }

    async fn applied_version(&mut self, found: &[Found]) -> Result<Option<i64>, ExportError> {
        let is_ledger = |one: &&Found| {
            one.kind == "r"
                && one.schema == self.place.ledger
                && one.name == Book::Migrations.name()
        };
        let Some(ledger) = found.iter().find(is_ledger) else {
            return Ok(None);
        };
        let sql = format!("SELECT max(version) FROM {} WHERE success", ledger.quoted());
        let rows = self
            .rows(&sql)
            .await
            .map_err(|error| refused(error, &[ledger]))?;
        Ok(match rows.into_iter().flatten().next() {
            Some(Cell::Int(version)) => Some(version),
            _ => None,
        })
    }

    async fn table(&mut self, one: Found, draft: &mut Draft) -> Result<Table, ExportError> {
        let columns = self.columns(one.oid).await?;
        let primary_key = self.primary_key(one.oid).await?;
        let copied: Vec<_> = columns
            .iter()
            .filter(|column| column.written_as == WrittenAs::Text)
            .map(|column| quoted(&column.name))
            .collect();
        // A table may have no column at all, and rows.
        let list = if copied.is_empty() {
            String::new()
        } else {
            format!(" ({})", copied.join(", "))
        };
        let sql = format!(
            "COPY {}{list} TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')",
            one.quoted()
        );
        let (name, path) = draft.next_sheet(&one.name);
        let mut sheet = Sheet::begin(path);
        let failed = |error| ExportError::table(&one.schema, &one.name, fault(error));
        let mut rows = self.connection.copy_out_raw(&sql).await.map_err(failed)?;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            sheet.write(&row).await?;
        }
        drop(rows);
        let (written, lines) = sheet.finish(name).await?;
        Ok(Table {
            schema: Some(one.schema),
            name: one.name,
            written,
            // The first line has the names.
            rows: lines.saturating_sub(1),
            columns,
            primary_key,
            auto_increment: None,
            snapshot: true,
        })
    }

    async fn columns(&mut self, table: i64) -> Result<Vec<Column>, ExportError> {
        let sql = format!(
            "SELECT a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod), \
             (a.attgenerated <> '')::pg_catalog.int4::pg_catalog.int8 FROM pg_catalog.pg_attribute AS a \
             WHERE a.attrelid = {table}::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        );
        let one = |row: Row| match <[Cell; 3]>::try_from(row) {
            Ok([Cell::Text(name), Cell::Text(kind), Cell::Int(generated)]) => Ok(Column {
                name,
                kind,
                written_as: if generated == 1 {
                    WrittenAs::Generated
                } else {
                    WrittenAs::Text
                },
            }),
            _ => Err(ExportError::Changed),
        };
        self.rows(&sql).await?.into_iter().map(one).collect()
    }

    async fn primary_key(&mut self, table: i64) -> Result<Vec<String>, ExportError> {
        let sql = format!(
            "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_index AS i, \
             LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, at) \
             JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum \
             WHERE i.indrelid = {table}::pg_catalog.oid AND a.attrelid = i.indrelid AND i.indisprimary AND k.at <= i.indnkeyatts \
             ORDER BY k.at"
        );
        let cells = self.rows(&sql).await?.into_iter().flatten();
        Ok(cells
            .filter_map(|cell| match cell {
                Cell::Text(name) => Some(name),
                _ => None,
            })
            .collect())
    }

    async fn sequence(&mut self, one: Found) -> Result<Sequence, ExportError> {
        let sql = format!(
            "SELECT last_value, is_called::pg_catalog.int4::pg_catalog.int8 FROM {}",
            one.quoted()
        );
        let rows = self
            .rows(&sql)
            .await
            .map_err(|error| refused(error, &[&one]))?;
        match rows.into_iter().next().map(<[Cell; 2]>::try_from) {
            Some(Ok([Cell::Int(value), Cell::Int(called)])) => Ok(Sequence {
                schema: Some(one.schema),
                name: one.name,
                value,
                is_called: called == 1,
            }),
            _ => Err(ExportError::Changed),
        }
    }

    async fn run(&mut self, sql: &str) -> Result<(), ExportError> {
        Ok(self.connection.raw(sql.to_owned()).await.map_err(fault)?)
    }

    async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, ExportError> {
        Ok(self
            .connection
            .raw_rows(sql.to_owned())
            .await
            .map_err(fault)?)
    }

    async fn text(&mut self, sql: &str) -> Result<String, ExportError> {
        match self.rows(sql).await?.into_iter().flatten().next() {
            Some(Cell::Text(text)) => Ok(text),
            _ => Err(ExportError::Changed),
        }
    }
}

/// Which table it was about, where it was about one.
fn refused(error: ExportError, tables: &[&Found]) -> ExportError {
    match (error, tables) {
        (ExportError::Database(fault), [one]) => ExportError::table(&one.schema, &one.name, fault),
        (error, _) => error,
    }
}

/// A name of the catalog's, which may hold anything.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &str) -> String {
    text::text(Kind::Postgres, value)
}
