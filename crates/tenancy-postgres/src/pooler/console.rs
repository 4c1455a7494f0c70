use super::begin::RESET;
use crate::Error;

/// Asks PgBouncer's admin console for its settings.
pub const SHOW_CONFIG: &str = "SHOW CONFIG";
/// Asks PgBouncer's admin console for its databases, which may override the pool mode.
pub const SHOW_DATABASES: &str = "SHOW DATABASES";
/// Asks PgBouncer's admin console for its users, which may override it again.
pub const SHOW_USERS: &str = "SHOW USERS";

/// A `server_reset_query` that is as good as `DISCARD ALL` here, and cheaper: without `DISCARD PLANS`
/// the server's functions keep their plans from one transaction to the next (behind it, `leave()` costs
/// more than twice as much). Everything in a pool runs as one login, so a plan tells nobody
/// anything.
pub const RESET_QUERY: &str = "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// One answer of the admin console, which speaks the simple protocol only: the names of the columns,
/// and rows of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleRows {
    /// The names, in order.
    pub columns: Vec<String>,
    /// The rows, in the same order.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What the admin console answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Console {
    /// To [`SHOW_CONFIG`].
    pub config: ConsoleRows,
    /// To [`SHOW_DATABASES`].
    pub databases: ConsoleRows,
    /// To [`SHOW_USERS`].
    pub users: ConsoleRows,
}

/// Judges PgBouncer's configuration for the clients of `database` (the name that they ask for) that
/// log in as `login`.
///
/// It tells beforehand, and in the configuration's own words, what [`Probe`](super::Probe) would
/// find. It does not stand in for the probe: a server connection that was opened before a `RELOAD`
/// keeps serving.
///
/// # Errors
/// [`Error::Pooler`] with the first thing that is not as it must be, or can't be seen to be.
///
/// ```
/// use tenancy_postgres::pooler::{Console, judge_console};
///
/// let error = judge_console(&Console::default(), "app", "app_pooled").unwrap_err();
/// assert!(error.to_string().contains("pool_mode"));
/// ```
pub fn judge_console(console: &Console, database: &str, login: &str) -> Result<(), Error> {
    let setting = |name: &str| console.config.cell("key", name, "value");
    let refuse = |found: String, mend| Err(Error::Pooler { found, mend });

    let Some(mode) = setting("pool_mode") else {
        return refuse(
            "its answer to SHOW CONFIG holds no pool_mode".to_owned(),
            "Ask PgBouncer's admin console, as one of its admin_users or stats_users",
        );
    };
    let Some(entry) = console.databases.find("name", database) else {
        return refuse(
            "its answer to SHOW DATABASES doesn't hold this pool's database".to_owned(),
            "Name the database in the section [databases]: what `*` leads to can't be looked at",
        );
    };
    // The user's overrides the database's, which overrides the server's.
    let of_user = console.users.cell("name", login, "pool_mode");
    let of_database = console.databases.value(entry, "pool_mode");
    let effective = of_user.or(of_database).unwrap_or(mode);
    if effective != "transaction" {
        return refuse(
            format!("its pool_mode is {effective} for this database and login"),
            "Set pool_mode = transaction, also where the database or the user overrides it",
        );
    }
    if console
        .databases
        .value(entry, "force_user")
        .is_some_and(|user| user != login)
    {
        return refuse(
            "its force_user replaces this pool's login by another".to_owned(),
            "Take force_user out of the database's entry",
        );
    }
    let reset = setting("server_reset_query").unwrap_or_default();
    if !resets(reset) {
        return refuse("its server_reset_query is less than DISCARD ALL, so some of what one tenant leaves reaches the next".to_owned(), RESET);
    }
    if setting("server_reset_query_always") != Some("1") {
        return refuse("its server_reset_query_always is off, so in transaction mode it never resets and what one tenant leaves reaches the next".to_owned(), RESET);
    }
    Ok(())
}

/// Whether it is one of the two, whatever its case and spaces.
fn resets(query: &str) -> bool {
    let statements = |query: &str| -> Vec<String> {
        query
            .split(';')
            .map(|statement| {
                statement
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .to_lowercase()
            })
            .filter(|statement| !statement.is_empty())
            .collect()
    };
    let query = statements(query);
    query == ["discard all"] || query == statements(RESET_QUERY)
}

impl ConsoleRows {
    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    fn find(&self, column: &str, is: &str) -> Option<&[Option<String>]> {
        let at = self.column(column)?;
        let row = self
            .rows
            .iter()
            .find(|row| row.get(at).and_then(Option::as_deref) == Some(is))?;
        Some(row)
    }

    fn value<'a>(&self, row: &'a [Option<String>], column: &str) -> Option<&'a str> {
        let value = row.get(self.column(column)?)?.as_deref()?;
        (!value.is_empty()).then_some(value)
    }

    fn cell(&self, column: &str, is: &str, wanted: &str) -> Option<&str> {
        self.value(self.find(column, is)?, wanted)
    }
}
