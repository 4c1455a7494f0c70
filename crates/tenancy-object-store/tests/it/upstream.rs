//! The suite that `object_store` has for its own stores: code that takes one finds nothing changed.

use std::sync::Arc;

use object_store::integration::{
    copy_if_not_exists, copy_rename_nonexistent_object, get_opts, list_uses_directories_correctly,
    list_with_delimiter, list_with_offset_exclusivity, put_get_delete_list, put_opts,
    rename_and_copy, stream_get,
};
use tenancy_core::TenantScope;
use tenancy_object_store::TenantObjectStore;

use crate::support::{AppError, all, put, stores, tenancy};

#[tokio::test]
async fn it_passes_in_a_tenants_scope_and_leaves_the_others_alone() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for (inner, updates) in stores.into_iter().zip([true, false]) {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        put(&tenancy, &files, "beta", "x", "beta").await;
        put(&tenancy, &files, "acme-2", "x", "acme-2").await;
        let work = async |scope: &TenantScope| -> Result<(), AppError> {
            let store = files.acquire(scope)?;
            put_get_delete_list(&store).await;
            stream_get(&store).await;
            list_uses_directories_correctly(&store).await;
            list_with_delimiter(&store).await;
            rename_and_copy(&store).await;
            copy_if_not_exists(&store).await;
            copy_rename_nonexistent_object(&store).await;
            list_with_offset_exclusivity(&store).await;
            get_opts(&store).await;
            put_opts(&store, updates).await;
            Ok(())
        };
        tenancy.run("acme", work).await.unwrap();
        let others = all(&*inner).await;
        let others = others.iter().filter(|at| !at.starts_with("tenant=acme/"));
        assert_eq!(
            others.collect::<Vec<_>>(),
            ["tenant=acme-2/x", "tenant=beta/x"]
        );
    }
}
