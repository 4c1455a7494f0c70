//! The passwords of the tenants' logins, which change while they are used.

use secrecy::{ExposeSecret as _, SecretString};
use tenancy_postgres::scrub::Nonce;
use tokio::sync::Mutex;

use super::eye::Eye;
use crate::Harness;
use crate::place::{literal, quoted};
use crate::side::Side;

/// Those of the tenants whose password was changed by this run.
#[derive(Default)]
pub(super) struct Passwords(Mutex<Vec<String>>);

impl Passwords {
    /// A new password for this tenant's login, on the server and then for the adapter; what logs in
    /// between the two is refused. `false` where there is no login, or the adapter knows no rotation.
    pub(super) async fn rotate(&self, harness: &dyn Harness, eye: &Eye, side: &Side) -> bool {
        let Ok(password) = Nonce::random() else {
            return false;
        };
        let password = SecretString::from(password.as_str());
        // One at a time: the server's and the adapter's must end up the same.
        let mut changed = self.0.lock().await;
        let Some(login) = &side.login else {
            return false;
        };
        if !Self::knows(harness, side, &login.password) {
            return false;
        }
        if !changed.contains(&login.role) {
            changed.push(login.role.clone());
        }
        let is_done = Self::change(harness, eye, side, &password).await;
        // Whoever connects from now on needs the new one.
        let end = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = {}",
            literal(&login.role)
        );
        is_done && eye.ask(&end).await.is_ok()
    }

    /// Puts back what the stage says, whatever this run made of it.
    pub(super) async fn restore(&self, harness: &dyn Harness, eye: &Eye, sides: &[Side; 2]) {
        let changed = self.0.lock().await;
        for side in sides {
            if let Some(login) = &side.login
                && changed.contains(&login.role)
            {
                Self::change(harness, eye, side, &login.password).await;
            }
        }
    }

    /// The future is dropped unpolled: nothing is changed by asking for it.
    fn knows(harness: &dyn Harness, side: &Side, password: &SecretString) -> bool {
        harness.rotate(&side.id, password).is_some()
    }

    async fn change(
        harness: &dyn Harness,
        eye: &Eye,
        side: &Side,
        password: &SecretString,
    ) -> bool {
        let Some(login) = &side.login else {
            return false;
        };
        let sql = format!(
            "ALTER ROLE {} PASSWORD {}",
            quoted(&login.role),
            literal(password.expose_secret())
        );
        if eye.ask(&sql).await.is_err() {
            return false;
        }
        match harness.rotate(&side.id, password) {
            Some(rotating) => {
                rotating.await;
                true
            }
            None => false,
        }
    }
}
