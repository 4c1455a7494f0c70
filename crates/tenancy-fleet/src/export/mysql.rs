//! A tenant's database on `MariaDB`: `SELECT`, in one snapshot.

use futures_util::TryStreamExt as _;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::folder::Draft;
use super::manifest::{Column, Contents, Csv, LeftOut, Sequence, Table, WrittenAs};
use super::sheet::Sheet;
use super::{ExportError, Source};
use crate::db::{Cell, Lane as _, Row, Value, fault};
use crate::script::{Book, mysql as script};
use crate::site::{MysqlSite, mysql_quoted as quoted};

const NULL: &str = "NULL";
/// So that values are written in one way, whatever the server's settings are.
const SETTINGS: &str = "time_zone = +00:00; sql_mode = ''; character_set_results = utf8mb4";

struct Found {
    name: String,
    kind: String,
    engine: String,
    auto_increment: Option<i64>,
}

pub(super) async fn read(
    source: &Source<'_>,
    site: &MysqlSite,
    draft: &mut Draft,
) -> Result<Contents, ExportError> {
    let (mut connection, database) = site.reader(source.tenant, source.placement).await?;
    let mut reader = Reader {
        connection: &mut connection,
        database,
    };
    reader.begin(source.limits.lock_millis()).await?;
    reader.read(draft).await
}

struct Reader<'a> {
    connection: &'a mut MySqlConnection,
    database: String,
}

impl Reader<'_> {
    /// Holds the place, so that no migration runs meanwhile, and takes the snapshot.
    async fn begin(&mut self, lock: u64) -> Result<(), ExportError> {
        let hold = format!(
            "SELECT CAST(GET_LOCK({}, 0) AS SIGNED)",
            script::lock(&self.database)
        );
        let rows = self.connection.raw_rows(hold).await.map_err(fault)?;
        if rows != [[Cell::Int(1)]] {
            return Err(ExportError::Busy);
        }
        // A slow disk here is no reason for the server to hang up.
        let begin = format!(
            "SET SESSION time_zone = '+00:00', SESSION sql_mode = '', SESSION character_set_results = utf8mb4, \
             SESSION lock_wait_timeout = {}, SESSION max_statement_time = 0, SESSION net_write_timeout = 3600; \
             SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            lock.div_ceil(1_000)
        );
        Ok(self.connection.raw(begin).await.map_err(fault)?)
    }

    async fn read(&mut self, draft: &mut Draft) -> Result<Contents, ExportError> {
        let found = self.found().await?;
        let mut contents = Contents {
            database: "mariadb",
            version: self.version().await?,
            applied_version: self.applied_version(&found).await?,
            csv: Some(Csv {
                null: NULL.to_owned(),
                settings: SETTINGS.to_owned(),
            }),
            file: None,
            tables: Vec::new(),
            sequences: Vec::new(),
            left_out: Vec::new(),
        };
        for one in found {
            match one.kind.as_str() {
                "BASE TABLE" => contents.tables.push(self.table(one, draft).await?),
                "SEQUENCE" => contents.sequences.push(self.sequence(one).await?),
                "VIEW" => contents.left_out.push(LeftOut {
                    kind: "view".to_owned(),
                    schema: None,
                    name: one.name,
                }),
                "SYSTEM VERSIONED" => {
                    return Err(ExportError::NotCarried {
                        what: "a table with system versioning, whose history is no row of it",
                    });
                }
                _ => {
                    return Err(ExportError::NotCarried {
                        what: "a table of a kind that is not known here",
                    });
                }
            }
        }
        self.connection
            .raw("COMMIT".to_owned())
            .await
            .map_err(fault)?;
        Ok(contents)
    }

    async fn found(&mut self) -> Result<Vec<Found>, ExportError> {
        let sql = "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), CAST(AUTO_INCREMENT AS SIGNED) \
                   FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY CAST(TABLE_NAME AS BINARY)";
        let one = |row: Row| match <[Cell; 4]>::try_from(row) {
            Ok([Cell::Text(name), Cell::Text(kind), Cell::Text(engine), next]) => Ok(Found {
                name,
                kind,
                engine,
                auto_increment: match next {
                    Cell::Int(next) => Some(next),
                    _ => None,
                },
            }),
            _ => Err(ExportError::Changed),
        };
        let rows = self.rows(sql, &[]).await?;
        rows.into_iter().map(one).collect()
    }

    async fn version(&mut self) -> Result<String, ExportError> {
        let rows = self
            .connection
            .raw_rows("SELECT VERSION()".to_owned())
            .await;
        match rows.map_err(fault)?.into_iter().flatten().next() {
            Some(Cell::Text(version)) => Ok(version),
            _ => Err(ExportError::Changed),
        }
    }

    async fn applied_version(&mut self, found: &[Found]) -> Result<Option<i64>, ExportError> {
        let ledger = Book::Migrations.name();
        if !found.iter().any(|one| one.name == ledger) {
            return Ok(None);
        }
        let sql = format!(
            "SELECT CAST(MAX(version) AS SIGNED) FROM {} WHERE success",
            self.named(ledger)
        );
        let rows = self.connection.raw_rows(sql).await;
        let rows =
            rows.map_err(|error| ExportError::table(&self.database, ledger, fault(error)))?;
        Ok(match rows.into_iter().flatten().next() {
            Some(Cell::Int(version)) => Some(version),
            _ => None,
        })
    }

    async fn table(&mut self, one: Found, draft: &mut Draft) -> Result<Table, ExportError> {
        let columns = self.columns(&one.name).await?;
        let primary_key = self.primary_key(&one.name).await?;
        let copied = || {
            columns
                .iter()
                .filter(|column| column.kept.written_as != WrittenAs::Generated)
        };
        let (name, path) = draft.next_sheet(&one.name);
        let mut sheet = Sheet::begin(path);
        let mut line = Vec::new();
        for column in copied() {
            field(&mut line, Some(column.kept.name.as_bytes()));
        }
        end(&mut line);
        sheet.write(&line).await?;
        let values: Vec<_> = copied().map(SourceColumn::value).collect();
        let sql = format!(
            "SELECT {} FROM {}",
            values.join(", "),
            self.named(&one.name)
        );
        let failed = |error| ExportError::table(&self.database, &one.name, fault(error));
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let mut rows = sqlx::Executor::fetch(&mut *self.connection, sql);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            line.clear();
            fields(&mut line, &row).map_err(failed)?;
            sheet.write(&line).await?;
        }
        drop(rows);
        let (written, lines) = sheet.finish(name).await?;
        Ok(Table {
            schema: None,
            written,
            rows: lines.saturating_sub(1),
            columns: columns.into_iter().map(|column| column.kept).collect(),
            primary_key,
            auto_increment: one.auto_increment,
            snapshot: one.engine == "InnoDB",
            name: one.name,
        })
    }

    async fn columns(&mut self, table: &str) -> Result<Vec<SourceColumn>, ExportError> {
        let sql = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(GENERATION_EXPRESSION, '') \
                   FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
        let one = |row: Row| match <[Cell; 4]>::try_from(row) {
            Ok(
                [
                    Cell::Text(name),
                    Cell::Text(data),
                    Cell::Text(kind),
                    Cell::Text(generated),
                ],
            ) => {
                let written_as = if generated.is_empty() {
                    written_as(&data)
                } else {
                    WrittenAs::Generated
                };
                Ok(SourceColumn {
                    is_float: data == "float",
                    kept: Column {
                        name,
                        kind,
                        written_as,
                    },
                })
            }
            _ => Err(ExportError::Changed),
        };
        let rows = self.rows(sql, &[table.into()]).await?;
        rows.into_iter().map(one).collect()
    }

    async fn primary_key(&mut self, table: &str) -> Result<Vec<String>, ExportError> {
        let sql = "SELECT COLUMN_NAME FROM information_schema.STATISTICS \
                   WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX";
        let cells = self.rows(sql, &[table.into()]).await?.into_iter().flatten();
        Ok(cells
            .filter_map(|cell| match cell {
                Cell::Text(name) => Some(name),
                _ => None,
            })
            .collect())
    }

    async fn sequence(&mut self, one: Found) -> Result<Sequence, ExportError> {
        let sql = format!(
            "SELECT CAST(next_not_cached_value AS SIGNED) FROM {}",
            self.named(&one.name)
        );
        let rows = self.connection.raw_rows(sql).await;
        let rows =
            rows.map_err(|error| ExportError::table(&self.database, &one.name, fault(error)))?;
        match rows.into_iter().flatten().next() {
            Some(Cell::Int(value)) => Ok(Sequence {
                schema: None,
                name: one.name,
                value,
                is_called: false,
            }),
            _ => Err(ExportError::Changed),
        }
    }

    /// With the database as the first value.
    async fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, ExportError> {
        let database = self.database.clone();
        let values: Vec<_> = std::iter::once(Value::from(&database))
            .chain(values.iter().copied())
            .collect();
        let rows = self.connection.rows(sql.to_owned(), &values).await;
        Ok(rows.map_err(fault)?)
    }

    fn named(&self, table: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(table))
    }
}

struct SourceColumn {
    kept: Column,
    is_float: bool,
}

impl SourceColumn {
    /// Its value in a form that loses nothing.
    fn value(&self) -> String {
        let name = quoted(&self.kept.name);
        match self.kept.written_as {
            WrittenAs::Hex => format!("HEX({name})"),
            WrittenAs::Number => format!("CAST({name} AS UNSIGNED)"),
            // By itself it is shown with six digits.
            _ if self.is_float => format!("CAST({name} AS DOUBLE)"),
            _ => name,
        }
    }
}

fn written_as(data: &str) -> WrittenAs {
    match data {
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector"
        | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" => WrittenAs::Hex,
        "bit" => WrittenAs::Number,
        _ => WrittenAs::Text,
    }
}

fn fields(line: &mut Vec<u8>, row: &MySqlRow) -> Result<(), sqlx::Error> {
    for column in 0..row.len() {
        // In the text protocol every value is its text.
        field(line, row.try_get_unchecked(column)?);
    }
    end(line);
    Ok(())
}

fn field(line: &mut Vec<u8>, value: Option<&[u8]>) {
    if let Some(value) = value {
        line.push(b'"');
        for part in value.split_inclusive(|byte| *byte == b'"') {
            line.extend_from_slice(part);
            if part.ends_with(b"\"") {
                line.push(b'"');
            }
        }
        line.push(b'"');
    } else {
        line.extend_from_slice(NULL.as_bytes());
    }
    line.push(b',');
}

/// A comma stood behind the last one, too.
fn end(line: &mut Vec<u8>) {
    line.pop();
    line.push(b'\n');
}
