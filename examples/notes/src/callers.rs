//! Who asks, and whether they belong to the tenant that they ask for. This is the application's
//! own: `tenancy` only insists that there is such a check.

use std::collections::HashMap;
use std::sync::Arc;

use tenancy::{BoxError, Membership, RequestView, TenantId};

/// Whose token was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    tenants: &'static [&'static str],
    is_administrator: bool,
}

/// All tokens. A real service checks a signature, or asks its table of sessions.
#[derive(Debug, Clone)]
pub struct Callers(Arc<HashMap<&'static str, Caller>>);

impl Default for Callers {
    fn default() -> Self {
        let member = |tenants| Caller {
            tenants,
            is_administrator: false,
        };
        let administrator = Caller {
            tenants: &[],
            is_administrator: true,
        };
        Self(Arc::new(HashMap::from([
            ("acme-demo-token", member(&["acme", "initech"])),
            ("globex-demo-token", member(&["globex"])),
            (
                "everywhere-demo-token",
                member(&["acme", "globex", "hooli"]),
            ),
            ("administrator-demo-token", administrator),
        ])))
    }
}

impl Callers {
    /// Whose the token in this `Authorization` header is.
    pub fn find(&self, authorization: &str) -> Option<Caller> {
        self.0.get(authorization.strip_prefix("Bearer ")?).cloned()
    }
}

/// The membership check: a caller may ask for their own tenants.
#[derive(Debug)]
pub(crate) struct OwnTenantsOnly;

impl Membership for OwnTenantsOnly {
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        Ok(request
            .principal_as::<Caller>()
            .is_some_and(|caller| caller.tenants.contains(&tenant.as_str())))
    }
}

/// Who may do central work.
pub fn administrators(request: &dyn RequestView) -> bool {
    request
        .principal_as::<Caller>()
        .is_some_and(|caller| caller.is_administrator)
}
