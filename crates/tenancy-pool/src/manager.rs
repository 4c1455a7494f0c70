//! What an adapter implements to be pooled.

use std::future::Future;
use std::hash::Hash;

use tenancy_core::TenantId;

/// Makes, cleans, binds and closes the connections of a pool.
///
/// Every future here is awaited in a task of the pool's own, never in a caller's future, and is
/// dropped when its limit is over; the connection is then closed.
pub trait Manager: Send + Sync + 'static {
    /// Where a connection leads: server, database, login. Tenants with equal targets share its
    /// connections one after another; a login of one tenant alone is a target of one tenant alone.
    type Target: Clone + Eq + Hash + Send + Sync + 'static;
    /// One physical connection.
    type Connection: Send + 'static;
    /// Why a connection could not be made.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Makes a connection, checks where it leads and whom it acts for, and leaves it clean.
    ///
    /// # Errors
    /// Whatever keeps it from being safe to hand out.
    fn connect(
        &self,
        target: &Self::Target,
    ) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Takes away what its last scope left behind, the scope included. `false`: it can't be known
    /// to be clean, and is closed.
    fn clean(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Takes away what its last scope left behind, and leaves the scope open for this tenant's next:
    /// less work than cleaning and binding it anew. `None` where that can't be, and it is cleaned.
    /// `Some(false)`: it can't be known to be clean and bound to this tenant, and is closed.
    fn keep(
        &self,
        connection: &mut Self::Connection,
        tenant: &TenantId,
    ) -> impl Future<Output = Option<bool>> + Send {
        let _ = (connection, tenant);
        async { None }
    }

    /// Opens the tenant's scope on a clean connection ahead of need, so that it waits on that
    /// tenant's shelf. `None` where there is nothing to open: the target is one tenant's alone, or
    /// scopes are opened for each transaction. `Some(false)`: it failed, and the connection is closed.
    fn bind(
        &self,
        connection: &mut Self::Connection,
        tenant: &TenantId,
    ) -> impl Future<Output = Option<bool>> + Send;

    /// Whether it is still there, as far as can be told without asking the server.
    fn is_alive(&self, connection: &Self::Connection) -> bool;

    /// Asks the server whether an idle connection is still there and in step, without changing what
    /// it is bound to.
    fn ping(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Closes it. What still runs on it is cancelled.
    fn close(&self, connection: Self::Connection) -> impl Future<Output = ()> + Send;
}
