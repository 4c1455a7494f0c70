//! The closures that run in a scope.

use std::future::Future;

/// An async closure over a scope, whose future is `Send`.
///
/// Implemented for every `FnOnce(&S) -> impl Future + Send`; nobody implements it by hand. It stands
/// beside `AsyncFnOnce` in the bounds of `run`, because that trait can't say yet that its future is
/// `Send` ([rust-lang/rust#109417](https://github.com/rust-lang/rust/issues/109417)).
#[diagnostic::on_unimplemented(
    message = "this closure can't run in a scope",
    label = "its future must be `Send`, and its argument's type must be written",
    note = "write `async |scope: &TenantScope| -> Result<_, YourError> {{ .. }}`, and keep `Rc`, `RefCell` guards and other scopes' handles out of it"
)]
pub trait ScopeFn<'s, S: 's, T, E>: Send {
    /// What calling it returns.
    type Fut: Future<Output = Result<T, E>> + Send;

    /// Calls it.
    fn call(self, scope: &'s S) -> Self::Fut;
}

impl<'s, S, F, Fut, T, E> ScopeFn<'s, S, T, E> for F
where
    S: 's,
    F: FnOnce(&'s S) -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
{
    type Fut = Fut;

    fn call(self, scope: &'s S) -> Fut {
        self(scope)
    }
}
