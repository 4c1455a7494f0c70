//! Handlers that misuse their request's transaction, or give it up.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, stream};
use tenancy::{NoRequestTransaction, TenantScope};
use tokio::sync::oneshot;

use super::Faults;
use crate::{Draft, Notes, Problem};

impl Faults {
    /// Writes a note, which is called `how`, in the request's transaction; goes on as `how` says; and
    /// answers with a success, unless it fails or panics.
    ///
    /// # Errors
    /// [`Problem::OnPurpose`], or [`Problem`] where there is no transaction.
    pub async fn transact(
        &self,
        notes: &Notes,
        scope: &TenantScope,
        how: &str,
    ) -> Result<&'static str, Problem> {
        Self::write_in_transaction(notes, scope, how).await?;
        match how {
            "error" => Err(Problem::OnPurpose),
            "panic" => break_off(notes, scope).await,
            "caught-panic" => {
                let broken = AssertUnwindSafe(break_off(notes, scope)).catch_unwind();
                Ok(broken.await.map_or("caught\n", |_| "never\n"))
            }
            // The scope's own state outlives it.
            "kept-panic" => {
                self.keep(TenantScope::current()?);
                on_purpose()
            }
            // The client goes away while the transaction is used, or rests.
            "hold" => {
                let tx = notes.database().request_transaction(scope).await?;
                self.released().await;
                drop(tx);
                Ok("released\n")
            }
            "rest" => {
                self.released().await;
                Ok("released\n")
            }
            "commit" => end_by_sql(notes, scope, &["COMMIT"]).await,
            "commit-and-begin" => end_by_sql(notes, scope, &["COMMIT", "BEGIN IMMEDIATE"]).await,
            "rollback-and-begin" => {
                end_by_sql(notes, scope, &["ROLLBACK", "BEGIN IMMEDIATE"]).await
            }
            "second-handle" => {
                let first = notes.database().request_transaction(scope).await?;
                let second = notes.database().request_transaction(scope).await;
                let said = refusal(&second.map(drop));
                drop(first);
                Ok(said)
            }
            "spawned" => self.keep_handle(notes).await,
            "swallowed" => {
                let bad = [how, ""].map(draft);
                let failed = notes.import(scope, bad.into()).await.is_err();
                Ok(if failed { "swallowed\n" } else { "never\n" })
            }
            _ => Ok("written\n"),
        }
    }

    /// Writes a note in the request's transaction, whatever will be answered.
    ///
    /// # Errors
    /// [`Problem`] where there is no transaction, or the database fails.
    pub async fn write_in_transaction(
        notes: &Notes,
        scope: &TenantScope,
        title: &str,
    ) -> Result<(), Problem> {
        notes.import(scope, vec![draft(title)]).await?;
        Ok(())
    }

    /// What a body gets that asks for its request's transaction, after the handler has written in
    /// it: `over`. It writes a note on a connection of its own, too.
    ///
    /// # Errors
    /// [`Problem`] where there is no transaction for the handler.
    pub async fn stream(
        notes: &Notes,
        scope: &TenantScope,
    ) -> Result<impl Stream<Item = Result<Bytes, Problem>> + Send + use<>, Problem> {
        Self::write_in_transaction(notes, scope, "by the handler").await?;
        let notes = notes.clone();
        let asked = async move {
            let scope = TenantScope::current()?;
            let asked = notes.database().request_transaction(&scope).await;
            let said = refusal(&asked.map(drop));
            notes.add(&scope, draft("by the body")).await?;
            Ok(Bytes::from_static(said.as_bytes()))
        };
        Ok(stream::once(asked))
    }

    /// A task keeps a handle until [`release`](Self::release) is called, and writes with it then.
    async fn keep_handle(&self, notes: &Notes) -> Result<&'static str, Problem> {
        let (faults, notes, ticket) = (self.clone(), notes.clone(), TenantScope::current()?);
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let held = notes.database().request_transaction(&ticket).await;
            let _ = tell.send(held.is_ok());
            faults.released().await;
            if let Ok(mut tx) = held {
                // Whether it is refused or not: it must not be saved.
                let _ = sqlx::query("INSERT INTO notes (title) VALUES ('by the task')")
                    .execute(&mut **tx)
                    .await;
            }
        });
        match told.await {
            Ok(true) => Ok("kept\n"),
            _ => Err(Problem::OnPurpose),
        }
    }
}

/// Why there was no transaction.
fn refusal(asked: &Result<(), tenancy::sqlx::Error>) -> &'static str {
    use tenancy::sqlx::Error::Scope;

    match asked {
        Ok(()) => "a transaction\n",
        Err(Scope(tenancy::Error::RequestTransaction(why))) => match why {
            NoRequestTransaction::InUse => "in use\n",
            NoRequestTransaction::Over => "over\n",
            _ => "another reason\n",
        },
        Err(_) => "another error\n",
    }
}

fn draft(title: &str) -> Draft {
    Draft {
        title: title.to_owned(),
    }
}

async fn break_off(notes: &Notes, scope: &TenantScope) -> Result<&'static str, Problem> {
    let _tx = notes.database().request_transaction(scope).await?;
    on_purpose()
}

#[expect(clippy::panic, reason = "this is there to panic")]
fn on_purpose() -> ! {
    panic!("on purpose")
}

/// Ends the transaction by these statements, and writes once more: all of it is refused, or succeeds
/// without being saved.
async fn end_by_sql(
    notes: &Notes,
    scope: &TenantScope,
    statements: &[&'static str],
) -> Result<&'static str, Problem> {
    let mut tx = notes.database().request_transaction(scope).await?;
    for statement in statements {
        let _ = sqlx::query(*statement).execute(&mut **tx).await;
    }
    drop(tx);
    let _ = Faults::write_in_transaction(notes, scope, "behind the end").await;
    Ok("ended\n")
}
