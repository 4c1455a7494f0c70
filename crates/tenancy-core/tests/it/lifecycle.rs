//! Bootstrappers and listeners: order, failures, panics, dropped futures, dying runtimes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenancy_core::{
    Bootstrapper, BoxError, Error, Event, MemoryStore, Tenancy, Tenant, TenantId, TenantScope,
};

type Log = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, PartialEq)]
enum Does {
    Works,
    FailsToStart,
    PanicsAtStart,
    FailsToRevert,
    PanicsInRevert,
    HangsAtStart,
}

struct Step {
    name: &'static str,
    does: Does,
    log: Log,
}

impl Bootstrapper for Step {
    type State = String;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn initialize(&self, scope: &TenantScope) -> Result<String, BoxError> {
        tokio::task::yield_now().await;
        scope.ensure_usable()?;
        assert!(TenantScope::current()?.is_same_scope(scope));
        match self.does {
            Does::FailsToStart => return Err("no".into()),
            Does::PanicsAtStart => panic!("at start"),
            Does::HangsAtStart => std::future::pending().await,
            _ => {}
        }
        self.log.lock().unwrap().push(format!("+{}", self.name));
        Ok(format!("state of {}", self.name))
    }

    async fn revert(&self, scope: &TenantScope, state: String) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        assert_eq!(state, format!("state of {}", self.name));
        // The revert's own handle works; a ticket from outside does not any more.
        scope.ensure_usable()?;
        assert!(matches!(
            TenantScope::current()?.ensure_usable(),
            Err(Error::ScopeEnded)
        ));
        self.log.lock().unwrap().push(format!("-{}", self.name));
        match self.does {
            Does::FailsToRevert => Err("still there".into()),
            Does::PanicsInRevert => panic!("in revert"),
            _ => Ok(()),
        }
    }
}

fn tenancy(steps: &[(&'static str, Does)]) -> (Tenancy, Log) {
    let log = Log::default();
    let listened = Arc::clone(&log);
    let mut builder = Tenancy::builder(MemoryStore::new([Tenant::new(
        TenantId::new("acme").unwrap(),
    )]))
    .without_requests()
    .listen(move |_: &TenantId, event: &Event<'_>| {
        listened.lock().unwrap().push(match event {
            Event::Initializing => "initializing".into(),
            Event::Initialized => "initialized".into(),
            Event::Ending(ending) => format!("ending {ending:?}"),
            Event::Ended { cleanup, .. } => format!("ended {}", cleanup.len()),
            _ => "unknown".into(),
        });
    })
    .listen(|_: &TenantId, event: &Event<'_>| {
        assert!(
            !matches!(event, Event::Initialized),
            "a listener that panics"
        );
    });
    for (name, does) in steps {
        builder = builder.bootstrap(Step {
            name,
            does: *does,
            log: Arc::clone(&log),
        });
    }
    (builder.build(), log)
}

fn entries(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

#[tokio::test]
async fn order_on_success() {
    let (tenancy, log) = tenancy(&[("a", Does::Works), ("b", Does::Works)]);
    let body = Arc::clone(&log);
    tenancy
        .run("acme", async move |_: &TenantScope| -> Result<(), Error> {
            body.lock().unwrap().push("body".into());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(
        entries(&log),
        [
            "initializing",
            "+a",
            "+b",
            "initialized",
            "body",
            "ending Completed",
            "-b",
            "-a",
            "ended 0"
        ]
    );
}

#[tokio::test]
async fn the_primary_error_keeps_its_identity_and_clean_up_errors_stand_beside_it() {
    #[derive(Debug, PartialEq)]
    struct Mine(u8);
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            panic!("not the body's own error: {error}")
        }
    }
    let (tenancy, log) = tenancy(&[
        ("a", Does::FailsToRevert),
        ("b", Does::PanicsInRevert),
        ("c", Does::Works),
    ]);
    let failed = tenancy
        .run("acme", async |_: &TenantScope| -> Result<(), Mine> {
            Err(Mine(7))
        })
        .await;
    assert_eq!(failed, Err(Mine(7)));
    assert_eq!(
        entries(&log)[4..],
        ["initialized", "ending Failed", "-c", "-b", "-a", "ended 2"]
    );
}

#[tokio::test]
async fn every_clean_up_error_is_kept_when_the_body_succeeded() {
    let (tenancy, _) = tenancy(&[("a", Does::FailsToRevert), ("b", Does::PanicsInRevert)]);
    let cleanup = match tenancy
        .run("acme", async |_: &TenantScope| -> Result<(), Error> {
            Ok(())
        })
        .await
    {
        Err(Error::Cleanup(cleanup)) => cleanup,
        other => panic!("{other:?}"),
    };
    let names: Vec<_> = cleanup
        .iter()
        .map(tenancy_core::CleanupError::name)
        .collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(cleanup.to_string(), "2 not reverted: b, a");
}

#[tokio::test]
async fn a_failed_bootstrapper_reverts_those_before_it_and_the_body_never_runs() {
    let (tenancy, log) = tenancy(&[
        ("a", Does::FailsToRevert),
        ("b", Does::FailsToStart),
        ("c", Does::Works),
    ]);
    let failed = tenancy
        .run("acme", async |_: &TenantScope| -> Result<(), Error> {
            unreachable!("no body")
        })
        .await;
    match failed {
        Err(Error::Bootstrap {
            name: "b",
            source,
            cleanup,
        }) => {
            assert_eq!(source.to_string(), "no");
            assert_eq!(cleanup.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        entries(&log),
        ["initializing", "+a", "ending Failed", "-a", "ended 1"]
    );
}

#[tokio::test]
async fn a_panic_reverts_and_goes_on() {
    for (steps, expected) in [
        (
            &[("a", Does::Works), ("b", Does::PanicsAtStart)][..],
            &["initializing", "+a", "ending Panicked", "-a", "ended 0"][..],
        ),
        (
            &[("a", Does::Works)][..],
            &[
                "initializing",
                "+a",
                "initialized",
                "ending Panicked",
                "-a",
                "ended 0",
            ][..],
        ),
    ] {
        let (tenancy, log) = tenancy(steps);
        let task = tokio::spawn(async move {
            tenancy
                .run("acme", async |_: &TenantScope| -> Result<(), Error> {
                    panic!("in body")
                })
                .await
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(entries(&log), expected);
    }
}

#[tokio::test]
async fn a_dropped_future_reverts_in_a_task_of_its_own() {
    let (tenancy, log) = tenancy(&[("a", Does::Works), ("b", Does::Works)]);
    let body = tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
        std::future::pending().await
    });
    tokio::time::timeout(Duration::from_millis(20), body)
        .await
        .unwrap_err();
    tenancy.settled().await;
    assert_eq!(
        entries(&log)[4..],
        ["ending Dropped", "-b", "-a", "ended 0"]
    );
}

#[tokio::test]
async fn dropped_while_initializing_reverts_what_completed() {
    let (tenancy, log) = tenancy(&[("a", Does::Works), ("b", Does::HangsAtStart)]);
    let body = tenancy.run("acme", async |_: &TenantScope| -> Result<(), Error> {
        Ok(())
    });
    tokio::time::timeout(Duration::from_millis(20), body)
        .await
        .unwrap_err();
    tenancy.settled().await;
    assert_eq!(
        entries(&log),
        ["initializing", "+a", "ending Dropped", "-a", "ended 0"]
    );
}

/// The future is dropped at each of its await points in turn; the reverts run every time.
#[tokio::test]
async fn dropped_at_every_await_point() {
    for polls in 1..20 {
        let (tenancy, log) = tenancy(&[("a", Does::Works), ("b", Does::Works)]);
        let mut body = Box::pin(tenancy.run(
            "acme",
            async |_: &TenantScope| -> Result<(), Error> {
                tokio::task::yield_now().await;
                Ok(())
            },
        ));
        for _ in 0..polls {
            if futures_util::poll!(&mut body).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(body);
        tenancy.settled().await;
        let entries = entries(&log);
        for name in ["a", "b"] {
            let count = |mark: &str| {
                entries
                    .iter()
                    .filter(|e| **e == format!("{mark}{name}"))
                    .count()
            };
            assert_eq!(count("+"), count("-"), "after {polls} polls: {entries:?}");
        }
        assert_eq!(
            entries.iter().any(|entry| entry.starts_with("init")),
            entries.iter().any(|entry| entry.starts_with("ended")),
            "after {polls} polls: {entries:?}"
        );
    }
}

#[test]
fn a_runtime_that_shuts_down_leaves_no_revert_behind() {
    let (tenancy, log) = tenancy(&[("a", Does::Works), ("b", Does::Works)]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let inner = tenancy.clone();
    runtime.block_on(async move {
        let body = async move {
            inner
                .run("acme", async |_: &TenantScope| -> Result<(), Error> {
                    std::future::pending().await
                })
                .await
        };
        tokio::spawn(body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    });
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(tenancy.settled());
    assert_eq!(
        entries(&log)[4..],
        ["ending Dropped", "-b", "-a", "ended 0"]
    );
}

#[tokio::test]
async fn nested_runs_of_one_tenant_initialize_once() {
    let (tenancy, log) = tenancy(&[("a", Does::Works)]);
    let outer = &tenancy;
    outer
        .run("acme", async |_: &TenantScope| -> Result<(), Error> {
            outer
                .run("acme", async |_: &TenantScope| -> Result<(), Error> {
                    Ok(())
                })
                .await
        })
        .await
        .unwrap();
    assert_eq!(
        entries(&log).iter().filter(|entry| *entry == "+a").count(),
        1
    );
}
