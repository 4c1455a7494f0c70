//! The service, put together but for its framework.

use tempfile::TempDir;
use tenancy::{
    Availability, Header, MemoryStore, Subdomain, Tenancy, TenantId, TenantScope, TenantStatus,
};

use crate::callers::OwnTenantsOnly;
use crate::{Callers, Draft, Faults, Notes, OpenScopes, Problem};

/// Tenants are its subdomains, or named in `x-tenant-id`.
const DOMAIN: &str = "notes.localhost";

/// The tenants that are served, each with a note.
const ACTIVE: [(&str, &str); 3] = [
    ("acme", "rocket skates"),
    ("globex", "weather machine"),
    ("hooli", "compression"),
];

/// One that is known, and not served.
const SUSPENDED: (&str, &str) = ("initech", "TPS reports");

/// The service, put together but for its framework. Clones are one service.
#[derive(Debug, Clone)]
pub struct Service {
    /// What opens scopes.
    pub tenancy: Tenancy,
    /// The data.
    pub notes: Notes,
    /// Who asks.
    pub callers: Callers,
    /// How many scopes are open.
    pub open_scopes: OpenScopes,
    /// What breaks on purpose.
    pub faults: Faults,
    /// Whose notes an administrator counts.
    pub tenants: Vec<TenantId>,
    store: MemoryStore,
}

impl Service {
    /// Provisions the tenants in files in `folder`.
    pub(crate) async fn set_up(folder: &TempDir) -> Result<Self, Problem> {
        let notes = Notes::open(&folder.path().join("tenants"))?;
        let store = MemoryStore::default();
        let open_scopes = OpenScopes::default();
        let tenancy = Tenancy::builder(store.clone())
            .resolve(Subdomain::of(DOMAIN))
            .resolve(Header::named("x-tenant-id"))
            .authorize(OwnTenantsOnly)
            .listen(open_scopes.clone())
            .build();
        let mut tenants = Vec::new();
        for (name, title) in ACTIVE.into_iter().chain([SUSPENDED]) {
            let id = TenantId::new(name).map_err(tenancy::Error::from)?;
            store.insert(notes.provision(&id).await?)?;
            let draft = Draft {
                title: title.to_owned(),
            };
            tenancy
                .run(&id, async |scope: &TenantScope| {
                    notes.add(scope, draft).await
                })
                .await?;
            if name == SUSPENDED.0 {
                store.set_status(&id, TenantStatus::Suspended)?;
                tenancy.invalidate(&id);
            } else {
                tenants.push(id);
            }
        }
        Ok(Self {
            tenancy,
            notes,
            callers: Callers::default(),
            open_scopes,
            faults: Faults::default(),
            tenants,
            store,
        })
    }

    /// Lets `acme` be worked with like this, for the suite: a real service has an operator do it.
    ///
    /// # Errors
    /// [`Problem`] where there is no such tenant.
    pub fn switch(&self, to: Availability) -> Result<(), Problem> {
        let id = TenantId::new(ACTIVE[0].0).map_err(tenancy::Error::from)?;
        self.store.set_availability(&id, to)?;
        self.tenancy.invalidate(&id);
        Ok(())
    }

    /// Waits for what is still being closed, and closes every connection.
    pub(crate) async fn close(&self) {
        self.tenancy.settled().await;
        self.notes.close().await;
    }
}
