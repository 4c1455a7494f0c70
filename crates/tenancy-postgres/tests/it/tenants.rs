//! Logins of tenants, and the connections that they make.

use std::fmt::Write as _;

use secrecy::SecretString;
use tenancy_core::TenantId;
use tenancy_postgres::identity::{Identity, Judgement};
use tenancy_postgres::role::TenantRole;
use tenancy_postgres::verify::Code;
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::support::{World, run, text};

pub(crate) const PASSWORD: &str = "pass word' \\ of a tenant";

pub(crate) fn id(tenant: &str) -> TenantId {
    TenantId::new(tenant).unwrap()
}

pub(crate) fn password() -> SecretString {
    PASSWORD.to_owned().into()
}

/// Options of the startup message: a space or a backslash in a value is escaped.
pub(crate) fn startup_text(options: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in options {
        let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
        write!(text, "-c {name}={value} ").unwrap();
    }
    text
}

impl World {
    /// A name that no other test of this run has.
    pub(crate) fn named(&self, what: &str) -> String {
        format!("{}_{what}", self.database.name())
    }

    /// Makes a tenant's login.
    pub(crate) async fn login(&self, tenant: &str) -> TenantRole {
        let name = self.named(&format!("login_{tenant}"));
        let role = TenantRole::new(&id(tenant), name.parse().unwrap()).unwrap();
        run(&self.admin, role.create(&password()).unwrap()).await;
        role
    }

    /// A connection of `login` to `database`.
    pub(crate) async fn open(
        &self,
        login: &str,
        password: &str,
        database: &str,
        options: &[(&'static str, String)],
    ) -> Result<Client, Error> {
        let mut config: Config = self.database.admin_url().parse().unwrap();
        config
            .user(login)
            .password(password)
            .dbname(database)
            .options(startup_text(options));
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // Why it ended is what the client's next call says.
            let _ = connection.await;
        });
        Ok(client)
    }
}

/// What a connection is judged to be.
pub(crate) async fn judged(client: &Client, identity: &Identity) -> Judgement {
    let answer = text(client, &identity.sql()).await.unwrap();
    let judgement = identity.judge(&answer).unwrap();
    let cheap = text(client, &identity.fingerprint_sql()).await.unwrap();
    assert_eq!(cheap, judgement.fingerprint);
    judgement
}

/// The kinds of holes in a judgement.
pub(crate) fn holes(judgement: &Judgement) -> Vec<Code> {
    judgement
        .findings
        .iter()
        .filter(|finding| finding.is_hole())
        .map(|finding| finding.code)
        .collect()
}
