//! Values in this process's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use tenancy_cache::CacheError;
use tenancy_cache::moka::{CentralCache, TenantCache};
use tenancy_core::{CentralScope, Error, Tenancy, TenantScope, TenantStatus, Withdrawn};
use tokio::sync::{Notify, oneshot};

use crate::support::{AppError, ended, ended_central, id, tenancy};

type Cache = TenantCache<String>;

async fn set(tenancy: &Tenancy, cache: &Cache, name: &str, key: &[u8], value: &str) {
    let value = value.to_owned();
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        Ok(cache.insert(scope, key, value).await?)
    };
    tenancy.run(name, work).await.unwrap();
}

async fn get(tenancy: &Tenancy, cache: &Cache, name: &str, key: &[u8]) -> Option<String> {
    let work =
        async |scope: &TenantScope| -> Result<_, AppError> { Ok(cache.get(scope, key).await?) };
    tenancy.run(name, work).await.unwrap()
}

#[tokio::test]
async fn one_key_is_another_value_for_each_tenant() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().build();
    let hostile: [&[u8]; 7] = [
        b"",
        b"k",
        b":",
        b"tenant=beta:k",
        b"\0",
        b"\xff\xfe",
        b"{}*?[a-z]",
    ];
    for key in hostile {
        for name in ["acme", "acme-2", "beta"] {
            set(&tenancy, &cache, name, key, name).await;
        }
        assert_eq!(get(&tenancy, &cache, "central", key).await, None);
        for name in ["acme", "acme-2", "beta"] {
            assert_eq!(
                get(&tenancy, &cache, name, key).await.as_deref(),
                Some(name)
            );
        }
    }
}

#[tokio::test]
async fn what_one_does_is_done_to_its_own() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().build();
    for name in ["acme", "beta"] {
        for key in [b"a", b"b"] {
            set(&tenancy, &cache, name, key, name).await;
        }
    }
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        cache.remove(scope, "a").await?;
        assert_eq!(cache.get(scope, "a").await?, None);
        assert!(cache.get(scope, "b").await?.is_some());
        Ok(cache.clear(scope)?)
    };
    tenancy.run("acme", work).await.unwrap();
    for key in [b"a", b"b"] {
        assert_eq!(get(&tenancy, &cache, "acme", key).await, None);
        assert_eq!(
            get(&tenancy, &cache, "beta", key).await.as_deref(),
            Some("beta")
        );
    }
}

#[tokio::test]
async fn a_scope_that_is_over_or_not_the_open_one_reads_nothing() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().build();
    set(&tenancy, &cache, "acme", b"k", "secret").await;
    let kept = ended(&tenancy, "acme").await;
    let load = async { Err::<String, _>(AppError::Load("it ran".to_owned())) };
    let outcomes = [
        cache.get(&kept, "k").await.map(drop),
        cache.insert(&kept, "k", String::new()).await,
        cache.remove(&kept, "k").await,
        cache.clear(&kept),
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Err(CacheError::Scope(Error::ScopeEnded))),
            "{outcome:?}"
        );
    }
    let outcome = cache.get_with(&kept, "k", load).await;
    assert!(
        matches!(outcome, Err(AppError::Cache(CacheError::Scope(_)))),
        "{outcome:?}"
    );

    let outer = async |central: &CentralScope| -> Result<(), AppError> {
        let kept = &ended(&tenancy, "acme").await;
        assert!(cache.get(kept, "k").await.is_err());
        let inner = async |scope: &TenantScope| -> Result<(), AppError> {
            assert_eq!(cache.get(scope, "k").await?.as_deref(), Some("secret"));
            let own = CentralCache::<String>::builder().build_central();
            let outcome = own.get(central, "k").await;
            assert!(matches!(
                outcome,
                Err(CacheError::Scope(Error::ScopeMismatch))
            ));
            Ok(())
        };
        tenancy.run("acme", inner).await
    };
    tenancy.central("a test", outer).await.unwrap();
}

#[tokio::test]
async fn central_values_are_no_tenants() {
    let (tenancy, _) = tenancy();
    let cache = CentralCache::<String>::builder().build_central();
    let work = async |scope: &CentralScope| -> Result<(), AppError> {
        cache.insert(scope, "k", "v".to_owned()).await?;
        cache.insert(scope, "l", "v".to_owned()).await?;
        let load = async { Err(AppError::Load("it is there".to_owned())) };
        assert_eq!(cache.get_with(scope, "k", load).await?, "v");
        cache.remove(scope, "k").await?;
        assert_eq!(cache.get(scope, "k").await?, None);
        cache.clear(scope)?;
        assert_eq!(cache.get(scope, "l").await?, None);
        Ok(())
    };
    tenancy.central("a test", work).await.unwrap();
    let kept = ended_central(&tenancy).await;
    assert!(cache.get(&kept, "k").await.is_err() && cache.clear(&kept).is_err());
}

#[tokio::test]
async fn a_withdrawn_tenant_leaves_nothing_behind() {
    let (tenancy, store) = tenancy();
    let cache = Cache::builder().build();
    tenancy.on_withdrawn({
        let cache = cache.clone();
        move |withdrawn| match withdrawn {
            Withdrawn::Tenant(tenant) => cache.evict(tenant),
            _ => cache.evict_all(),
        }
    });
    for name in ["acme", "beta"] {
        set(&tenancy, &cache, name, b"k", name).await;
    }
    store
        .set_status(&id("acme"), TenantStatus::Suspended)
        .unwrap();
    tenancy.invalidate(&id("acme"));
    let refused = tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
        Ok(())
    });
    refused.await.unwrap_err();
    store.set_status(&id("acme"), TenantStatus::Active).unwrap();
    tenancy.invalidate(&id("acme"));
    assert_eq!(
        get(&tenancy, &cache, "acme", b"k").await,
        None,
        "it came back"
    );
    assert_eq!(
        get(&tenancy, &cache, "beta", b"k").await.as_deref(),
        Some("beta")
    );
    tenancy.invalidate_all();
    assert_eq!(get(&tenancy, &cache, "beta", b"k").await, None);
}

#[tokio::test]
async fn callers_of_one_tenant_share_a_load_and_tenants_do_not() {
    let (tenancy, _) = tenancy();
    let (cache, loads) = (Cache::builder().build(), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Notify::new());
    let callers = (0..30).map(|number| {
        let (tenancy, cache) = (tenancy.clone(), cache.clone());
        let (loads, gate) = (Arc::clone(&loads), Arc::clone(&gate));
        let name = ["acme", "beta"][number % 2];
        tokio::spawn(async move {
            let work = async |scope: &TenantScope| -> Result<_, AppError> {
                let load = async {
                    loads.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok::<_, AppError>(scope.tenant_id().to_string())
                };
                cache.get_with(scope, "k", load).await
            };
            (name, tenancy.run(name, work).await.unwrap())
        })
    });
    let callers: Vec<_> = callers.collect();
    while loads.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(loads.load(Ordering::SeqCst), 2, "one for each tenant");
    gate.notify_waiters();
    for caller in callers {
        let (name, value) = caller.await.unwrap();
        assert_eq!(name, value);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn where_the_one_that_loads_is_dropped_fails_or_panics_the_others_go_on() {
    let (tenancy, _) = tenancy();
    for end in ["dropped", "failed", "panicked"] {
        let cache = Cache::builder().build();
        let (go, gone) = oneshot::channel::<()>();
        let (started, starts) = oneshot::channel();
        let first = tokio::spawn({
            let (tenancy, cache) = (tenancy.clone(), cache.clone());
            async move {
                let work = async |scope: &TenantScope| -> Result<_, AppError> {
                    let load = async {
                        started.send(()).unwrap();
                        let _ = gone.await;
                        assert_ne!(end, "panicked", "on purpose");
                        Err(AppError::Load("the first one's".to_owned()))
                    };
                    cache.get_with(scope, "k", load).await
                };
                tenancy.run("acme", work).await
            }
        });
        starts.await.unwrap();
        let second = tokio::spawn({
            let (tenancy, cache) = (tenancy.clone(), cache.clone());
            async move {
                let work = async |scope: &TenantScope| -> Result<_, AppError> {
                    let load = async { Ok::<_, AppError>("the second one's".to_owned()) };
                    cache.get_with(scope, "k", load).await
                };
                tenancy.run("acme", work).await
            }
        });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished(), "it waits for the first");
        if end == "dropped" {
            first.abort();
        } else {
            go.send(()).unwrap();
        }
        assert_eq!(second.await.unwrap().unwrap(), "the second one's", "{end}");
        let outcome = first.await;
        let said = |error: &AppError| error.to_string().contains("the first one's");
        assert_eq!(outcome.is_err(), end != "failed");
        assert!(outcome.is_err() || outcome.is_ok_and(|inner| inner.is_err_and(|e| said(&e))));
        let kept = get(&tenancy, &cache, "acme", b"k").await;
        assert_eq!(kept.as_deref(), Some("the second one's"), "{end}");
    }
}

#[tokio::test]
async fn what_is_loaded_while_the_tenant_is_cleared_is_not_kept() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().build();
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        let load = async {
            // As another task would, such as one that is told of a withdrawal.
            cache.evict(scope.tenant_id());
            Ok::<_, AppError>("old".to_owned())
        };
        assert_eq!(cache.get_with(scope, "k", load).await?, "old");
        Ok(cache.get(scope, "k").await?)
    };
    assert_eq!(tenancy.run("acme", work).await.unwrap(), None);
}

#[tokio::test]
async fn one_tenant_pushes_out_none_but_its_own() {
    let (tenancy, _) = tenancy();
    let cache = TenantCache::<Vec<u8>>::builder()
        .capacity(1_000)
        .share(100)
        .weigh(|_, value| u32::try_from(value.len()).unwrap())
        .build();
    let beta = async |scope: &TenantScope| -> Result<_, AppError> {
        for number in 0_u32..10 {
            cache
                .insert(scope, number.to_be_bytes(), vec![0; 10])
                .await?;
        }
        Ok(())
    };
    tenancy.run("beta", beta).await.unwrap();
    let acme = async |scope: &TenantScope| -> Result<_, AppError> {
        for number in 0_u32..5_000 {
            cache
                .insert(scope, number.to_be_bytes(), vec![0; 10])
                .await?;
            let load = async { Ok::<_, AppError>(vec![0; 10]) };
            cache
                .get_with(scope, format!("loaded {number}"), load)
                .await?;
        }
        assert!(
            cache.weight().await <= 200,
            "its share and beta's: {}",
            cache.weight().await
        );
        assert!(
            cache.get(scope, "loaded 4999").await?.is_some(),
            "the newest stay"
        );
        assert_eq!(
            cache.get(scope, 0_u32.to_be_bytes()).await?,
            None,
            "the oldest go"
        );
        // More than the share alone is not kept, and neither is what was there before.
        cache.insert(scope, "loaded 4999", vec![0; 101]).await?;
        assert_eq!(cache.get(scope, "loaded 4999").await?, None);
        let load = async { Ok::<_, AppError>(vec![0; 101]) };
        assert_eq!(cache.get_with(scope, "heavy", load).await?.len(), 101);
        assert_eq!(cache.get(scope, "heavy").await?, None);
        Ok(())
    };
    tenancy.run("acme", acme).await.unwrap();
    let beta = async |scope: &TenantScope| -> Result<_, AppError> {
        for number in 0_u32..10 {
            assert!(
                cache.get(scope, number.to_be_bytes()).await?.is_some(),
                "{number}"
            );
        }
        Ok(())
    };
    tenancy.run("beta", beta).await.unwrap();
}

#[tokio::test]
async fn a_share_is_whole_again_after_clearing_and_after_dropped_calls() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().capacity(100).share(20).build();
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        for round in 0_u32..20 {
            for number in 0_u32..40 {
                // Polled once, and dropped where that was not enough.
                let key = format!("{round} {number}");
                let _ = cache.insert(scope, key, String::new()).now_or_never();
            }
            assert!(cache.weight().await <= 40);
            cache.clear(scope)?;
            cache.insert(scope, "k", String::new()).await?;
            cache.insert(scope, "l", String::new()).await?;
            assert!(cache.get(scope, "k").await?.is_some(), "{round}");
        }
        Ok(())
    };
    tenancy.run("acme", work).await.unwrap();
    let weight = cache.weight().await;
    assert!(weight <= 40, "what was cleared is given back: {weight}");
}

#[tokio::test]
async fn nothing_is_shown() {
    let (tenancy, _) = tenancy();
    let cache = Cache::builder().build();
    set(&tenancy, &cache, "acme", b"a key", "a value").await;
    let shown = format!("{cache:?} {:?}", Cache::builder());
    for word in ["acme", "key", "value"] {
        assert!(!shown.contains(word), "{shown}");
    }
}
