//! What is reported, and that no label is a tenant or a target.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};

use super::world::{Mood, limits, pool, quiet, take};

#[derive(Default)]
struct Seen(Arc<Mutex<BTreeSet<String>>>);

impl Seen {
    fn see(&self, key: &Key) {
        self.0.lock().unwrap().insert(key.to_string());
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.see(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.see(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.see(key);
        Histogram::noop()
    }
}

#[test]
fn labels_are_few_and_name_nobody() {
    let recorder = Seen::default();
    let seen = Arc::clone(&recorder.0);
    with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (pool, world) = pool(limits(4));
            world.mood("dead-target", Mood::Fails);
            for at in 0..500 {
                drop(
                    take(&pool, &format!("tenant-{at}"), "some-target")
                        .await
                        .unwrap(),
                );
            }
            let _ = take(&pool, "tenant-x", "dead-target").await;
            quiet(&pool).await;
            tokio::time::sleep(Duration::from_hours(1)).await;
            pool.close().await;
        });
    });
    let seen = seen.lock().unwrap();
    assert!(seen.len() < 40, "{seen:?}");
    assert!(
        seen.iter()
            .all(|key| !key.contains("tenant-") && !key.contains("-target"))
    );
    for name in [
        "connections",
        "checkouts_total",
        "connects_total",
        "cleans_total",
        "wait_seconds",
    ] {
        let name = format!("tenancy_pool_{name}");
        assert!(
            seen.iter().any(|key| key.contains(&name)),
            "{name}: {seen:?}"
        );
    }
}
