//! The closures that run in a transaction.

use std::future::Future;

/// An async closure over a transaction, whose future is `Send`.
///
/// Implemented for every `FnOnce(&C) -> impl Future + Send`; nobody implements it by hand. It stands
/// beside `AsyncFnOnce` in the bounds of `transaction`, because that trait can't say yet that its
/// future is `Send`
/// ([rust-lang/rust#109417](https://github.com/rust-lang/rust/issues/109417)).
///
/// It is [`TxFn`](tenancy_core::TxFn) for a shared reference, which SeaORM works with. `Outlives` is
/// never written: it says that no `'c` is asked for that outlives what `C` borrows.
#[diagnostic::on_unimplemented(
    message = "this closure can't run in a transaction",
    label = "its future must be `Send`",
    note = "write `async |tx| -> Result<_, YourError> {{ .. }}`, and keep `Rc`, `RefCell` guards and non-`Send` values out of it"
)]
pub trait TransactionFn<'c, C, T, E, Outlives = &'c C>: Send {
    /// What calling it returns.
    type Fut: Future<Output = Result<T, E>> + Send;

    /// Calls it.
    fn call(self, transaction: &'c C) -> Self::Fut;
}

impl<'c, C, F, Fut, T, E> TransactionFn<'c, C, T, E, &'c C> for F
where
    F: FnOnce(&'c C) -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
{
    type Fut = Fut;

    fn call(self, transaction: &'c C) -> Fut {
        self(transaction)
    }
}
