//! Who is let in, and what the rest can tell from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenancy_core::{
    BoxError, CustomDomain, Error, Header, Membership, MemoryStore, Outcome, RequestView, Tenancy,
    TenantId, TenantStatus,
};

use crate::support::{Fake, Watched, domain, id, tenant};

/// The principal is the one tenant that the caller is a member of, or `broken`.
#[derive(Clone, Default)]
struct Counted {
    asked: Arc<AtomicUsize>,
}

impl Membership for Counted {
    async fn is_member(
        &self,
        tenant: &TenantId,
        request: &dyn RequestView,
    ) -> Result<bool, BoxError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match request.principal_as::<&'static str>() {
            Some(&"broken") => Err("no connection to the user database".into()),
            Some(&"everyone") => Ok(true),
            member => Ok(member.is_some_and(|own| *own == tenant.as_str())),
        }
    }
}

struct World {
    tenancy: Tenancy,
    store: Watched,
    members: Counted,
}

impl World {
    fn new() -> Self {
        let with = |name, status| tenant(name).with_status(status);
        let tenants = MemoryStore::new([
            tenant("acme"),
            with("suspended", TenantStatus::Suspended),
            with("provisioning", TenantStatus::Provisioning),
            with("archived", TenantStatus::Archived),
        ]);
        for name in ["acme", "suspended", "provisioning", "archived"] {
            tenants
                .add_domain(&id(name), &domain(&format!("{name}.org")))
                .unwrap();
        }
        let store = Watched::new(&tenants);
        let members = Counted::default();
        let tenancy = Tenancy::builder(store.clone())
            .resolve(Header::named("x-tenant-id"))
            .resolve(CustomDomain::except("service.example"))
            .authorize(members.clone())
            .build();
        Self {
            tenancy,
            store,
            members,
        }
    }

    async fn ask(&self, request: Fake) -> Result<TenantId, Error> {
        let open = self.tenancy.open_request(&request).await?;
        Ok(open.scope().tenant_id().clone())
    }

    /// Look-ups by id and by domain, and membership checks so far.
    fn work(&self) -> [usize; 3] {
        [
            self.store.by_id(),
            self.store.by_domain(),
            self.members.asked.load(Ordering::SeqCst),
        ]
    }
}

const REFUSED: [(&str, Outcome); 5] = [
    ("acme", Outcome::Forbidden),
    ("suspended", Outcome::NotActive),
    ("provisioning", Outcome::NotActive),
    ("archived", Outcome::NotActive),
    ("unknown", Outcome::Unknown),
];

fn by_header(name: &str) -> Fake {
    Fake::path("/").header("x-tenant-id", name)
}

fn by_domain(name: &str) -> Fake {
    Fake::host(format!("{name}.org"))
}

fn by_both(name: &str) -> Fake {
    by_domain(name).header("x-tenant-id", name)
}

#[tokio::test]
async fn a_member_of_an_active_tenant_is_let_in() {
    let world = World::new();
    for request in [by_header("acme"), by_domain("acme"), by_both("acme")] {
        assert_eq!(
            world.ask(request.principal("acme")).await.unwrap(),
            id("acme")
        );
    }
}

#[tokio::test]
async fn unknown_inactive_and_forbidden_are_one_in_answer_and_in_work() {
    for way in [by_header, by_domain, by_both] {
        // Cold and warm; for a caller who is a member of everything, and for one of nothing.
        for principal in ["nobody", "everyone"] {
            let mut seen: Vec<(String, Vec<[usize; 3]>)> = Vec::new();
            for (name, outcome) in REFUSED {
                if principal == "everyone" && outcome == Outcome::Forbidden {
                    continue;
                }
                let world = World::new();
                let mut work = Vec::new();
                for _ in 0..3 {
                    let refused = world.ask(way(name).principal(principal)).await;
                    assert_eq!(Outcome::of(&refused), Some(outcome), "{name}");
                    work.push(world.work());
                    let error = refused.unwrap_err();
                    assert!(matches!(error, Error::Refused(_)));
                    if seen.len() < REFUSED.len() && work.len() == 1 {
                        seen.push((error.to_string(), Vec::new()));
                    }
                }
                seen.last_mut().unwrap().1 = work;
            }
            for other in &seen {
                assert_eq!(*other, seen[0]);
            }
            assert_eq!(seen[0].1[2][2], 3, "membership is asked each time");
        }
    }
}

#[tokio::test]
async fn an_unknown_domains_stand_in_opens_nothing() {
    let world = World::new();
    world
        .ask(by_domain("unknown").principal("everyone"))
        .await
        .unwrap_err();
    let stand_in = world.store.last_id().unwrap();
    // Even if somebody had made a tenant of that very name.
    let tenants = MemoryStore::new([tenant(stand_in.as_str())]);
    let store = Watched::new(&tenants);
    let tenancy = Tenancy::builder(store.clone())
        .resolve(CustomDomain::except("service.example"))
        .authorize(Counted::default())
        .build();
    let request = || by_domain("unknown").principal("everyone");
    tenancy.open_request(&request()).await.unwrap_err();
    assert_ne!(
        store.last_id().unwrap(),
        stand_in,
        "no process uses another's stand-ins"
    );
    tenants
        .insert(tenant(store.last_id().unwrap().as_str()))
        .unwrap();
    tenancy.invalidate_all();
    let refused = tenancy.open_request(&request()).await;
    assert_eq!(Outcome::of(&refused), Some(Outcome::Unknown));
}

#[tokio::test]
async fn a_failing_check_lets_nobody_in() {
    let world = World::new();
    let refused = world.ask(by_header("acme").principal("broken")).await;
    assert!(matches!(refused, Err(Error::Membership(_))), "{refused:?}");
    assert_eq!(Outcome::of(&refused), None);
    let unknown = world.ask(by_header("unknown").principal("broken")).await;
    assert!(
        matches!(unknown, Err(Error::Membership(_))),
        "the same for an unknown one"
    );
    world.store.fail(true);
    world.tenancy.invalidate_all();
    let refused = world.ask(by_header("acme").principal("acme")).await;
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
}

async fn named_in_the_token(
    tenant: &TenantId,
    request: &dyn RequestView,
) -> Result<bool, BoxError> {
    tokio::task::yield_now().await;
    Ok(request.claim("tenant") == Some(tenant.as_str()))
}

#[tokio::test]
async fn functions_and_closures_are_checks() {
    let builder = || {
        Tenancy::builder(MemoryStore::new([tenant("acme")])).resolve(Header::named("x-tenant-id"))
    };
    let allowed = Arc::new("acme".to_owned());
    for tenancy in [
        builder().authorize(named_in_the_token).build(),
        builder()
            .authorize(async |tenant: &TenantId, request: &dyn RequestView| {
                Ok::<bool, BoxError>(request.claim("tenant") == Some(tenant.as_str()))
            })
            .build(),
        builder()
            .authorize(move |tenant: &TenantId, request: &dyn RequestView| {
                let (allowed, tenant) = (Arc::clone(&allowed), tenant.clone());
                let claimed = request.claim("tenant").is_some();
                async move { Ok::<bool, BoxError>(claimed && *allowed == tenant.as_str()) }
            })
            .build(),
    ] {
        let stranger = tenancy.open_request(&by_header("acme")).await;
        assert_eq!(Outcome::of(&stranger), Some(Outcome::Forbidden));
        let member = by_header("acme").claim("tenant", "acme");
        // In a task, as in a server: the check's future is `Send`.
        let opened = tokio::spawn(async move { tenancy.open_request(&member).await.is_ok() });
        assert!(opened.await.unwrap());
    }
}
