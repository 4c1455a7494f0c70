//! Why a library's migrations failed, without its words: those may show a row.

use std::error::Error;

/// Why a library's migrations failed, without its words: those may show a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the migrations of {library} failed{}: see the database's log", shown(.code.as_deref()))]
pub struct LibraryError {
    library: &'static str,
    code: Option<String>,
}

fn shown(code: Option<&str>) -> String {
    code.map_or(String::new(), |code| format!(" (code {code})"))
}

impl LibraryError {
    /// A failure of this library's, with the database's code where it gave one.
    pub fn new(library: &'static str, code: Option<String>) -> Self {
        Self { library, code }
    }

    /// A failure with the code of the database's error that lies behind it, if one does.
    pub fn of(library: &'static str, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(code) = code_of(error) {
                return Self::new(library, Some(code));
            }
            next = error.source();
        }
        Self::new(library, None)
    }

    /// The database's code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

fn code_of(error: &(dyn Error + 'static)) -> Option<String> {
    #[cfg(feature = "refinery")]
    if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
        return Some(error.code()?.code().to_owned());
    }
    let code = error
        .downcast_ref::<sqlx::Error>()?
        .as_database_error()?
        .code()?;
    Some(code.into_owned())
}
