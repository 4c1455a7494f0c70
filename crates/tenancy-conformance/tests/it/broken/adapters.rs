//! Broken adapters on a sound database.

use tenancy_testkit::postgres::{Database, Major};

use super::{Broken, SOUND, all_are_caught};
use crate::reference::Fault;

const BUILDS: &[Broken] = &[
    Broken {
        what: "no bind: the scope never reaches the connection",
        fault: Some(Fault::NoBind),
        caught_by: &["reads.own_rows", "writes.default_tenant", "tables.reads"],
        ..SOUND
    },
    Broken {
        what: "bind on another connection than the one that is handed out",
        fault: Some(Fault::BindElsewhere),
        caught_by: &["reads.own_rows", "transactions.closure_ok"],
        ..SOUND
    },
    Broken {
        what: "the tenant that came first is bound for ever",
        fault: Some(Fault::FirstTenant),
        caught_by: &[
            "reads.own_rows",
            "concurrency.sessions",
            "cancellation.acquire",
            "streams.own_rows",
            "bulk.own_tenant",
        ],
        ..SOUND
    },
    Broken {
        what: "the tenant that asked before is bound, as by a hook that reads the wrong task's scope",
        fault: Some(Fault::TenantBefore),
        caught_by: &["reads.own_rows", "concurrency.transactions"],
        ..SOUND
    },
    Broken {
        what: "a transaction's scope lasts for the session",
        fault: Some(Fault::SessionForTransaction),
        caught_by: &["transactions.bound"],
        ..SOUND
    },
    Broken {
        what: "no scrub between scopes",
        fault: Some(Fault::NoScrub),
        caught_by: &[
            "leftovers.settings",
            "leftovers.random_seed",
            "leftovers.hold_cursors",
            "leftovers.listeners",
            "leftovers.advisory_locks",
            "leftovers.prepared_by_sql",
            "leftovers.hijacked_statement",
            "central.leftovers",
        ],
        ..SOUND
    },
    Broken {
        what: "a bulk insert in parts",
        fault: Some(Fault::BulkInParts),
        caught_by: &["bulk.whole", "bulk.dropped"],
        ..SOUND
    },
    Broken {
        what: "central work with the tenants' login",
        central: Database::runtime_url,
        caught_by: &["central.above", "central.apart"],
        ..SOUND
    },
    Broken {
        what: "a scrub whose answer is not read",
        fault: Some(Fault::ScrubUnread),
        caught_by: &["leftovers.prepared_by_sql", "leftovers.hijacked_statement"],
        ..SOUND
    },
    Broken {
        what: "`enter` kept prepared, and the scrub's answer not read",
        fault: Some(Fault::EnterPrepared),
        caught_by: &["leftovers.hijacked_enter"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the settings",
        fault: Some(Fault::ScrubWithout("RESET ALL")),
        caught_by: &["leftovers.settings", "leftovers.read_only"],
        ..SOUND
    },
    Broken {
        what: "no scrub, where any role may leave",
        fault: Some(Fault::NoScrub),
        sql: |_| "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenancy TO PUBLIC".into(),
        caught_by: &["leftovers.role"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the random seed",
        fault: Some(Fault::ScrubWithout("SELECT pg_catalog.setseed(")),
        caught_by: &["leftovers.random_seed"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets temporary objects, which can be made",
        fault: Some(Fault::ScrubWithout("DISCARD TEMP")),
        sql: super::databases::temporary,
        caught_by: &["leftovers.temporary", "hostile_names.temporary"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the cursors",
        fault: Some(Fault::ScrubWithout("CLOSE ALL")),
        caught_by: &["leftovers.hold_cursors"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the listeners",
        fault: Some(Fault::ScrubWithout("UNLISTEN *")),
        caught_by: &["leftovers.listeners"],
        ..SOUND
    },
    Broken {
        what: "the scrub forgets the advisory locks",
        fault: Some(Fault::ScrubWithout(
            "SELECT pg_catalog.pg_advisory_unlock_all()",
        )),
        caught_by: &["leftovers.advisory_locks"],
        ..SOUND
    },
    Broken {
        what: "what was not committed is committed at release",
        fault: Some(Fault::CommitOnDrop),
        caught_by: &[
            "transactions.endings",
            "transactions.left_open",
            "transactions.panic",
        ],
        ..SOUND
    },
    Broken {
        what: "a closure that failed is committed",
        fault: Some(Fault::CommitOnError),
        caught_by: &["transactions.closure_err"],
        ..SOUND
    },
    Broken {
        what: "the first challenge is answered every time, as without leave()",
        fault: Some(Fault::ChallengeKept),
        caught_by: &["reads.own_rows", "concurrency.sessions"],
        ..SOUND
    },
    Broken {
        what: "a tenant's proof is kept and sent again",
        fault: Some(Fault::ProofKept),
        caught_by: &["reads.own_rows"],
        ..SOUND
    },
    Broken {
        what: "a dropped query is waited for, in place of cancelled",
        fault: Some(Fault::NoCancel),
        caught_by: &["cancellation.dropped_query"],
        ..SOUND
    },
    Broken {
        what: "settings are not pinned when a connection is made",
        fault: Some(Fault::NotPinned),
        caught_by: &["leftovers.role_settings"],
        ..SOUND
    },
    Broken {
        what: "a checkout that is given up takes its place in the pool with it",
        fault: Some(Fault::PlaceLost),
        caught_by: &["cancellation.acquire"],
        ..SOUND
    },
    Broken {
        what: "whether a scope is still open is not asked",
        fault: Some(Fault::TicketUnchecked),
        caught_by: &[
            "scopes.ended",
            "scopes.mismatch",
            "streams.outlives",
            "central.ended",
        ],
        ..SOUND
    },
    Broken {
        what: "a panic keeps the connection",
        fault: Some(Fault::PanicKeeps),
        caught_by: &["transactions.closure_panic"],
        ..SOUND
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adapters() {
    all_are_caught(BUILDS, &[Major::V18]).await;
}
