//! Names that can be joined into SQL: injection-proof, never folded, never truncated.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The longest name that PostgreSQL keeps whole, in bytes.
pub const MAX_LEN: usize = 63;

/// One PostgreSQL name: a role, a schema, a table, a column.
///
/// It is taken as written. PostgreSQL folds unquoted names and cuts long ones without an error,
/// so a name is always quoted here, and a longer one is refused.
///
/// ```
/// use tenancy_postgres::ident::Identifier;
///
/// assert_eq!(Identifier::new("Notes")?.quoted(), r#""Notes""#);
/// assert_eq!(Identifier::new(r#"x"; DROP TABLE y; --"#)?.quoted(), r#""x""; DROP TABLE y; --""#);
/// assert!(Identifier::new("").is_err());
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::Identifier`] when it is empty, longer than [`MAX_LEN`] bytes or holds a NUL byte.
    pub fn new(name: &str) -> Result<Self, Error> {
        let reason = if name.is_empty() {
            "empty"
        } else if name.len() > MAX_LEN {
            "longer than 63 bytes"
        } else if name.contains('\0') {
            "not free of NUL bytes"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(Error::Identifier { reason })
    }

    /// The name as it is kept in the catalog.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name between double quotes, for SQL text.
    pub fn quoted(&self) -> String {
        quoted(&self.0)
    }

    /// An SQL expression of type text with the name as its value. Its digits mean the same under
    /// every setting of the session, which a string literal's backslashes do not.
    pub(crate) fn literal(&self) -> String {
        text_literal(&self.0)
    }
}

/// A name between double quotes. One that comes from the catalog is sound as it is.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An SQL expression of type text for `text`, in hexadecimal.
pub(crate) fn text_literal(text: &str) -> String {
    format!(
        "pg_catalog.convert_from({}, 'UTF8')",
        bytes_literal(text.as_bytes())
    )
}

/// An SQL expression of type bytea for `bytes`, in hexadecimal.
pub(crate) fn bytes_literal(bytes: &[u8]) -> String {
    format!("pg_catalog.decode('{}', 'hex')", hex(bytes))
}

/// Lower-case hexadecimal, as PostgreSQL's `encode(.., 'hex')` writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Identifier {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<&str> for Identifier {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

/// A table in its schema. Never resolved through a `search_path`.
///
/// ```
/// use tenancy_postgres::ident::TableName;
///
/// let notes: TableName = "app.notes".parse()?;
/// assert_eq!(notes.quoted(), r#""app"."notes""#);
/// let plain: TableName = "notes".parse()?;
/// assert_eq!(plain.quoted(), r#""public"."notes""#);
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    schema: Identifier,
    name: Identifier,
}

impl TableName {
    /// A table by its schema's and its own name, each taken as written.
    ///
    /// # Errors
    /// [`Error::Identifier`] when one of them is no name.
    pub fn new(schema: &str, name: &str) -> Result<Self, Error> {
        Ok(Self {
            schema: Identifier::new(schema)?,
            name: Identifier::new(name)?,
        })
    }

    /// The schema.
    pub fn schema(&self) -> &Identifier {
        &self.schema
    }

    /// The table's name in its schema.
    pub fn name(&self) -> &Identifier {
        &self.name
    }

    /// `"schema"."table"`, for SQL text.
    pub fn quoted(&self) -> String {
        format!("{}.{}", self.schema.quoted(), self.name.quoted())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl FromStr for TableName {
    type Err = Error;

    /// Reads `schema.table`, or `table` for one in the schema `public`. Nothing is unquoted or
    /// folded: a name that holds a dot needs [`TableName::new`].
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once('.') {
            None => Self::new("public", text),
            Some((_, rest)) if rest.contains('.') => Err(Error::TableName),
            Some((schema, name)) => Self::new(schema, name),
        }
    }
}
