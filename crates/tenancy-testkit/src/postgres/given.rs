//! A server that somebody else started: by URL, from the environment.

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::Major;
use super::server::Endpoint;
use crate::Error;

/// Where a given server is, and what it turned out to be.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) endpoint: Endpoint,
    pub(super) version: String,
    pub(super) major: Major,
}

/// Reads a superuser's URL and looks at the server behind it. `variable` is for the error.
pub(super) async fn look_at(url: &str, variable: &str) -> Result<Given, Error> {
    let refuse = |reason: String| Error::Given {
        variable: variable.to_owned(),
        reason,
    };
    let config: Config = url.parse().map_err(|_| {
        refuse("it is no PostgreSQL URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE".into())
    })?;
    let (Some(user), [Host::Tcp(host), ..]) = (config.get_user(), config.get_hosts()) else {
        return Err(refuse(
            "its URL names no user, or no host to reach over TCP".into(),
        ));
    };
    let endpoint = Endpoint {
        host: host.clone(),
        port: config.get_ports().first().copied().unwrap_or(5432),
        user: user.to_owned(),
        password: config
            .get_password()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .unwrap_or_default(),
    };
    let database = config.get_dbname().unwrap_or("postgres");
    let client = endpoint
        .connect(database)
        .await
        .map_err(|error| refuse(format!("it can't be reached: {error}")))?;
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000, \
             rolsuper FROM pg_roles WHERE rolname = current_user",
            &[],
        )
        .await?;
    let (version, number, superuser): (String, i32, bool) = (row.get(0), row.get(1), row.get(2));
    let major = number.to_string().parse().map_err(refuse)?;
    if !superuser {
        return Err(refuse(
            "its user is no superuser, and the tests make roles and databases".into(),
        ));
    }
    // `18.6 (Debian 18.6-1)` is `18.6` here.
    let version = version.split(' ').next().unwrap_or_default().to_owned();
    Ok(Given {
        endpoint,
        version,
        major,
    })
}
