//! Texts that nobody means well with.

use tenancy_core::{Domain, TenantId};
use tenancy_fleet::registry::{Actor, Change, Expected, NewTenant, RegistryError};

use super::stage::Stage;
use super::{ada, domain, id, on_every_base};

on_every_base!(
    metadata_comes_back_as_it_was,
    actors_and_outcomes_come_back_as_they_were,
    the_longest_of_everything_fits,
);

const TEXTS: [&str; 14] = [
    "",
    "'",
    "\"",
    "\\",
    "\\'; DROP TABLE tenancy_tenant; --",
    "?",
    "$1",
    "{tenant}",
    "%s",
    "line\nline\r\n\tline",
    "nul\0nul",
    "🦊 ünïcödé \u{202e}",
    "`x`",
    "/* */ -- #",
];

async fn metadata_comes_back_as_it_was(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::active(id("acme"));
    registry.create(new, &ada()).await.unwrap();
    for text in TEXTS {
        let metadata = serde_json::json!({ text: [text, 1.5, -1, u64::MAX, null] });
        let change = Change::metadata(&metadata).unwrap();
        registry
            .update(&id("acme"), Expected::Any, change, &ada())
            .await
            .unwrap();
        let read = registry.get(&id("acme")).await.unwrap().unwrap();
        assert_eq!(read.metadata::<serde_json::Value>().unwrap(), metadata);
    }
    let huge = "x".repeat(64 * 1024 - 2);
    let change = Change::metadata(&huge).unwrap();
    registry
        .update(&id("acme"), Expected::Any, change, &ada())
        .await
        .unwrap();
    let read = registry.get(&id("acme")).await.unwrap().unwrap();
    assert_eq!(read.metadata::<String>().unwrap(), huge);
    let larger = Change::metadata(&format!("{huge}x")).unwrap_err();
    assert!(matches!(larger, RegistryError::Length { .. }));
    let deep = (0..200).fold(serde_json::json!(1), |deep, _| serde_json::json!([deep]));
    assert_eq!(
        Change::metadata(&deep).unwrap_err(),
        RegistryError::Metadata
    );
    let keys = std::collections::HashMap::from([(vec![1], 1)]);
    assert_eq!(
        Change::metadata(&keys).unwrap_err(),
        RegistryError::Metadata
    );
}

async fn actors_and_outcomes_come_back_as_they_were(stage: Stage) {
    let registry = stage.registry().await;
    let new = NewTenant::active(id("acme"));
    registry.create(new, &ada()).await.unwrap();
    let mut taken = 1;
    for text in TEXTS {
        let (actor, outcome) = (Actor::new(text), Change::outcome(Some(text.to_owned())));
        let is_line = !text.is_empty() && !text.chars().any(char::is_control);
        assert_eq!(actor.is_ok(), is_line, "{text:?}");
        assert_eq!(outcome.is_ok(), !text.is_empty() && !text.contains('\0'));
        let (Ok(actor), Ok(outcome)) = (actor, outcome) else {
            continue;
        };
        let changed = registry
            .update(&id("acme"), Expected::Any, outcome, &actor)
            .await
            .unwrap();
        taken += 1;
        assert_eq!(changed.outcome(), Some(text));
        let audit = registry.audit(&id("acme"), None, 100).await.unwrap();
        assert_eq!(
            (audit.len(), audit[taken - 1].actor.as_str()),
            (taken, text)
        );
    }
}

async fn the_longest_of_everything_fits(stage: Stage) {
    let registry = stage.registry().await;
    let longest = TenantId::new("i".repeat(63)).unwrap();
    let label = "d".repeat(61);
    let mut domains: Vec<Domain> = (10..26)
        .map(|at| domain(&format!("{at}{label}.{label}.{label}.{}", "d".repeat(62))))
        .collect();
    domains.sort();
    assert_eq!(domains[0].as_str().len(), 250);
    let new = domains
        .iter()
        .cloned()
        .fold(NewTenant::active(longest.clone()), NewTenant::domain);
    let actor = Actor::new("🦊".repeat(63)).unwrap();
    registry.create(new, &actor).await.unwrap();
    let change = Change::outcome(Some("🦊".repeat(256))).unwrap();
    let changed = registry
        .update(&longest, Expected::Any, change, &actor)
        .await
        .unwrap();
    assert_eq!(changed.domains(), domains);
    let audit = registry.audit(&longest, None, 1).await.unwrap();
    assert_eq!(audit[0].actor, actor.as_str());
    assert_eq!(audit[0].detail.as_ref().unwrap().split(' ').count(), 16);
    let many = domains.into_iter().fold(
        NewTenant::active(id("many")).domain(domain("one.example")),
        NewTenant::domain,
    );
    let refused = registry.create(many, &ada()).await;
    assert_eq!(refused.unwrap_err(), RegistryError::Change);
}
