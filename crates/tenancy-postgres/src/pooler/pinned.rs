use crate::Error;
use crate::scrub::Nonce;

/// Whether the server session is the one that this connection asked for.
///
/// A pool that works with sessions sends its settings in the startup message's `options`, and this
/// one more with them. Whatever stands between swallows the options (PgBouncer with
/// `ignore_startup_parameters = options`) or refuses the connection (PgBouncer without), so a
/// server session that doesn't know the nonce is not this connection's own. Two answers of
/// `pg_backend_pid()` that agree would show nothing: an idle pooler gives the same one twice.
///
/// The setting survives `RESET ALL`, which returns to it, so a pool may ask again at each scrub.
///
/// ```
/// use tenancy_postgres::pooler::Pinned;
///
/// let pinned = Pinned::random()?;
/// let (name, value) = pinned.option(); // one more `-c name=value` in the startup options
/// assert_eq!(name, "tenancy.pinned");
/// assert!(pinned.check(Some(value)).is_ok()); // what Pinned::SQL answered
/// assert!(pinned.check(None).is_err());
/// # Ok::<(), tenancy_postgres::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned(Nonce);

impl Pinned {
    /// Answers one row with one text, for [`Pinned::check`].
    pub const SQL: &'static str = "SELECT pg_catalog.current_setting('tenancy.pinned', true)";

    /// A fresh one, for one connection.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system's random source fails.
    pub fn random() -> Result<Self, Error> {
        Nonce::random().map(Self)
    }

    /// The setting for the startup options: its name, and its raw value of hexadecimal digits.
    pub fn option(&self) -> (&'static str, &str) {
        ("tenancy.pinned", self.0.as_str())
    }

    /// Judges what [`Pinned::SQL`] answered on this connection.
    ///
    /// # Errors
    /// [`Error::StartupOptions`] when the server session doesn't have this connection's options:
    /// drop the connection, and don't serve.
    pub fn check(&self, answer: Option<&str>) -> Result<(), Error> {
        match answer {
            Some(answer) if answer == self.0.as_str() => Ok(()),
            None | Some("") => Err(Error::StartupOptions { what: "dropped" }),
            Some(_) => Err(Error::StartupOptions { what: "replaced" }),
        }
    }

    /// What a failed connect means, by its SQLSTATE and message, if it is a pooler that refuses the
    /// startup options.
    ///
    /// ```
    /// use tenancy_postgres::pooler::Pinned;
    ///
    /// assert!(Pinned::explain("08P01", "unsupported startup parameter: options").is_some());
    /// assert!(Pinned::explain("28P01", "password authentication failed").is_none());
    /// ```
    pub fn explain(code: &str, message: &str) -> Option<Error> {
        (code == "08P01" && message.starts_with("unsupported startup parameter"))
            .then_some(Error::StartupOptions { what: "refused" })
    }
}
