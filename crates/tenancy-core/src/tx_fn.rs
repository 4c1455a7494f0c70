//! The closures that run in a transaction.

use std::future::Future;

/// An async closure over a transaction's connection, whose future is `Send`.
///
/// Implemented for every `FnOnce(&mut C) -> impl Future + Send`; nobody implements it by hand. It
/// stands beside `AsyncFnOnce` in the bounds of `transaction`, because that trait can't say yet
/// that its future is `Send`
/// ([rust-lang/rust#109417](https://github.com/rust-lang/rust/issues/109417)).
#[diagnostic::on_unimplemented(
    message = "this closure can't run in a transaction",
    label = "its future must be `Send`",
    note = "write `async |tx| -> Result<_, YourError> {{ .. }}`, and keep `Rc`, `RefCell` guards and non-`Send` values out of it"
)]
pub trait TxFn<'c, C: 'c, T, E>: Send {
    /// What calling it returns.
    type Fut: Future<Output = Result<T, E>> + Send;

    /// Calls it.
    fn call(self, connection: &'c mut C) -> Self::Fut;
}

impl<'c, C, F, Fut, T, E> TxFn<'c, C, T, E> for F
where
    C: 'c,
    F: FnOnce(&'c mut C) -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
{
    type Fut = Fut;

    fn call(self, connection: &'c mut C) -> Fut {
        self(connection)
    }
}
