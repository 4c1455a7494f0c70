//! A scope's work may move between threads.

use std::rc::Rc;

use tenancy::{Error, Tenancy, TenantScope};

async fn misuse(tenancy: Tenancy) {
    let _ = tenancy
        .run("acme", async |_: &TenantScope| -> Result<(), Error> {
            let local = Rc::new(1);
            tokio::task::yield_now().await;
            drop(local);
            Ok(())
        })
        .await;
}

fn main() {}
