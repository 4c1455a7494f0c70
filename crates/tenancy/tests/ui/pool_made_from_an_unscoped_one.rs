//! An unscoped pool can not be turned into a scoped one, whose connections it would share.

use tenancy::sqlx::postgres::TenantPool;

fn misuse(pool: sqlx::PgPool) -> TenantPool {
    TenantPool::from(pool)
}

fn main() {}
