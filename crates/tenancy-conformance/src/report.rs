//! What a run of the suite found.

use std::fmt;
use std::io::{self, Write as _};
use std::time::Duration;

use tenancy_core::{Evidence, InvalidEvidence};

use crate::Tier;

/// The environment variable that names the file in which clean runs are noted down.
const EVIDENCE: &str = "TENANCY_TEST_EVIDENCE";

/// The result of a run.
///
/// `Display` writes one line for each case that did not pass, and a closing line.
#[derive(Debug, Clone)]
#[must_use = "a suite that found something says so here alone"]
pub struct Report {
    pub(crate) adapter: String,
    pub(crate) server_version: String,
    pub(crate) tier: Tier,
    pub(crate) cases: Vec<CaseReport>,
    pub(crate) not_offered: Vec<&'static str>,
}

/// One case's result.
#[derive(Debug, Clone)]
pub struct CaseReport {
    /// The case's name, `theme.case`.
    pub case: &'static str,
    /// What it proves when it passes.
    pub proves: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took, both directions together.
    pub took: Duration,
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The promise held, in both directions.
    Passed,
    /// It did not, or could not be shown: in either case nothing is proven.
    Failed(String),
    /// The case has no meaning here, and why.
    Skipped(String),
}

impl Report {
    /// The adapter's name.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// The server's version, as it calls itself: `18.6`.
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// How the tenants were kept apart.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Every case, in the order in which they ran.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// How many passed.
    pub fn passed(&self) -> usize {
        self.cases
            .iter()
            .filter(|case| case.outcome == Outcome::Passed)
            .count()
    }

    /// The cases that failed, with what was seen.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Failed(what) => Some((case.case, what.as_str())),
            Outcome::Passed | Outcome::Skipped(_) => None,
        })
    }

    /// The cases that were left out, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Skipped(why) => Some((case.case, why.as_str())),
            Outcome::Passed | Outcome::Failed(_) => None,
        })
    }

    /// The cases about verbs that the harness does not have ([`Harness`](crate::Harness) says which
    /// may be left out): they are neither passed nor skipped.
    pub fn not_offered(&self) -> &[&'static str] {
        &self.not_offered
    }

    /// The run as evidence for a [`Capability`](tenancy_core::Capability).
    ///
    /// # Errors
    /// [`InvalidEvidence`] when a case failed, or none passed.
    pub fn evidence(&self) -> Result<Evidence, InvalidEvidence> {
        let count = |cases: usize| u32::try_from(cases).unwrap_or(u32::MAX);
        let failed = count(self.failures().count());
        Evidence::new(
            "conformance",
            self.server_version.as_str(),
            count(self.passed()),
            failed,
        )
    }

    /// The run as a line of the table of what works: adapter, database, version, strategy, binding
    /// and enforcement, between tabs.
    ///
    /// # Errors
    /// As [`evidence`](Self::evidence).
    pub fn evidence_line(&self) -> Result<String, InvalidEvidence> {
        self.evidence()?;
        Ok(format!(
            "{}\tPostgreSQL\t{}\t{}\t{}\t{}",
            self.adapter,
            self.server_version,
            self.tier.strategy(),
            self.tier.binding(),
            self.tier.enforcement()
        ))
    }

    /// Adds [`evidence_line`](Self::evidence_line) to the file that `TENANCY_TEST_EVIDENCE` names,
    /// for a run in which nothing failed. Does nothing without the variable.
    ///
    /// # Errors
    /// Where the file can't be written, or the run is no evidence.
    pub fn note_down(&self) -> io::Result<()> {
        let line = self.evidence_line().map_err(io::Error::other)?;
        let Some(file) = std::env::var_os(EVIDENCE) else {
            return Ok(());
        };
        // One short line in append mode is written whole.
        let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// Whether cases ran, and none failed.
    pub fn is_clean(&self) -> bool {
        self.passed() > 0 && self.failures().next().is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, what) in self.failures() {
            writeln!(f, "FAILED  {case}: {what}")?;
        }
        for (case, why) in self.skipped() {
            writeln!(f, "skipped {case}: {why}")?;
        }
        write!(
            f,
            "{} on PostgreSQL {}, {} ({}): {} passed, {} failed, {} skipped, {} not offered",
            self.adapter,
            self.server_version,
            self.tier.strategy(),
            self.tier.binding(),
            self.passed(),
            self.failures().count(),
            self.skipped().count(),
            self.not_offered.len()
        )
    }
}
