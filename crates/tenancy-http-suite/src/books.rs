//! What each tenant's notes have to be.

use http::StatusCode;

use crate::client::{Caller, Connection};
use crate::program::Program;

/// Those that are served.
pub const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

/// The titles of all tenants' notes, as they were added: what the program has to say of them.
#[derive(Debug)]
pub struct Books([Vec<String>; 3]);

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
    pub fn enter<T: Into<String>>(&mut self, tenant: &str, titles: impl IntoIterator<Item = T>) {
        let at = TENANTS.iter().position(|known| *known == tenant);
        let titles = titles.into_iter().map(Into::into);
        self.0[at.expect("a tenant that is served")].extend(titles);
    }

    /// Sees on another connection that every tenant has these notes and no others; then that each can
    /// be written.
    ///
    /// # Panics
    /// Where one can't, or has others.
    pub async fn balance(&mut self, program: &Program, what: &str) {
        self.compare(program, what).await;
        let mut connection = program.connect().await;
        for tenant in TENANTS {
            let added = connection.add(Caller::Everywhere, tenant, "next").await;
            assert_eq!(added.status, StatusCode::CREATED, "{what}: {tenant}");
            self.enter(tenant, ["next"]);
        }
        self.compare(program, what).await;
    }

    /// The same, without writing.
    ///
    /// # Panics
    /// Where a tenant has other notes.
    pub async fn compare(&self, program: &Program, what: &str) {
        let mut connection = program.connect().await;
        for (tenant, wanted) in TENANTS.into_iter().zip(&self.0) {
            assert_eq!(
                titles(&mut connection, tenant).await,
                *wanted,
                "{what}: {tenant}"
            );
        }
    }
}

/// The titles of a tenant's notes, as they were added.
pub async fn titles(connection: &mut Connection, tenant: &str) -> Vec<String> {
    let listed = connection.get(Caller::Everywhere, tenant, "/notes").await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text());
    let notes: Vec<serde_json::Value> = serde_json::from_slice(&listed.body).unwrap();
    let title = |note: &serde_json::Value| note["title"].as_str().unwrap().to_owned();
    notes.iter().map(title).collect()
}
