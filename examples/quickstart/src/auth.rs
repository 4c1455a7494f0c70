//! Who asks, and whether they belong to the tenant they ask for. This is the application's own:
//! `tenancy` only insists that there is such a check.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tenancy::axum::Principal;
use tenancy::{BoxError, Membership, RequestView, TenantId};

use crate::data::TenantData;

/// The caller, once the token was checked.
struct Member {
    tenant: TenantId,
}

/// Which token belongs to which tenant's member.
#[derive(Clone)]
pub(crate) struct Members(Arc<HashMap<String, TenantId>>);

impl Members {
    /// The members of these tenants, suspended ones too.
    pub(crate) fn of(tenants: &[TenantData]) -> Self {
        let pairs = tenants
            .iter()
            .map(|tenant| (tenant.token.clone(), tenant.id.clone()));
        Self(Arc::new(pairs.collect()))
    }

    fn find(&self, request: &Request) -> Option<Member> {
        let shown = request
            .headers()
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?;
        let tenant = self.0.get(shown.strip_prefix("Bearer ")?)?.clone();
        Some(Member { tenant })
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("tokens", &self.0.len())
            .finish()
    }
}

/// Lets nobody in without a token. It stands outside the tenancy layer, and answers the same
/// whatever host was asked for.
pub(crate) async fn authenticate(
    State(members): State<Members>,
    mut request: Request,
    next: Next,
) -> Response {
    match members.find(&request) {
        Some(member) => {
            request.extensions_mut().insert(Principal::new(member));
            next.run(request).await
        }
        None => (
            StatusCode::UNAUTHORIZED,
            "show a token: Authorization: Bearer ..\n",
        )
            .into_response(),
    }
}

/// The membership check: a member may ask for their own tenant.
#[derive(Debug)]
pub(crate) struct OwnTenantOnly;

impl Membership for OwnTenantOnly {
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        Ok(request
            .principal_as::<Member>()
            .is_some_and(|member| member.tenant == *tenant))
    }
}
