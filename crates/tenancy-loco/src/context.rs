//! The application's own `Tenancy`.

use loco_rs::app::AppContext;
use tenancy_core::Tenancy;

/// The [`Tenancy`] that `Hooks::after_context` has put into the context's shared store: for
/// initializers, tasks, scheduled jobs and workers. All of them need the same one, for a scope of
/// another is not theirs.
///
/// # Errors
/// [`NoTenancy`], which is Loco's own error with `?`.
pub fn tenancy(context: &AppContext) -> Result<Tenancy, NoTenancy> {
    context.shared_store.get::<Tenancy>().ok_or(NoTenancy)
}

/// There is no [`Tenancy`] in the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no `Tenancy` in the application's context: build one in `Hooks::after_context`, and `ctx.shared_store.insert(tenancy)`"
)]
pub struct NoTenancy;

impl From<NoTenancy> for loco_rs::Error {
    fn from(error: NoTenancy) -> Self {
        Self::Any(Box::new(error))
    }
}
