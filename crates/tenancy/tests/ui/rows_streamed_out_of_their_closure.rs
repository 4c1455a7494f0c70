//! A stream of rows borrows its connection: for a response body there is an owned stream.

use futures_util::Stream;
use tenancy::TenantScope;
use tenancy::sqlx::postgres::TenantPool;

async fn misuse<'s>(pool: TenantPool, scope: &'s TenantScope) -> impl Stream + use<'s> {
    let mut db = pool.acquire(scope).await.unwrap();
    sqlx::query("SELECT 1").fetch(&mut *db)
}

fn main() {}
