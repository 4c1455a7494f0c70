//! The pool itself runs nothing: it has no scope.

use tenancy::sqlx::postgres::TenantPool;

async fn misuse(pool: TenantPool) {
    let _ = sqlx::query("SELECT 1").execute(&pool).await;
}

fn main() {}
