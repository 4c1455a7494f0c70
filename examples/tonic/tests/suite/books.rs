//! What each tenant's notes have to be.

use tenancy_http_suite::books::TENANTS;
use tenancy_http_suite::client::Caller;
use tenancy_http_suite::program::Program;

use crate::client::{Connection, answered, by};
use crate::serving::{draft, titles};

/// The titles of all tenants' notes, as they were added: what the program has to say of them.
pub(crate) struct Books([Vec<String>; 3]);

impl Default for Books {
    /// What every program starts with.
    fn default() -> Self {
        Self(
            ["rocket skates", "weather machine", "compression"].map(|title| vec![title.to_owned()]),
        )
    }
}

impl Books {
    /// These were saved.
    pub(crate) fn enter<T: Into<String>>(
        &mut self,
        tenant: &str,
        titles: impl IntoIterator<Item = T>,
    ) {
        let at = TENANTS.iter().position(|known| *known == tenant);
        let titles = titles.into_iter().map(Into::into);
        self.0[at.expect("a tenant that is served")].extend(titles);
    }

    /// Sees on another connection that every tenant has these notes and no others; then that each can
    /// be written.
    pub(crate) async fn balance(&mut self, program: &Program, what: &str) {
        self.compare(program, what).await;
        let connection = Connection::open(program).await;
        for tenant in TENANTS {
            let next = by(Caller::Everywhere, draft("next"));
            let added = answered(connection.notes(tenant).add(next)).await;
            assert!(added.is_ok(), "{what}: {tenant}: {added:?}");
            self.enter(tenant, ["next"]);
        }
        self.compare(program, what).await;
    }

    /// The same, without writing.
    pub(crate) async fn compare(&self, program: &Program, what: &str) {
        let connection = Connection::open(program).await;
        for (tenant, wanted) in TENANTS.into_iter().zip(&self.0) {
            let found = titles(&connection, Caller::Everywhere, tenant).await;
            assert_eq!(found.unwrap(), *wanted, "{what}: {tenant}");
        }
    }
}
