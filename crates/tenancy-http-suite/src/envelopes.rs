//! Scopes that are handed over to a service, and what attackers make of them, for the integrations'
//! own tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use tenancy_core::{
    BoxError, CentralScope, EnvelopeKey, EnvelopeKeys, Error, Header, MemoryStore, RequestView,
    Tenancy, Tenant, TenantId, TenantScope, TenantStatus,
};

use crate::stage::{Ends, Headers};

/// The service that opens them.
pub const SERVICE: &str = "notes";
const KEY: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYh";
const OTHER_KEY: &str = "k1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTAh";
const MINUTE: Duration = Duration::from_mins(1);

/// A service and its clock.
#[derive(Debug)]
pub struct Stage {
    pub tenancy: Tenancy,
    pub ends: Ends,
    seconds: Arc<AtomicU64>,
}

impl Stage {
    /// `acme` and `globex` are active, `sleepy` is suspended; `x-tenant-id` names them too, and
    /// nobody is a member of any.
    pub fn new() -> Self {
        Self::with_key(KEY)
    }

    fn with_key(key: &str) -> Self {
        let (ends, seconds) = (Ends::default(), Arc::new(AtomicU64::new(1_000)));
        let clock = Arc::clone(&seconds);
        let clock = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst));
        let key: EnvelopeKey = key.parse().unwrap();
        let tenants = ["acme", "globex", "sleepy"].map(|name| {
            let tenant = Tenant::new(TenantId::new(name).unwrap());
            if name == "sleepy" {
                tenant.with_status(TenantStatus::Suspended)
            } else {
                tenant
            }
        });
        let tenancy = Tenancy::builder(MemoryStore::new(tenants))
            .resolve(Header::named("x-tenant-id"))
            .authorize(|_: &TenantId, _: &dyn RequestView| async { Ok::<_, BoxError>(false) })
            .envelope_keys(EnvelopeKeys::new(key).with_clock(clock))
            .listen(ends.clone())
            .build();
        Self {
            tenancy,
            ends,
            seconds,
        }
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A good envelope, for a minute.
    pub async fn sealed(&self, tenant: &str) -> String {
        self.sealed_for(SERVICE, tenant).await
    }

    async fn sealed_for(&self, service: &str, tenant: &str) -> String {
        let sealed = self.tenancy.run(tenant, async |scope: &TenantScope| {
            self.tenancy.service(service)?.envelope(scope, MINUTE)
        });
        let sealed = sealed.await.unwrap().as_str().to_owned();
        self.ends.take();
        sealed
    }

    /// Envelopes that must open nothing, each with what is wrong with it.
    pub async fn bad(&self) -> Vec<(&'static str, Vec<String>)> {
        let good = self.sealed("acme").await;
        let others = Self::with_key(OTHER_KEY).sealed("acme").await;
        // This tenant was active where the envelope was made.
        let elsewhere = {
            let active = MemoryStore::new(
                ["sleepy", "nobody"].map(|name| Tenant::new(TenantId::new(name).unwrap())),
            );
            Tenancy::builder(active)
                .without_requests()
                .envelope_keys(
                    EnvelopeKeys::new(KEY.parse().unwrap())
                        .with_clock(|| UNIX_EPOCH + Duration::from_secs(1_000)),
                )
                .build()
        };
        let of = async |tenant: &'static str| {
            let sealed = elsewhere.run(tenant, async |scope: &TenantScope| {
                elsewhere.service(SERVICE)?.envelope(scope, MINUTE)
            });
            sealed.await.unwrap().as_str().to_owned()
        };
        let queue = self.tenancy.run("acme", async |scope: &TenantScope| {
            self.tenancy.audience(SERVICE)?.envelope(scope, MINUTE)
        });
        let queue = queue.await.unwrap().as_str().to_owned();
        let everyone = self.tenancy.run("acme", async |scope: &TenantScope| {
            self.tenancy.envelope(scope, MINUTE)
        });
        let everyone = everyone.await.unwrap().as_str().to_owned();
        let central =
            self.tenancy
                .central("a test", async |scope: &CentralScope| -> Result<_, Error> {
                    self.tenancy
                        .service(SERVICE)?
                        .central_envelope(scope, MINUTE)
                });
        let central = central.await.unwrap().as_str().to_owned();
        self.ends.take();
        let (message, signature) = good.rsplit_once('.').unwrap();
        let other_payload = {
            let globex = self.sealed("globex").await;
            let (message, _) = globex.rsplit_once('.').unwrap();
            format!("{message}.{signature}")
        };
        let one = |text: String| vec![text];
        vec![
            ("suspended in between", one(of("sleepy").await)),
            ("unknown here", one(of("nobody").await)),
            (
                "another service's",
                one(self.sealed_for("billing", "acme").await),
            ),
            ("a queue's of the same name", one(queue)),
            ("everyone's", one(everyone)),
            ("central", one(central)),
            ("of a key of the same id", one(others)),
            (
                "another tenant under the same signature",
                one(other_payload),
            ),
            ("no signature", one(message.to_owned())),
            ("cut off", one(good[..good.len() - 1].to_owned())),
            ("the tenant's id", one("acme".to_owned())),
            ("empty", one(String::new())),
            ("oversized", one(format!("{good}{}", "A".repeat(2_000)))),
            ("twice", vec![good.clone(), good.clone()]),
            ("twice in one", one(format!("{good}, {good}"))),
        ]
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// What every framework answers to envelopes. `answer` gives these headers to a tenant's route behind
/// a layer made `from_envelopes` of `stage`; its handler answers with the tenant's id.
pub async fn judge(stage: &Stage, answer: impl AsyncFn(Headers) -> (u16, String)) {
    let ask = async |envelopes: &[String], named: &[&str]| {
        let envelopes = envelopes.iter().map(|text| ("tenancy-scope", text.clone()));
        let named = named
            .iter()
            .map(|tenant| ("x-tenant-id", (*tenant).to_owned()));
        answer(envelopes.chain(named).collect()).await
    };
    let good = [stage.sealed("acme").await];
    assert_eq!(ask(&good, &[]).await, (200, "acme".to_owned()));
    assert_eq!(ask(&good, &["acme"]).await, (200, "acme".to_owned()));
    assert_eq!(stage.ends.take().len(), 2);
    let unknown = (404, "not found\n".to_owned());
    for (what, envelopes) in stage.bad().await {
        assert_eq!(ask(&envelopes, &[]).await, unknown, "{what}");
    }
    for named in [
        &["globex"][..],
        &["nobody"],
        &["sleepy"],
        &["NOT AN ID"],
        &["acme", "acme"],
    ] {
        assert_eq!(ask(&good, named).await, unknown, "{named:?}");
    }
    for named in [&[][..], &["acme"]] {
        assert_eq!(ask(&[], named).await.0, 400, "no envelope: {named:?}");
    }
    stage.pass(60);
    assert_eq!(ask(&good, &[]).await, unknown, "replayed after its time");
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}

/// What every framework answers to a good envelope where none is taken: `answer` is as in [`judge`],
/// behind a layer made with `new`.
pub async fn judge_ignored(stage: &Stage, answer: impl AsyncFn(Headers) -> (u16, String)) {
    let envelope = ("tenancy-scope", stage.sealed("acme").await);
    assert_eq!(answer(vec![envelope.clone()]).await.0, 400);
    // Named, too, it is a stranger's: no member.
    let named = ("x-tenant-id", "acme".to_owned());
    assert_eq!(answer(vec![envelope, named]).await.0, 404);
    assert!(stage.ends.take().is_empty(), "no scope was opened");
}
