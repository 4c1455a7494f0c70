//! The running service with its tenants: what the tour and the attacks play on.

use tenancy::{MemoryStore, Subdomain, Tenancy, Tenant, TenantId, TenantScope, TenantStatus};

use crate::auth::{Members, OwnTenantOnly};
use crate::client::Client;
use crate::data::{Data, Status, TenantData};
use crate::error::Error;
use crate::notes::{AppError, Notes};
use crate::server::Server;
use crate::service::{self, DOMAIN, Note};

/// The running service with its tenants.
pub(crate) struct Stage<N> {
    /// What the tenants started with.
    pub(crate) data: Data,
    /// Where the tenants are looked up.
    pub(crate) store: MemoryStore,
    /// What opens their scopes.
    pub(crate) tenancy: Tenancy,
    /// What reaches their notes.
    pub(crate) notes: N,
    /// Where it is served.
    pub(crate) server: Server,
}

/// A tenant, and a member who asks.
pub(crate) struct Side<'a> {
    /// The tenant.
    pub(crate) tenant: &'a TenantData,
    /// A member of it.
    pub(crate) client: Client,
}

impl<N: Notes> Stage<N> {
    /// Provisions every tenant of `data`, and starts the server.
    pub(crate) async fn open(data: Data, notes: N, port: u16) -> Result<Self, Error> {
        let store = MemoryStore::default();
        let tenancy = Tenancy::builder(store.clone())
            .resolve(Subdomain::of(DOMAIN))
            .authorize(OwnTenantOnly)
            .build();
        for tenant in &data.tenants {
            sign_up(&tenancy, &store, &notes, tenant).await?;
        }
        let members = Members::of(&data.tenants);
        let app = service::app(tenancy.clone(), notes.clone(), members);
        let server = Server::start(app, port)
            .await
            .map_err(|source| Error::System {
                doing: "listening on 127.0.0.1",
                source,
            })?;
        Ok(Self {
            data,
            store,
            tenancy,
            notes,
            server,
        })
    }

    /// A tenant of the data file, with a member.
    pub(crate) fn side<'a>(&self, tenant: &'a TenantData) -> Side<'a> {
        Side {
            tenant,
            client: Client::member_of(tenant, self.server.address()),
        }
    }

    /// The two tenants that are played against each other.
    pub(crate) fn sides(&self) -> Result<(Side<'_>, Side<'_>), Error> {
        let mut active = self.data.active().map(|tenant| self.side(tenant));
        match (active.next(), active.next()) {
            (Some(one), Some(other)) => Ok((one, other)),
            _ => Err(Error::Usage(
                "the tour needs two active tenants: give a data file with two",
            )),
        }
    }

    /// A host that is nobody's.
    pub(crate) fn unknown_host(&self) -> String {
        let mut number = 1;
        loop {
            let id = format!("nobody-{number}");
            if self
                .data
                .tenants
                .iter()
                .all(|tenant| tenant.id.as_str() != id)
            {
                return format!("{id}.{DOMAIN}");
            }
            number += 1;
        }
    }

    /// Changes whether a tenant is served, from the next request on.
    pub(crate) fn set_status(&self, tenant: &TenantId, status: TenantStatus) -> Result<(), Error> {
        self.store.set_status(tenant, status)?;
        self.tenancy.invalidate(tenant);
        Ok(())
    }

    /// Stops the server and closes every connection.
    pub(crate) async fn close(self) {
        self.server.stop().await;
        self.tenancy.settled().await;
        self.notes.close().await;
    }
}

/// From a name to a tenant that is served: a place, a record, and its first notes.
async fn sign_up<N: Notes>(
    tenancy: &Tenancy,
    store: &MemoryStore,
    notes: &N,
    tenant: &TenantData,
) -> Result<(), Error> {
    let placement = notes.provision(&tenant.id).await?;
    store.insert(Tenant::new(tenant.id.clone()).with_placement(placement))?;
    // A worker's way to the data: no request, the same wall.
    tenancy
        .run(
            &tenant.id,
            async |scope: &TenantScope| -> Result<(), AppError> {
                notes.fill(scope, &tenant.notes).await
            },
        )
        .await?;
    if tenant.status == Status::Suspended {
        store.set_status(&tenant.id, TenantStatus::Suspended)?;
        tenancy.invalidate(&tenant.id);
    }
    Ok(())
}

impl Side<'_> {
    /// The tenant's id.
    pub(crate) fn id(&self) -> &TenantId {
        &self.tenant.id
    }

    /// The notes that it started with, as the service lists them.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let mut notes = self.tenant.notes.clone();
        notes.sort_by_key(|note| note.id);
        notes
    }

    /// Whether the service lists exactly those.
    pub(crate) async fn is_untouched(&self) -> Result<bool, Error> {
        Ok(self.client.notes().await?.1 == self.notes())
    }

    /// Whether `text` is the title of a note that this tenant has and `other` has not.
    pub(crate) fn alone_has(&self, text: &str, other: &Self) -> bool {
        let has = |side: &Self| side.tenant.notes.iter().any(|note| note.title == text);
        has(self) && !has(other)
    }
}
