//! Scopes: what opens one, what is ambient in it, what ends it.

use std::time::Duration;

use tenancy_core::{
    CentralScope, Context, Error, InCurrentScope, MemoryStore, Refusal, Tenancy, Tenant, TenantId,
    TenantScope, TenantStatus,
};

fn tenant(id: &str) -> Tenant {
    Tenant::new(TenantId::new(id).unwrap())
}

fn tenancy() -> Tenancy {
    Tenancy::builder(MemoryStore::new([
        tenant("acme"),
        tenant("globex"),
        tenant("sleepy").with_status(TenantStatus::Suspended),
    ]))
    .without_requests()
    .build()
}

fn ambient() -> Option<String> {
    TenantScope::current()
        .ok()
        .map(|scope| scope.tenant_id().to_string())
}

#[tokio::test]
async fn run_opens_the_ambient_and_the_explicit_scope() {
    let got = tenancy()
        .run("acme", async |scope: &TenantScope| -> Result<_, Error> {
            tokio::task::yield_now().await;
            assert!(TenantScope::current()?.is_same_scope(scope));
            assert!(matches!(Context::current(), Context::Tenant(_)));
            assert!(matches!(CentralScope::current(), Err(Error::NoScope)));
            scope.ensure_usable()?;
            Ok(scope.tenant_id().clone())
        })
        .await
        .unwrap();
    assert_eq!(got.as_str(), "acme");
    assert_eq!(ambient(), None);
    assert!(matches!(Context::current(), Context::None));
}

#[tokio::test]
async fn unknown_and_suspended_tenants_look_the_same() {
    let tenancy = tenancy();
    let mut said = Vec::new();
    for (id, refusal) in [
        ("nobody", Refusal::Unknown),
        ("sleepy", Refusal::NotActive(TenantStatus::Suspended)),
    ] {
        let refused = tenancy
            .run(id, async |_: &TenantScope| -> Result<(), Error> {
                unreachable!("no scope")
            })
            .await
            .unwrap_err();
        said.push(refused.to_string());
        assert!(matches!(refused, Error::Refused(why) if why == refusal));
    }
    assert_eq!(said[0], said[1]);
    let refused = tenancy
        .run("No Such", async |_: &TenantScope| -> Result<(), Error> {
            Ok(())
        })
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::InvalidTenantId(_)));
}

#[tokio::test]
async fn nesting_rules() {
    let tenancy = &tenancy();
    tenancy
        .run("acme", async |outer: &TenantScope| -> Result<(), Error> {
            tenancy
                .run("acme", async |inner: &TenantScope| -> Result<(), Error> {
                    assert!(inner.is_same_scope(outer));
                    Ok(())
                })
                .await?;
            // The inner end must not have ended the outer scope.
            outer.ensure_usable()?;

            let other = tenancy.run("globex", async |_: &TenantScope| -> Result<(), Error> {
                Ok(())
            });
            assert!(matches!(other.await, Err(Error::NestedTenant)));

            let central = tenancy
                .central("report", async |_: &CentralScope| -> Result<(), Error> {
                    Ok(())
                });
            assert!(matches!(central.await, Err(Error::CentralInsideTenant)));

            tenancy
                .leaving(outer)
                .central(
                    "report",
                    async |central: &CentralScope| -> Result<(), Error> {
                        central.ensure_usable()?;
                        assert!(matches!(TenantScope::current(), Err(Error::NoScope)));
                        assert!(matches!(outer.ensure_usable(), Err(Error::ScopeMismatch)));
                        Ok(())
                    },
                )
                .await?;
            assert_eq!(ambient().as_deref(), Some("acme"));
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn the_same_id_of_another_tenancy_is_another_tenant() {
    let (one, two) = (&tenancy(), &tenancy());
    one.run("acme", async |scope: &TenantScope| -> Result<(), Error> {
        let other = two.run("acme", async |_: &TenantScope| -> Result<(), Error> {
            Ok(())
        });
        assert!(matches!(other.await, Err(Error::NestedTenant)));
        let leave = two
            .leaving(scope)
            .central("report", async |_: &CentralScope| -> Result<(), Error> {
                Ok(())
            });
        assert!(matches!(leave.await, Err(Error::ScopeMismatch)));
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_tenant_inside_central_and_the_outer_scope_refused_there() {
    let tenancy = &tenancy();
    tenancy
        .central(
            "nightly",
            async |central: &CentralScope| -> Result<(), Error> {
                assert_eq!(central.reason(), "nightly");
                assert!(matches!(Context::current(), Context::Central(_)));
                tenancy
                    .run("acme", async |_: &TenantScope| -> Result<(), Error> {
                        assert!(matches!(central.ensure_usable(), Err(Error::ScopeMismatch)));
                        Ok(())
                    })
                    .await?;
                central.ensure_usable()
            },
        )
        .await
        .unwrap();
    let empty = tenancy.central("  ", async |_: &CentralScope| -> Result<(), Error> {
        Ok(())
    });
    assert!(matches!(empty.await, Err(Error::NoReason)));
}

#[tokio::test]
async fn spawn_loses_the_scope_and_in_current_scope_carries_a_ticket() {
    let (keep, kept) = tokio::sync::oneshot::channel::<()>();
    let late = tenancy()
        .run("acme", async |_: &TenantScope| -> Result<_, Error> {
            assert_eq!(tokio::spawn(async { ambient() }).await.unwrap(), None);
            let carried = tokio::spawn(async { ambient() }.in_current_scope())
                .await
                .unwrap();
            assert_eq!(carried.as_deref(), Some("acme"));
            Ok(tokio::spawn(
                async move {
                    kept.await.unwrap();
                    TenantScope::current().unwrap().ensure_usable()
                }
                .in_current_scope(),
            ))
        })
        .await
        .unwrap();
    keep.send(()).unwrap();
    assert!(matches!(late.await.unwrap(), Err(Error::ScopeEnded)));
}

#[tokio::test]
async fn a_ticket_opens_nothing_after_the_end_whatever_the_end_was() {
    let tenancy = &tenancy();
    let (send, tickets) = std::sync::mpsc::channel();

    let keep = send.clone();
    tenancy
        .run(
            "acme",
            async move |scope: &TenantScope| -> Result<(), Error> {
                keep.send(scope.ticket()).unwrap();
                Ok(())
            },
        )
        .await
        .unwrap();

    let keep = send.clone();
    let failed = tenancy
        .run(
            "acme",
            async move |scope: &TenantScope| -> Result<(), Error> {
                keep.send(scope.ticket()).unwrap();
                Err(Error::NoReason)
            },
        )
        .await;
    assert!(matches!(failed, Err(Error::NoReason)));

    let keep = send.clone();
    let owned = tenancy.clone();
    let panicked = tokio::spawn(async move {
        owned
            .run(
                "acme",
                async move |scope: &TenantScope| -> Result<(), Error> {
                    keep.send(scope.ticket()).unwrap();
                    panic!("on purpose")
                },
            )
            .await
    });
    assert!(panicked.await.unwrap_err().is_panic());

    let keep = send;
    let dropped = tenancy.run(
        "acme",
        async move |scope: &TenantScope| -> Result<(), Error> {
            keep.send(scope.ticket()).unwrap();
            std::future::pending().await
        },
    );
    tokio::time::timeout(Duration::from_millis(20), dropped)
        .await
        .unwrap_err();

    let tickets: Vec<_> = tickets.iter().collect();
    assert_eq!(tickets.len(), 4);
    for ticket in tickets {
        assert!(matches!(ticket.ensure_usable(), Err(Error::ScopeEnded)));
    }
}

#[tokio::test]
async fn a_central_ticket_ends_with_its_closure() {
    let ticket = tenancy()
        .central("report", async |_: &CentralScope| CentralScope::current())
        .await
        .unwrap();
    assert!(matches!(ticket.ensure_usable(), Err(Error::ScopeEnded)));
}

/// What an integration holds for a central route.
#[tokio::test]
async fn central_work_that_is_not_tied_to_a_closure_ends_when_it_is_dropped() {
    let tenancy = tenancy();
    assert!(matches!(tenancy.open_central(" "), Err(Error::NoReason)));
    let open = tenancy.open_central("report").unwrap();
    let ticket = open.scope().ticket();
    assert_eq!(ticket.reason(), "report");
    assert!(
        CentralScope::current().is_err(),
        "it is ambient nowhere yet"
    );
    let inside = open.scope().scope(async { CentralScope::current() }).await;
    assert!(inside.unwrap().ensure_usable().is_ok());
    assert!(open.scope().during(CentralScope::current).is_ok());
    drop(open);
    assert!(matches!(ticket.ensure_usable(), Err(Error::ScopeEnded)));
    let inside_a_tenants = tenancy
        .run("acme", async |_: &TenantScope| {
            tenancy.open_central("report").map(drop)
        })
        .await;
    assert!(matches!(inside_a_tenants, Err(Error::CentralInsideTenant)));
}

/// Thousands of scopes, interleaved on several threads: each sees its own tenant at every step.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_interleaved_scopes_never_mix() {
    const TENANTS: u64 = 50;
    let tenancy = Tenancy::builder(MemoryStore::new(
        (0..TENANTS).map(|id| Tenant::new(TenantId::from(id))),
    ))
    .without_requests()
    .build();
    let tasks: Vec<_> = (0..5_000_u64)
        .map(|task| {
            let tenancy = tenancy.clone();
            tokio::spawn(async move {
                let mine = task % TENANTS;
                tenancy
                    .run(
                        mine,
                        async move |scope: &TenantScope| -> Result<(), Error> {
                            let carried = tokio::spawn(async { ambient() }.in_current_scope());
                            for step in 0..20 {
                                assert_eq!(ambient(), Some(mine.to_string()));
                                assert_eq!(scope.tenant_id().as_str(), mine.to_string());
                                if (task + step) % 7 == 0 {
                                    tokio::time::sleep(Duration::from_micros(task % 100)).await;
                                } else {
                                    tokio::task::yield_now().await;
                                }
                            }
                            assert_eq!(carried.await.unwrap(), Some(mine.to_string()));
                            Ok(())
                        },
                    )
                    .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

/// The shapes in which real code holds `run`: spawned, boxed, retried, with borrowed captures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_fits_where_futures_are_used() {
    type Boxed<'a> = std::pin::Pin<Box<dyn Future<Output = Result<usize, Error>> + Send + 'a>>;

    async fn retry<F, Fut>(mut attempt: F) -> Result<usize, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<usize, Error>> + Send,
    {
        attempt().await?;
        attempt().await
    }

    let tenancy = tenancy();
    let words = ["a".to_owned(), "b".to_owned()];
    let count = async |_: &TenantScope| -> Result<usize, Error> { Ok(words.len()) };

    let boxed: Boxed<'_> = Box::pin(tenancy.run("acme", count));
    assert_eq!(boxed.await.unwrap(), 2);
    assert_eq!(retry(|| tenancy.run("acme", count)).await.unwrap(), 2);

    let spawned = tenancy.clone();
    let task = tokio::spawn(async move {
        spawned
            .run("globex", async |_: &TenantScope| -> Result<usize, Error> {
                Ok(1)
            })
            .await
    });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}
