//! Tenants, members and a database for the integrations' own tests, which run without a socket.

use std::sync::{Arc, Mutex};

use tenancy_core::{
    BoxError, Ending, Error, Event, Header, Listener, Membership, MemoryStore, RequestView,
    ScopedDatabase, Tenancy, Tenant, TenantId, TenantScope, TenantStatus,
};

/// Who is logged in: a member of these tenants.
#[derive(Debug, Clone)]
pub struct User(pub Vec<&'static str>);

impl User {
    /// A member of `acme`, `globex` and the suspended `sleepy`, and not of `private`.
    pub fn member() -> Self {
        Self(vec!["acme", "globex", "sleepy"])
    }
}

struct Members;

impl Membership for Members {
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        let user = request.principal_as::<User>();
        Ok(user.is_some_and(|User(tenants)| tenants.contains(&tenant.as_str())))
    }
}

/// A request's headers, in order.
pub type Headers = Vec<(&'static str, String)>;

/// Remembers how each scope ended.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<Vec<(String, Ending)>>>);

impl Ends {
    /// All of them so far; forgotten from here on.
    pub fn take(&self) -> Vec<(String, Ending)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Whether only `acme`'s scope has ended, like this.
    pub fn only(&self, ending: Ending) -> bool {
        self.take() == [("acme".to_owned(), ending)]
    }
}

impl Listener for Ends {
    fn on_event(&self, tenant: &TenantId, event: &Event<'_>) {
        if let Event::Ended { ending, .. } = event {
            self.0.lock().unwrap().push((tenant.to_string(), *ending));
        }
    }
}

/// `acme`, `globex` and `private` are active, `sleepy` is suspended; `x-tenant-id` names them.
pub fn tenancy() -> (Tenancy, Ends) {
    let ends = Ends::default();
    let id = |name| TenantId::new(name).unwrap();
    let active = ["acme", "globex", "private"].map(|name| Tenant::new(id(name)));
    let sleepy = Tenant::new(id("sleepy")).with_status(TenantStatus::Suspended);
    let tenancy = Tenancy::builder(MemoryStore::new(active.into_iter().chain([sleepy])))
        .resolve(Header::named("x-tenant-id"))
        .authorize(Members)
        .listen(ends.clone())
        .build();
    (tenancy, ends)
}

/// Whose scope is ambient here: a tenant's id, `central` or `none`.
pub fn ambient() -> String {
    match tenancy_core::Context::current() {
        tenancy_core::Context::Tenant(scope) => scope.tenant_id().to_string(),
        tenancy_core::Context::Central(_) => "central".to_owned(),
        tenancy_core::Context::None => "none".to_owned(),
    }
}

/// A database whose connections say whose they are.
#[derive(Debug, Clone)]
pub struct Shelves;

impl ScopedDatabase for Shelves {
    type Connection = String;
    type Error = Error;

    async fn acquire_owned(&self, scope: TenantScope) -> Result<String, Error> {
        scope.ensure_usable()?;
        Ok(format!("the shelf of {}", scope.tenant_id()))
    }
}

/// A database that hands out nothing.
#[derive(Debug, Clone)]
pub struct Exhausted;

impl ScopedDatabase for Exhausted {
    type Connection = String;
    type Error = Error;

    async fn acquire_owned(&self, _: TenantScope) -> Result<String, Error> {
        Err(Error::ScopeEnded)
    }
}

/// Says when it is dropped, and what was ambient then.
#[derive(Debug)]
pub struct TellsWhenDropped(pub Arc<Mutex<Vec<String>>>);

impl Drop for TellsWhenDropped {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(ambient());
    }
}
