//! What a run of faults found, and how much it did.

use std::fmt;
use std::time::Duration;

use crate::Tier;

/// The result of a [`FaultRun`](crate::FaultRun). `Display` writes the findings, what was done, and
/// the seed that brings the same steps back.
#[derive(Debug, Clone)]
#[must_use = "a run that found something says so here alone"]
pub struct FaultReport {
    pub(super) adapter: String,
    pub(super) server_version: String,
    pub(super) tier: Tier,
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) tally: FaultTally,
    pub(super) findings: Vec<String>,
}

/// How often each thing happened: a run in which nothing did proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultTally {
    /// Steps that were played.
    pub steps: u64,
    /// Reads whose every row was compared.
    pub reads: u64,
    /// Rows whose commit was acknowledged.
    pub acknowledged: u64,
    /// Looks at every row, with nothing going on.
    pub quiet_points: u64,
    /// Checkouts, statements and commits that were refused or failed: never a finding by themselves.
    pub refused: u64,
    /// Futures that were dropped before they were done.
    pub dropped: u64,
    /// Panics with a checkout in hand.
    pub panicked: u64,
    /// Connections that the administrator ended.
    pub killed: u64,
    /// Statements that ran out of their time.
    pub timed_out: u64,
    /// Tenants that were evicted.
    pub evicted: u64,
    /// Passwords that were changed.
    pub rotated: u64,
    /// Restarts of the server.
    pub restarted: u64,
    /// Looks at the connections on the server.
    pub samples: u64,
    /// The most connections that were seen on the server at one moment.
    pub peak_connections: u32,
}

impl FaultReport {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.tally.quiet_points > 0
    }

    /// What was found: each with the round, the task and the step in which it was seen.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.findings.iter().map(String::as_str)
    }

    /// What was done.
    pub fn tally(&self) -> &FaultTally {
        &self.tally
    }

    /// The seed: [`FaultRun::seed`](crate::FaultRun::seed) draws the same steps from it again.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How long it took.
    pub fn took(&self) -> Duration {
        self.took
    }
}

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "FOUND   {finding}")?;
        }
        let FaultTally {
            steps,
            reads,
            acknowledged,
            quiet_points,
            refused,
            dropped,
            panicked,
            killed,
            timed_out,
            evicted,
            rotated,
            restarted,
            samples,
            peak_connections,
        } = self.tally;
        write!(
            f,
            "{} on PostgreSQL {}, {} ({}), {}={}: {steps} steps in {} s, {} findings; \
             {reads} reads, {acknowledged} rows acknowledged, {quiet_points} quiet points; \
             {refused} refused, {dropped} dropped, {panicked} panics, {killed} killed, \
             {timed_out} timed out, {evicted} evicted, {rotated} rotated, {restarted} restarts; \
             at most {peak_connections} connections in {samples} looks",
            self.adapter,
            self.server_version,
            self.tier.strategy(),
            self.tier.binding(),
            super::SEED,
            self.seed,
            self.took.as_secs(),
            self.findings.len()
        )
    }
}
