//! Looking at a site before somebody needs it: what keeps tenants apart there, and what is missing.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use super::{Engine, Site, SiteError};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Weight {
    /// It is as it should be.
    Fine,
    /// It works, and something should be done.
    Doubtful,
    /// Something will be refused.
    Wrong,
}

/// One thing that was looked at. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at: `server`, `connection`, `administrator`, `owner`, `folder`.
    pub name: &'static str,
    /// How grave it is.
    pub weight: Weight,
    /// What was found, and what to do.
    pub message: String,
}

impl Finding {
    fn new(name: &'static str, weight: Weight, message: impl Into<String>) -> Self {
        Self {
            name,
            weight,
            message: message.into(),
        }
    }
}

impl Site {
    /// Looks at the server or the folder, at the administrator's rights, and at the way there. It
    /// changes nothing.
    ///
    /// # Errors
    /// [`SiteError`] where it can't be reached.
    #[allow(clippy::unused_async)] // a folder is looked at at once
    pub async fn examine(&self) -> Result<Vec<Finding>, SiteError> {
        match &self.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => postgres::examine(site, self.strategy).await,
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => mysql::examine(site).await,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(site) => sqlite::examine(site),
        }
    }

    /// Looks at the way there alone, by the URL: whether others may read what goes over it.
    pub fn examine_way(&self) -> Finding {
        match &self.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(site) => postgres::way(site),
            #[cfg(feature = "mysql")]
            Engine::Mysql(site) => mysql::way(site),
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Finding::new("connection", Weight::Fine, "a file of this machine"),
        }
    }
}

/// What an encryption keeps out.
#[cfg(any(feature = "mysql", feature = "postgres"))]
enum Secrecy {
    /// Nobody, where the server offers none.
    Perhaps,
    /// Who only listens.
    Listeners,
    /// Who stands between, too.
    Everybody,
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
fn way_to(host: &str, by_socket: bool, secrecy: &Secrecy, parameter: &str) -> Finding {
    let is_loopback = host == "localhost"
        || host.starts_with('/')
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let (weight, message) = match secrecy {
        _ if by_socket || is_loopback => (Weight::Fine, "inside this machine".to_owned()),
        Secrecy::Everybody => (
            Weight::Fine,
            "encrypted, to a server that proves who it is".to_owned(),
        ),
        Secrecy::Listeners => (
            Weight::Doubtful,
            format!(
                "encrypted, to whoever answers: have the URL say {parameter}, so that the server has to prove who it is"
            ),
        ),
        Secrecy::Perhaps => (
            Weight::Doubtful,
            format!(
                "to another machine, and in plain text where the server offers no TLS: have the URL say {parameter}"
            ),
        ),
    };
    Finding::new("connection", weight, message)
}

#[cfg(all(test, feature = "mysql", feature = "postgres"))]
mod tests {
    use super::Weight;
    use crate::site::{MysqlSite, PostgresSite, Site};

    #[test]
    fn a_way_that_others_may_read_is_told_by_the_url() {
        for (url, weight) in [
            ("postgres://ada@db.example/shop", Weight::Doubtful),
            (
                "postgres://ada@192.0.2.1/shop?sslmode=disable",
                Weight::Doubtful,
            ),
            (
                "postgres://ada@db.example/shop?sslmode=require",
                Weight::Doubtful,
            ),
            (
                "postgres://ada@db.example/shop?sslmode=verify-full",
                Weight::Fine,
            ),
            ("postgres://ada@127.0.0.1/shop", Weight::Fine),
            ("postgres://ada@[::1]/shop", Weight::Fine),
            (
                "postgres://ada@localhost/shop?sslmode=disable",
                Weight::Fine,
            ),
            (
                "postgres:///shop?host=/run/postgresql&user=ada",
                Weight::Fine,
            ),
            (
                "postgres://ada@localhost.evil.example/shop",
                Weight::Doubtful,
            ),
            ("mysql://ada@db.example/shop", Weight::Doubtful),
            (
                "mysql://ada@db.example/shop?ssl-mode=REQUIRED",
                Weight::Doubtful,
            ),
            (
                "mysql://ada@db.example/shop?ssl-mode=VERIFY_IDENTITY",
                Weight::Fine,
            ),
            ("mysql://ada@127.9.9.9/shop", Weight::Fine),
        ] {
            let site: Site = if url.starts_with("mysql") {
                MysqlSite::new(url).unwrap().into()
            } else {
                PostgresSite::new(url).unwrap().into()
            };
            assert_eq!(site.examine_way().weight, weight, "{url}");
        }
    }
}
