//! What a tenant reaches, and for how long.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
};
use proptest::prelude::*;
use tenancy_core::{CentralScope, ScopedDatabase as _, TenantScope};
use tenancy_object_store::{CentralObjectStore, ScopedObjectStore, TenantObjectStore};

use crate::support::{
    AppError, all, ended, ended_central, get, is_over, put, stores, tenancy, text,
};

#[tokio::test]
async fn one_location_is_another_object_for_each_tenant() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        for at in [
            "f",
            "a/b/c d",
            "tenant=beta/a",
            "%2e%2f/a",
            "ä#x",
            "..a/b..",
        ] {
            for name in ["acme", "acme-2", "beta"] {
                put(&tenancy, &files, name, at, name).await;
            }
            for name in ["acme", "acme-2", "beta"] {
                let got = get(&tenancy, &files, name, &Path::parse(at).unwrap()).await;
                assert_eq!(got.unwrap(), name, "{at}");
            }
            let got = get(&tenancy, &files, "central", &Path::parse(at).unwrap()).await;
            assert!(matches!(got, Err(AppError::Store(Error::NotFound { .. }))));
        }
        let below = all(&*inner).await;
        assert_eq!(below.len(), 18);
        assert!(
            below.iter().all(|at| at.starts_with("tenant=")),
            "{below:?}"
        );
    }
}

#[tokio::test]
async fn no_location_leads_out() {
    let tenancy = tenancy();
    let (stores, folder) = stores();
    std::fs::write(folder.path().join("beside"), "secret").unwrap();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        put(&tenancy, &files, "beta", "x", "secret").await;
        put(&tenancy, &files, "acme-2", "x", "secret").await;
        put(&tenancy, &files, "acme", "own", "own").await;
        let mut tried = Vec::new();
        for text in [
            "../tenant=beta/x",
            "/tenant=beta/x",
            "//tenant=beta/x",
            "a/../../tenant=beta/x",
            "%2e%2e/tenant=beta/x",
            "..%2ftenant=beta%2fx",
            "..\\tenant=beta\\x",
            "%2E%2e/tenant=beta/x",
            "a/.%2e/%2E./tenant=beta/x",
            "-2/x",
            "../beside",
            "/",
            "",
            ".",
            "..",
            "\0",
        ] {
            tried.push(Path::from(text));
            tried.extend(Path::parse(text));
            tried.extend(Path::from_url_path(text));
            tried.push(Path::from_iter([text, "x"]));
        }
        for at in tried {
            let Err(error) = get(&tenancy, &files, "acme", &at).await else {
                panic!("{at:?} leads out");
            };
            let told = format!("{error} {error:?}");
            for word in ["secret", "tenant=acme"] {
                assert!(!told.contains(word), "{told}");
            }
            let work = async |scope: &TenantScope| -> Result<(), AppError> {
                let own = Path::from("own");
                let store = files.acquire(scope)?;
                // Whatever these do, they do it at home.
                let _ = store.put(&at, "acme was here".into()).await;
                let _ = store.copy(&own, &at).await;
                let _ = store.rename(&at, &Path::from("renamed")).await;
                let _ = store.delete(&at).await;
                let _ = store.list(Some(&at)).try_collect::<Vec<_>>().await;
                Ok(())
            };
            tenancy.run("acme", work).await.unwrap();
            for name in ["beta", "acme-2"] {
                let got = get(&tenancy, &files, name, &Path::from("x")).await;
                assert_eq!(got.unwrap(), "secret", "{at:?}");
            }
        }
        let got = get(&tenancy, &files, "acme", &Path::from("own")).await;
        assert_eq!(got.unwrap(), "own");
    }
    let beside = std::fs::read_to_string(folder.path().join("beside"));
    assert_eq!(beside.unwrap(), "secret");
}

#[tokio::test]
async fn lists_and_deletions_are_its_own() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        for name in ["acme", "acme-2", "beta"] {
            for at in ["a", "b/c", "b/d"] {
                put(&tenancy, &files, name, at, name).await;
            }
        }
        let work = async |scope: &TenantScope| -> Result<(), AppError> {
            let store = files.acquire(scope)?;
            assert_eq!(all(&store).await, ["a", "b/c", "b/d"]);
            let after = store.list_with_offset(None, &Path::from("b/c"));
            let after: Vec<_> = after
                .map_ok(|meta| meta.location.to_string())
                .try_collect()
                .await?;
            assert_eq!(after, ["b/d"]);
            let shallow = store.list_with_delimiter(None).await?;
            assert_eq!(shallow.common_prefixes, [Path::from("b")]);
            assert_eq!(shallow.objects[0].location, Path::from("a"));
            assert_eq!(
                store.head(&Path::from("b/c")).await?.location,
                Path::from("b/c")
            );
            let names = ["a", "b/c", "b/d"].map(|at| Ok(Path::from(at)));
            let gone = store.delete_stream(stream::iter(names).boxed());
            let gone: Vec<Path> = gone.try_collect().await?;
            assert_eq!(gone, ["a", "b/c", "b/d"].map(Path::from));
            assert!(all(&store).await.is_empty());
            Ok(())
        };
        tenancy.run("acme", work).await.unwrap();
        assert_eq!(all(&*inner).await.len(), 6, "the others' are there");
    }
}

/// Every verb at once, each of which must be refused.
async fn nothing_works(store: &ScopedObjectStore) {
    let (a, b) = (Path::from("a"), Path::from("b"));
    is_over(store.get(&a).await);
    is_over(store.get_range(&a, 0..1).await);
    is_over(store.get_ranges(&a, &[0..1, 1..2]).await);
    is_over(store.head(&a).await);
    is_over(store.put(&b, "x".into()).await);
    is_over(store.put_multipart(&b).await);
    is_over(store.copy(&a, &b).await);
    is_over(store.copy_if_not_exists(&a, &b).await);
    is_over(store.rename(&a, &b).await);
    is_over(store.rename_if_not_exists(&a, &b).await);
    is_over(store.delete(&a).await);
    is_over(store.list(None).try_collect::<Vec<_>>().await);
    is_over(
        store
            .list_with_offset(None, &a)
            .try_collect::<Vec<_>>()
            .await,
    );
    is_over(store.list_with_delimiter(None).await);
}

#[tokio::test]
async fn a_handle_that_is_kept_opens_nothing() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        put(&tenancy, &files, "acme", "a", "some text").await;
        let before = all(&*inner).await;
        let keep = async |scope: &TenantScope| -> Result<_, AppError> { Ok(files.acquire(scope)?) };
        let store = tenancy.run("acme", keep).await.unwrap();
        nothing_works(&store).await;
        nothing_works(&store.clone()).await;
        let kept = ended(&tenancy, "acme").await;
        assert!(matches!(
            files.acquire(&kept),
            Err(tenancy_core::Error::ScopeEnded)
        ));
        let owned = files.acquire_owned(kept).await;
        assert!(matches!(owned, Err(tenancy_core::Error::ScopeEnded)));
        assert_eq!(all(&*inner).await, before);
        // Inside another scope neither.
        let inside = async |_: &TenantScope| -> Result<(), AppError> {
            nothing_works(&store).await;
            Ok(())
        };
        tenancy.run("beta", inside).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_under_way_ends_with_the_scope() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        for at in ["a", "b", "c"] {
            put(&tenancy, &files, "acme", at, &"long ".repeat(10_000)).await;
        }
        let begin = async |scope: &TenantScope| -> Result<_, AppError> {
            let store = files.acquire(scope)?;
            let mut listing = store.list(None);
            listing.next().await.unwrap()?;
            let got = store.get(&Path::from("a")).await?;
            let mut upload = store.put_multipart(&Path::from("up")).await?;
            upload.put_part("part".into()).await?;
            let names = ["b", "c"].map(|at| Ok(Path::from(at)));
            let deleting = store.delete_stream(stream::iter(names).boxed());
            Ok((listing, got, upload, deleting))
        };
        let (listing, got, mut upload, deleting) = tenancy.run("acme", begin).await.unwrap();
        is_over(listing.try_collect::<Vec<_>>().await);
        is_over(got.bytes().await);
        is_over(upload.put_part("more".into()).await);
        is_over(upload.complete().await);
        upload.abort().await.unwrap();
        let mut deleting = deleting;
        is_over(deleting.next().await.unwrap());
        assert!(deleting.next().await.is_none(), "it ends there");
        let below = all(&*inner).await;
        assert_eq!(below, ["a", "b", "c"].map(|at| format!("tenant=acme/{at}")));
    }
}

#[tokio::test]
async fn an_upload_in_parts_is_the_tenants() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        let work = async |scope: &TenantScope| -> Result<_, AppError> {
            let store = files.acquire(scope)?;
            let mut upload: Box<dyn MultipartUpload> =
                store.put_multipart(&Path::from("up")).await?;
            for part in ["one ", "two"] {
                upload.put_part(part.into()).await?;
            }
            upload.complete().await?;
            Ok(text(&store, &Path::from("up")).await?)
        };
        assert_eq!(tenancy.run("acme", work).await.unwrap(), "one two");
        assert_eq!(all(&*inner).await, ["tenant=acme/up"]);
    }
}

#[tokio::test]
async fn central_objects_are_no_tenants() {
    let tenancy = tenancy();
    let (stores, _folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        put(&tenancy, &files, "central", "a", "a tenant's").await;
        let central = CentralObjectStore::new(Arc::clone(&inner));
        let work = async |scope: &CentralScope| -> Result<(), AppError> {
            let store = central.acquire(scope)?;
            assert!(all(&store).await.is_empty());
            store.put(&Path::from("a"), "central".into()).await?;
            assert_eq!(all(&store).await, ["a"]);
            Ok(())
        };
        tenancy.central("a test", work).await.unwrap();
        let got = get(&tenancy, &files, "central", &Path::from("a")).await;
        assert_eq!(got.unwrap(), "a tenant's");
        assert_eq!(all(&*inner).await, ["central/a", "tenant=central/a"]);
        assert!(central.acquire(&ended_central(&tenancy).await).is_err());
    }
}

#[tokio::test]
async fn errors_name_the_location_as_it_was_asked_for() {
    let tenancy = tenancy();
    let (stores, folder) = stores();
    for inner in stores {
        let files = TenantObjectStore::new(Arc::clone(&inner));
        put(&tenancy, &files, "acme", "there", "x").await;
        let work = async |scope: &TenantScope| -> Result<Vec<Error>, AppError> {
            let store = files.acquire(scope)?;
            let (there, gone) = (Path::from("there"), Path::from("not/there"));
            let create = PutOptions::from(PutMode::Create);
            let changed = GetOptions::new().with_if_match(Some("another"));
            let errors = vec![
                store.get(&gone).await.unwrap_err(),
                store.copy(&gone, &there).await.unwrap_err(),
                store
                    .put_opts(&there, "y".into(), create)
                    .await
                    .unwrap_err(),
                store.get_opts(&there, changed).await.unwrap_err(),
                store.get(&Path::from("there/below")).await.unwrap_err(),
                store.put(&Path::ROOT, "x".into()).await.unwrap_err(),
            ];
            assert_eq!(store.to_string(), "ScopedObjectStore");
            assert!(!format!("{files:?}").contains("acme"));
            Ok(errors)
        };
        let errors = tenancy.run("acme", work).await.unwrap();
        assert!(matches!(&errors[0], Error::NotFound { path, .. } if path == "not/there"));
        assert!(matches!(&errors[2], Error::AlreadyExists { path, .. } if path == "there"));
        assert!(matches!(&errors[3], Error::Precondition { path, .. } if path == "there"));
        assert!(errors[5].to_string().contains("name an object in it"));
        for error in errors {
            let told = format!("{error} {error:?}");
            assert!(!told.contains("acme"), "{told}");
        }
    }
    drop(folder);
}

proptest! {
    #[test]
    fn whatever_the_location_it_stays_at_home(texts in prop::collection::vec("[a./%2eE\\\\~=#?\u{0}-\u{7}t]{0,12}", 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let tenancy = tenancy();
            let (stores, folder) = stores();
            for inner in stores {
                let files = TenantObjectStore::new(Arc::clone(&inner));
                for text in &texts {
                    let paths = [Some(Path::from(text.as_str())), Path::parse(text).ok()];
                    for at in paths.into_iter().flatten() {
                        let work = async |scope: &TenantScope| -> Result<(), AppError> {
                            let _ = files.acquire(scope)?.put(&at, "x".into()).await;
                            Ok(())
                        };
                        tenancy.run("acme", work).await.unwrap();
                    }
                }
                for at in all(&*inner).await {
                    assert!(at.starts_with("tenant=acme/"), "{at}");
                }
            }
            for entry in folder.path().read_dir().unwrap() {
                assert_eq!(entry.unwrap().file_name(), "tenant=acme");
            }
        });
    }
}
