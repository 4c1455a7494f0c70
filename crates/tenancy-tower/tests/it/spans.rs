//! The request's span, and what the log says of refusals.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use tenancy_tower::TenantScope;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{request, scoped_app, send, text, whoami_routes};

/// An event: its level, its text, and `tenant.id` of the request's span that it is in.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    level: Level,
    text: String,
    tenant: Option<String>,
}

#[derive(Default)]
struct State {
    spans: HashMap<u64, (&'static str, HashMap<&'static str, String>)>,
    entered: Vec<u64>,
    lines: Vec<Line>,
}

thread_local! {
    /// What this thread's test has logged, if it wants to know.
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

fn with_state<T>(work: impl FnOnce(&mut State) -> T) -> Option<T> {
    STATE.with_borrow_mut(|state| state.as_mut().map(work))
}

/// Logs the current thread's test from here on.
fn start_log() {
    collect_logs();
    STATE.set(Some(State::default()));
}

fn lines() -> Vec<Line> {
    with_state(|state| state.lines.clone()).unwrap()
}

/// The first line with this text.
fn line(text: &str) -> Line {
    let lines = lines();
    let found = lines.iter().find(|line| line.text.contains(text)).cloned();
    found.unwrap_or_else(|| panic!("no line with {text:?} in {lines:#?}"))
}

/// Installs the collector for all threads, before any of them logs: `tracing` remembers for each
/// place in the code whether anybody listened when it was first passed, and a test that passes it
/// on a thread of its own would switch it off for the others.
pub(crate) fn collect_logs() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Collector).unwrap());
}

struct Fields<'a>(&'a mut HashMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// Gives every thread its own log.
struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut fields = HashMap::new();
        span.record(&mut Fields(&mut fields));
        with_state(|state| state.spans.insert(id, (span.metadata().name(), fields)));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        with_state(|state| {
            values.record(&mut Fields(
                &mut state.spans.get_mut(&span.into_u64()).unwrap().1,
            ));
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = HashMap::new();
        event.record(&mut Fields(&mut fields));
        let mut text = fields.remove("message").unwrap_or_default();
        for (name, value) in fields {
            write!(text, " {name}={value}").unwrap();
        }
        with_state(|state| {
            let spans = state.entered.iter().rev().map(|id| &state.spans[id]);
            let tenant = spans
                .filter(|(name, _)| *name == "request")
                .find_map(|(_, fields)| fields.get("tenant.id"))
                .cloned();
            let level = *event.metadata().level();
            state.lines.push(Line {
                level,
                text,
                tenant,
            });
        });
    }

    fn enter(&self, span: &Id) {
        with_state(|state| state.entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        with_state(|state| {
            let entered = &mut state.entered;
            let position = entered
                .iter()
                .rposition(|id| *id == span.into_u64())
                .unwrap();
            entered.remove(position);
        });
    }
}

#[tokio::test]
async fn handler_and_body_run_in_a_span_with_the_tenants_id() {
    async fn streamed(_: TenantScope) -> Body {
        tracing::info!("in the handler");
        let frames = stream::iter(["x"]).map(Ok::<_, std::convert::Infallible>);
        Body::from_stream(frames.inspect(|_| tracing::info!("in the body")))
    }
    start_log();
    let (app, _) = scoped_app(Router::new().route("/", get(streamed)));
    let response = send(&app, request("acme", "/")).await;
    tracing::info!("between");
    assert_eq!(text(response).await, "x");
    tracing::info!("afterwards");
    assert_eq!(line("in the handler").tenant.as_deref(), Some("acme"));
    assert_eq!(line("in the body").tenant.as_deref(), Some("acme"));
    assert_eq!(line("between").tenant, None);
    assert_eq!(line("afterwards").tenant, None);
}

#[tokio::test]
async fn a_refusal_is_logged_quietly_and_names_no_tenant() {
    start_log();
    let (app, _) = scoped_app(whoami_routes());
    for tenant in ["private", "nobody", "sleepy"] {
        send(&app, request(tenant, "/whoami")).await;
    }
    let refused = lines()
        .into_iter()
        .filter(|line| line.text.contains("was refused"));
    let refused = refused.collect::<Vec<_>>();
    assert_eq!(refused.len(), 3);
    for line in lines() {
        for tenant in ["private", "nobody", "sleepy"] {
            assert!(!line.text.contains(tenant), "{line:?}");
        }
        assert_eq!(
            line.tenant, None,
            "the span of a refused request has no tenant: {line:?}"
        );
    }
    assert!(refused.iter().all(|line| line.level == Level::DEBUG));
}

#[tokio::test]
async fn a_missing_layer_is_logged_with_what_to_do() {
    start_log();
    send(&whoami_routes(), request("acme", "/whoami")).await;
    let line = line("add `.layer(TenancyLayer::new(tenancy))`");
    assert_eq!(line.level, Level::ERROR);
}

#[tokio::test]
async fn the_layer_twice_is_logged_with_what_to_do() {
    start_log();
    let (tenancy, _) = crate::support::tenancy();
    let layer = tenancy_tower::TenancyLayer::new(tenancy);
    let app = crate::support::app(whoami_routes().layer(layer.clone()), layer);
    send(&app, request("acme", "/whoami")).await;
    assert_eq!(line("applied twice").level, Level::ERROR);
}
