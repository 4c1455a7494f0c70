//! What an adapter has to do, broken one by one.

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The scope is never bound.
    NoBind,
    /// The scope is bound on another connection than the one that is handed out.
    BindElsewhere,
    /// Every scope is bound as the tenant that came first.
    FirstTenant,
    /// The scope is bound as the tenant that asked before.
    TenantBefore,
    /// A transaction's scope lasts for the session.
    SessionForTransaction,
    /// The connection goes to the next scope as it is, with no more than its own ROLLBACK.
    NoScrub,
    /// The scrub is sent, and whatever it answers is taken for good.
    ScrubUnread,
    /// One statement of the scrub is missing.
    ScrubWithout(&'static str),
    /// What was not committed is committed at release.
    CommitOnDrop,
    /// A closure that failed is committed.
    CommitOnError,
    /// The first challenge is answered every time.
    ChallengeKept,
    /// A tenant's first proof is used every time.
    ProofKept,
    /// A query whose future was dropped goes on, and is waited for.
    NoCancel,
    /// New connections take what the role's settings say.
    NotPinned,
    /// `enter` is kept prepared, and the scrub's answer is not read.
    EnterPrepared,
    /// A checkout that is given up takes its place in the pool with it.
    PlaceLost,
    /// Whether a scope is still open is not asked.
    TicketUnchecked,
    /// A panic in a closure leaves the transaction open, and the connection in use.
    PanicKeeps,
    /// A connection goes to whoever comes next, whoever is logged in on it.
    LeaseIgnored,
    /// A new connection is not asked where it leads, nor is a binding.
    NoIdentityCheck,
    /// Everyone is led to the database of the tenant that came first.
    FirstDatabase,
    /// The path lasts for the session, and which one it is, is noted before it is set.
    PathRemembered,
    /// The path is written so, with `{}` for the tenant's schema.
    PathWritten(&'static str),
    /// A sealed scope lasts for the session, and whose it is, is noted before it is opened.
    ScopeRemembered,
    /// A connection on which a scope was being opened goes to the next one as it is, without a
    /// ROLLBACK.
    BeginForgotten,
    /// A checkout that is given up leaves its connection open, and nobody has it.
    ConnectionLost,
    /// A bulk insert is two statements or more.
    BulkInParts,
}
