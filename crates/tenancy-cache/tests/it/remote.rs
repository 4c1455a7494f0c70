//! Values in a real Redis.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Client, Cmd, Pipeline, RedisFuture, Value};
use tenancy_cache::CacheError;
use tenancy_cache::redis::{CentralCache, Json, TenantCache};
use tenancy_core::{CentralScope, Error, Tenancy, TenantScope, TenantStatus, Withdrawn};
use tenancy_testkit::redis::{Server, is_left_out};

use crate::support::{AppError, ended, ended_central, id, polled, tenancy};

type Cache<C = redis::aio::ConnectionManager> = TenantCache<String, C>;

struct Stage {
    tenancy: Tenancy,
    name: String,
    server: &'static Server,
}

impl Stage {
    /// `None` where the run was told to do without.
    async fn set() -> Option<Self> {
        if is_left_out() {
            return None;
        }
        let server = Server::shared().await.unwrap();
        Some(Self {
            tenancy: tenancy().0,
            name: server.name().unwrap(),
            server,
        })
    }

    async fn cache(&self) -> Cache {
        let builder = Cache::builder(&self.name).timeout(Duration::from_secs(30));
        builder.connect(self.server.url()).await.unwrap()
    }

    async fn raw(&self) -> MultiplexedConnection {
        let client = Client::open(self.server.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// What somebody with the connection itself can say.
    async fn say<T: redis::FromRedisValue>(&self, words: &[&[u8]]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut self.raw().await).await.unwrap()
    }

    async fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = self
            .say(&[b"KEYS", format!("{}:*", self.name).as_bytes()])
            .await;
        keys.sort();
        keys
    }
}

async fn set<C>(tenancy: &Tenancy, cache: &Cache<C>, name: &str, key: &[u8], value: &str)
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let value = value.to_owned();
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        Ok(cache.insert(scope, key, value).await?)
    };
    tenancy.run(name, work).await.unwrap();
}

async fn get<C>(
    tenancy: &Tenancy,
    cache: &Cache<C>,
    name: &str,
    key: &[u8],
) -> Result<Option<String>, AppError>
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let work =
        async |scope: &TenantScope| -> Result<_, AppError> { Ok(cache.get(scope, key).await?) };
    tenancy.run(name, work).await
}

#[tokio::test]
async fn one_key_is_another_value_for_each_tenant() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    let hostile: [&[u8]; 9] = [
        b"",
        b"k",
        b":",
        b"}:k",
        b"{tenant=beta}:k",
        b"\r\nFLUSHALL\r\n",
        b"\0\xff\xfe",
        b"*?[a-z]\\",
        b"' .. redis.call('FLUSHALL') .. '",
    ];
    for key in hostile {
        for name in ["acme", "acme-2", "beta"] {
            set(&stage.tenancy, &cache, name, key, name).await;
        }
        assert_eq!(
            get(&stage.tenancy, &cache, "central", key).await.unwrap(),
            None
        );
        for name in ["acme", "acme-2", "beta"] {
            let value = get(&stage.tenancy, &cache, name, key).await.unwrap();
            assert_eq!(value.as_deref(), Some(name));
        }
    }
    let own = format!("{}:{{tenant=", stage.name);
    let keys = stage.keys().await;
    assert_eq!(
        keys.len(),
        3 * (hostile.len() + 1),
        "a mark each, and no other key"
    );
    assert!(keys.iter().all(|key| key.starts_with(own.as_bytes())));
}

#[tokio::test]
async fn caches_of_other_names_are_others() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (one, two) = (
        stage.cache().await,
        Cache::builder(&format!("{}-2", stage.name)),
    );
    let two = two.connect(stage.server.url()).await.unwrap();
    set(&stage.tenancy, &one, "acme", b"k", "one").await;
    assert_eq!(get(&stage.tenancy, &two, "acme", b"k").await.unwrap(), None);
    for name in ["", "a:b", "{a}", "tenant=acme", "A"] {
        let refused = Cache::builder(name).over(stage.raw().await);
        assert!(matches!(refused, Err(CacheError::Name)), "{name}");
    }
}

#[tokio::test]
async fn a_scope_that_is_over_or_not_the_open_one_reads_nothing() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    set(&stage.tenancy, &cache, "acme", b"k", "secret").await;
    let kept = ended(&stage.tenancy, "acme").await;
    let outcomes = [
        cache.get(&kept, "k").await.map(drop),
        cache.insert(&kept, "k", String::new()).await,
        cache.remove(&kept, "k").await,
        cache.clear(&kept).await,
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Err(CacheError::Scope(Error::ScopeEnded))),
            "{outcome:?}"
        );
    }
    let load = async { Ok::<_, AppError>("it ran".to_owned()) };
    let outcome = cache.get_with(&kept, "k", load).await;
    assert!(
        matches!(outcome, Err(AppError::Cache(CacheError::Scope(_)))),
        "{outcome:?}"
    );
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        let central = async |_: &CentralScope| -> Result<(), AppError> {
            let outcome = cache.get(scope, "k").await;
            assert!(
                matches!(outcome, Err(CacheError::Scope(Error::ScopeMismatch))),
                "{outcome:?}"
            );
            Ok(())
        };
        stage
            .tenancy
            .leaving(scope)
            .central("a test", central)
            .await
    };
    stage.tenancy.run("acme", work).await.unwrap();
    assert_eq!(
        get(&stage.tenancy, &cache, "acme", b"k")
            .await
            .unwrap()
            .unwrap(),
        "secret"
    );
}

#[tokio::test]
async fn central_values_are_no_tenants() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    set(&stage.tenancy, &cache, "central", b"k", "a tenant's").await;
    let central = CentralCache::<String>::builder(&stage.name);
    let central = central.connect_central(stage.server.url()).await.unwrap();
    let work = async |scope: &CentralScope| -> Result<(), AppError> {
        assert_eq!(central.get(scope, "k").await?, None);
        central.insert(scope, "k", "central".to_owned()).await?;
        let load = async { Ok::<_, AppError>("loaded".to_owned()) };
        assert_eq!(central.get_with(scope, "k", load).await?, "central");
        central.remove(scope, "k").await?;
        let load = async { Ok::<_, AppError>("loaded".to_owned()) };
        assert_eq!(central.get_with(scope, "k", load).await?, "loaded");
        assert_eq!(central.get(scope, "k").await?.as_deref(), Some("loaded"));
        central.clear(scope).await?;
        assert_eq!(central.get(scope, "k").await?, None);
        Ok(())
    };
    stage.tenancy.central("a test", work).await.unwrap();
    let value = get(&stage.tenancy, &cache, "central", b"k").await.unwrap();
    assert_eq!(value.as_deref(), Some("a tenant's"));
    assert!(
        central
            .get(&ended_central(&stage.tenancy).await, "k")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_tenant_is_cleared_in_one_step_for_every_process() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (here, there) = (stage.cache().await, stage.cache().await);
    for number in 0_u32..50 {
        set(&stage.tenancy, &here, "acme", &number.to_be_bytes(), "old").await;
    }
    set(&stage.tenancy, &here, "beta", b"k", "beta").await;
    let clear =
        async |scope: &TenantScope| -> Result<_, AppError> { Ok(there.clear(scope).await?) };
    stage.tenancy.run("acme", clear).await.unwrap();
    for number in 0_u32..50 {
        let value = get(&stage.tenancy, &here, "acme", &number.to_be_bytes()).await;
        assert_eq!(value.unwrap(), None);
    }
    set(&stage.tenancy, &there, "acme", b"new", "new").await;
    let value = get(&stage.tenancy, &here, "acme", &0_u32.to_be_bytes()).await;
    assert_eq!(value.unwrap(), None, "what was cleared does not come back");
    let value = get(&stage.tenancy, &here, "acme", b"new").await.unwrap();
    assert_eq!(value.as_deref(), Some("new"));
    let value = get(&stage.tenancy, &there, "beta", b"k").await.unwrap();
    assert_eq!(value.as_deref(), Some("beta"));
}

#[tokio::test]
async fn what_is_loaded_while_the_tenant_is_cleared_is_not_kept() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (here, there) = (stage.cache().await, stage.cache().await);
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        let load = async {
            there.clear(scope).await?;
            there.insert(scope, "l", "newer".to_owned()).await?;
            Ok::<_, AppError>("old".to_owned())
        };
        assert_eq!(here.get_with(scope, "k", load).await?, "old");
        assert_eq!(here.get(scope, "k").await?, None);
        let load = async {
            there.clear(scope).await?;
            there.insert(scope, "k", "newer".to_owned()).await?;
            Ok::<_, AppError>("old".to_owned())
        };
        assert_eq!(here.get_with(scope, "k", load).await?, "old");
        assert_eq!(here.get(scope, "k").await?.as_deref(), Some("newer"));
        here.remove(scope, "k").await?;
        let load = async { Ok::<_, AppError>("new".to_owned()) };
        assert_eq!(here.get_with(scope, "k", load).await?, "new");
        assert_eq!(there.get(scope, "k").await?.as_deref(), Some("new"));
        Ok(())
    };
    stage.tenancy.run("acme", work).await.unwrap();
}

#[tokio::test]
async fn a_mark_that_the_server_threw_away_brings_nothing_back() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    set(&stage.tenancy, &cache, "acme", b"k", "old").await;
    let mark = format!("{}:{{tenant=acme}}", stage.name);
    let gone: u32 = stage.say(&[b"DEL", mark.as_bytes()]).await;
    assert_eq!(gone, 1);
    assert_eq!(
        get(&stage.tenancy, &cache, "acme", b"k").await.unwrap(),
        None
    );
    set(&stage.tenancy, &cache, "acme", b"l", "new").await;
    assert_eq!(
        get(&stage.tenancy, &cache, "acme", b"k").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn every_key_has_an_end() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let builder = Cache::builder(&stage.name).time_to_live(Duration::from_secs(1_000));
    let cache = builder.connect(stage.server.url()).await.unwrap();
    let work = async |scope: &TenantScope| -> Result<(), AppError> {
        cache.insert(scope, "k", "v".to_owned()).await?;
        cache
            .get_with(scope, "l", async { Ok::<_, AppError>("v".to_owned()) })
            .await?;
        Ok(())
    };
    stage.tenancy.run("acme", work).await.unwrap();
    let keys = stage.keys().await;
    assert_eq!(keys.len(), 3);
    for key in keys {
        let left: i64 = stage.say(&[b"PTTL", &key]).await;
        assert!((1..=1_000_000).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn a_value_that_is_not_its_tenants_is_refused() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    for name in ["acme", "beta"] {
        set(&stage.tenancy, &cache, name, b"k", name).await;
    }
    let of = |name: &str, rest: &str| format!("{}:{{tenant={name}}}{rest}", stage.name);
    let foreign: Vec<u8> = stage.say(&[b"GET", of("beta", ":k").as_bytes()]).await;
    let broken: [&[u8]; 4] = [&foreign, b"", b"\xff", b"\x03abcd"];
    for stored in broken {
        let () = stage
            .say(&[b"SET", of("acme", ":k").as_bytes(), stored])
            .await;
        let outcome = get(&stage.tenancy, &cache, "acme", b"k").await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, AppError::Cache(CacheError::Foreign)),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("beta"), "{error}");
    }
    // Also where the mark itself is another's.
    let mark: Vec<u8> = stage.say(&[b"GET", of("beta", "").as_bytes()]).await;
    let () = stage.say(&[b"SET", of("acme", "").as_bytes(), &mark]).await;
    let () = stage
        .say(&[b"SET", of("acme", ":k").as_bytes(), &foreign])
        .await;
    let error = get(&stage.tenancy, &cache, "acme", b"k").await.unwrap_err();
    assert!(
        matches!(error, AppError::Cache(CacheError::Foreign)),
        "{error}"
    );
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_and_is_loaded_anew() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    set(
        &stage.tenancy,
        &cache,
        "acme",
        b"k",
        "secret, and no number",
    )
    .await;
    let numbers = TenantCache::<Json<u64>>::builder(&stage.name);
    let numbers = numbers.connect(stage.server.url()).await.unwrap();
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        let error = numbers.get(scope, "k").await.unwrap_err();
        assert!(
            matches!(error, CacheError::Value { doing: "read" }),
            "{error}"
        );
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
        let loaded = numbers
            .get_with(scope, "k", async { Ok::<_, AppError>(Json(7)) })
            .await?;
        assert_eq!(loaded, Json(7));
        assert_eq!(numbers.get(scope, "k").await?, Some(Json(7)));
        Ok(())
    };
    stage.tenancy.run("acme", work).await.unwrap();
}

/// A connection to a real server that can be away, mix up its answers, and be watched.
#[derive(Clone)]
struct Faulty {
    real: MultiplexedConnection,
    away: Arc<AtomicBool>,
    crossed: Arc<AtomicBool>,
    last: Arc<Mutex<Value>>,
}

impl Faulty {
    async fn new(stage: &Stage) -> Self {
        Self {
            real: stage.raw().await,
            away: Arc::default(),
            crossed: Arc::default(),
            last: Arc::new(Mutex::new(Value::Nil)),
        }
    }
}

impl ConnectionLike for Faulty {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            if self.away.load(Ordering::SeqCst) {
                return Err(io::Error::from(io::ErrorKind::ConnectionReset).into());
            }
            let answer = self.real.req_packed_command(command).await?;
            // The one before: what a connection answers that lost count.
            let before = std::mem::replace(&mut *self.last.lock().unwrap(), answer.clone());
            Ok(if self.crossed.load(Ordering::SeqCst) {
                before
            } else {
                answer
            })
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.real.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.real.get_db()
    }
}

#[tokio::test]
async fn an_answer_that_is_another_tenants_is_refused() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let connection = Faulty::new(&stage).await;
    let cache = Cache::builder(&stage.name)
        .over(connection.clone())
        .unwrap();
    for name in ["acme", "beta"] {
        set(&stage.tenancy, &cache, name, b"k", name).await;
    }
    assert!(
        get(&stage.tenancy, &cache, "acme", b"k")
            .await
            .unwrap()
            .is_some()
    );
    connection.crossed.store(true, Ordering::SeqCst);
    let outcome = get(&stage.tenancy, &cache, "beta", b"k").await;
    assert!(
        matches!(outcome, Err(AppError::Cache(CacheError::Foreign))),
        "{outcome:?}"
    );
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        // The answer before was beta's.
        let load = async { Ok::<_, AppError>("loaded".to_owned()) };
        cache.get_with(scope, "k", load).await
    };
    assert_eq!(stage.tenancy.run("acme", work).await.unwrap(), "loaded");
}

#[tokio::test]
async fn dropped_calls_leave_their_answers_to_nobody() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let cache = stage.cache().await;
    for name in ["acme", "beta"] {
        set(&stage.tenancy, &cache, name, b"k", name).await;
    }
    for round in 0..300 {
        let (dropping, asking) = [("acme", "beta"), ("beta", "acme")][round % 2];
        let work = async |scope: &TenantScope| -> Result<bool, AppError> {
            let times = round / 2 % 4 + 1;
            Ok(match round % 3 {
                0 => polled(times, cache.get(scope, "k")).await,
                1 => polled(times, cache.insert(scope, "k", dropping.to_owned())).await,
                _ => {
                    let load = async { Ok::<_, AppError>(dropping.to_owned()) };
                    polled(times, cache.get_with(scope, "k", load)).await
                }
            })
        };
        stage.tenancy.run(dropping, work).await.unwrap();
        let value = get(&stage.tenancy, &cache, asking, b"k").await.unwrap();
        assert_eq!(value.as_deref(), Some(asking), "{round}");
    }
}

#[tokio::test]
async fn a_withdrawn_tenant_is_not_served_from_before_also_where_the_server_is_away() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (tenancy, store) = tenancy();
    let connection = Faulty::new(&stage).await;
    let cache = Cache::builder(&stage.name)
        .over(connection.clone())
        .unwrap();
    tenancy.on_withdrawn({
        let cache = cache.clone();
        move |withdrawn| {
            if let Withdrawn::Tenant(tenant) = withdrawn {
                cache.evict(tenant);
            }
        }
    });
    for name in ["acme", "beta"] {
        set(&tenancy, &cache, name, b"k", name).await;
    }
    connection.away.store(true, Ordering::SeqCst);
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
    let outcome = get(&tenancy, &cache, "acme", b"k").await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(error, AppError::Cache(CacheError::Unanswered { .. })),
        "{error}"
    );
    // A cache that is away is no reason to fail, where the value can be loaded.
    let work = async |scope: &TenantScope| -> Result<_, AppError> {
        let load = async { Ok::<_, AppError>("loaded".to_owned()) };
        cache.get_with(scope, "k", load).await
    };
    assert_eq!(tenancy.run("acme", work).await.unwrap(), "loaded");
    connection.away.store(false, Ordering::SeqCst);
    assert_eq!(get(&tenancy, &cache, "acme", b"k").await.unwrap(), None);
    let value = get(&tenancy, &cache, "beta", b"k").await.unwrap();
    assert_eq!(
        value.as_deref(),
        Some("beta"),
        "an eviction is one tenant's"
    );
}

#[tokio::test]
async fn an_eviction_reaches_other_processes() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let (here, there) = (stage.cache().await, stage.cache().await);
    set(&stage.tenancy, &there, "acme", b"k", "old").await;
    // Here nobody had a scope of acme's, so that nothing is remembered; it is sent all the same.
    here.evict(&id("acme"));
    let mark = format!("{}:{{tenant=acme}}", stage.name);
    while stage.say::<u32>(&[b"EXISTS", mark.as_bytes()]).await == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        get(&stage.tenancy, &there, "acme", b"k").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn errors_and_debug_tell_no_secret() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let port = stage.server.port();
    let urls = [
        format!("redis://:hunter2@127.0.0.1:{port}/"),
        "redis://user:hunter2@127.0.0.1:1/".to_owned(),
        "redis://user:hunter2@".to_owned(),
        "hunter2".to_owned(),
    ];
    for url in urls {
        let error = Cache::builder("a").connect(&url).await.unwrap_err();
        assert!(matches!(error, CacheError::Connect { .. }), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let cache = stage.cache().await;
    let shown = format!("{cache:?} {:?}", Cache::builder("a"));
    let (_, password) = stage.server.url().split_once("//:").unwrap();
    let (password, _) = password.split_once('@').unwrap();
    assert!(
        !shown.contains(password) && !shown.contains("127.0.0.1"),
        "{shown}"
    );
    // Redis repeats arguments in some of its messages.
    let () = stage
        .say(&[
            b"ACL", b"SETUSER", b"reader", b"on", b">pw", b"~*", b"-@all",
        ])
        .await;
    let url = format!("redis://reader:pw@127.0.0.1:{port}/");
    let client = Client::open(url).unwrap();
    let poor = client.get_multiplexed_async_connection().await.unwrap();
    let poor = Cache::builder(&stage.name).over(poor).unwrap();
    let error = get(&stage.tenancy, &poor, "acme", b"a secret key")
        .await
        .unwrap_err();
    let AppError::Cache(CacheError::Refused { code }) = &error else {
        panic!("{error}");
    };
    assert_eq!(code, "NOPERM");
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "{error:?}"
    );
}
