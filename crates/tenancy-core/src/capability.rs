//! What holds, where, and how that is known.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Strategy;

/// Who stops a statement that reaches for another tenant's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enforcement {
    /// The database: raw, joined, generated and injected SQL included.
    Database,
    /// Our typed wrapper alone: what goes around it is not stopped.
    Facade,
}

/// How far a combination may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Support {
    /// It passed the whole adversarial suite on a real server.
    Supported,
    /// It works, and no passed run of the suite stands behind it.
    Experimental,
    /// It is not there yet.
    Planned,
    /// It can't be had.
    Unavailable,
}

/// A run of the adversarial suite in which everything passed.
///
/// ```
/// use tenancy_core::Evidence;
/// assert!(Evidence::new("conformance", "18.6", 214, 0).is_ok());
/// assert!(Evidence::new("conformance", "18.6", 213, 1).is_err());
/// assert!(Evidence::new("conformance", "18.6", 0, 0).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEvidence")]
pub struct Evidence {
    suite: String,
    server_version: String,
    passed: u32,
}

impl Evidence {
    /// A run of `suite` on a server of this version.
    ///
    /// # Errors
    /// [`InvalidEvidence`] where something failed, nothing ran, or a name is missing.
    pub fn new(
        suite: impl Into<String>,
        server_version: impl Into<String>,
        passed: u32,
        failed: u32,
    ) -> Result<Self, InvalidEvidence> {
        let (suite, server_version) = (suite.into(), server_version.into());
        if failed > 0 {
            return Err(InvalidEvidence::Failures { failed });
        }
        if passed == 0 {
            return Err(InvalidEvidence::NothingRan);
        }
        if suite.trim().is_empty() || server_version.trim().is_empty() {
            return Err(InvalidEvidence::Unnamed);
        }
        Ok(Self {
            suite,
            server_version,
            passed,
        })
    }

    /// The suite's name.
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// The version of the server that it ran on.
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// How many tests passed; none failed.
    pub fn passed(&self) -> u32 {
        self.passed
    }
}

/// Why a run is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvidence {
    /// Something failed.
    #[error("{failed} tests of this run failed, so it is no evidence: mend what they found")]
    Failures {
        /// How many.
        failed: u32,
    },
    /// Nothing ran.
    #[error("no test passed in this run, so it is no evidence: run the suite on a real server")]
    NothingRan,
    /// The suite or the server's version has no name.
    #[error("a run without the names of its suite and server version is no evidence: give both")]
    Unnamed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvidence {
    suite: String,
    server_version: String,
    passed: u32,
    #[serde(default)]
    failed: u32,
}

impl TryFrom<RawEvidence> for Evidence {
    type Error = InvalidEvidence;
    fn try_from(raw: RawEvidence) -> Result<Self, Self::Error> {
        Self::new(raw.suite, raw.server_version, raw.passed, raw.failed)
    }
}

/// What one combination of adapter, database and strategy does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawCapability")]
pub struct Capability {
    adapter: String,
    database: String,
    strategy: Strategy,
    enforcement: Enforcement,
    support: Support,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

impl Capability {
    /// A combination that is not there yet. The other methods raise or lower it.
    pub fn planned(
        adapter: impl Into<String>,
        database: impl Into<String>,
        strategy: Strategy,
        enforcement: Enforcement,
    ) -> Self {
        Self {
            adapter: adapter.into(),
            database: database.into(),
            strategy,
            enforcement,
            support: Support::Planned,
            evidence: None,
        }
    }

    /// It is supported, as this run shows. Nothing else makes it so.
    pub fn supported(self, evidence: Evidence) -> Self {
        Self {
            support: Support::Supported,
            evidence: Some(evidence),
            ..self
        }
    }

    /// It works, and no passed run stands behind it.
    pub fn experimental(self) -> Self {
        Self {
            support: Support::Experimental,
            evidence: None,
            ..self
        }
    }

    /// It can't be had.
    pub fn unavailable(self) -> Self {
        Self {
            support: Support::Unavailable,
            evidence: None,
            ..self
        }
    }

    /// The adapter, such as `sqlx`.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// The database, such as `postgresql`.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// How tenants are kept apart.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Who stops a cross-tenant statement.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// How far it may be relied on.
    pub fn support(&self) -> Support {
        self.support
    }

    /// The run behind [`Support::Supported`].
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// The version of the server on which it was shown.
    pub fn server_version(&self) -> Option<&str> {
        self.evidence.as_ref().map(Evidence::server_version)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCapability {
    adapter: String,
    database: String,
    strategy: Strategy,
    enforcement: Enforcement,
    support: Support,
    #[serde(default)]
    evidence: Option<Evidence>,
}

impl TryFrom<RawCapability> for Capability {
    type Error = UnprovenCapability;
    fn try_from(raw: RawCapability) -> Result<Self, Self::Error> {
        let RawCapability {
            adapter,
            database,
            strategy,
            enforcement,
            support,
            evidence,
        } = raw;
        if (support == Support::Supported) != evidence.is_some() {
            return Err(UnprovenCapability);
        }
        Ok(Self {
            adapter,
            database,
            strategy,
            enforcement,
            support,
            evidence,
        })
    }
}

/// A written capability whose support and evidence don't fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a capability is `supported` exactly where a passed run stands behind it: run the suite, or write `experimental`"
)]
pub struct UnprovenCapability;

/// What holds, for every combination. `Display` is a table.
///
/// ```
/// use tenancy_core::{Capability, CapabilityReport, Enforcement, Evidence, Strategy};
///
/// let sqlx = Capability::planned("sqlx", "postgresql", Strategy::RowLevel, Enforcement::Database)
///     .supported(Evidence::new("conformance", "18.6", 214, 0)?);
/// let report = CapabilityReport::from_iter([sqlx]);
/// assert!(report.to_string().contains("214 passed on 18.6"));
/// # Ok::<(), tenancy_core::InvalidEvidence>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CapabilityReport {
    capabilities: Vec<Capability>,
}

impl CapabilityReport {
    /// Each combination, in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Capability> {
        self.capabilities.iter()
    }
}

impl FromIterator<Capability> for CapabilityReport {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self {
            capabilities: capabilities.into_iter().collect(),
        }
    }
}

impl Extend<Capability> for CapabilityReport {
    fn extend<I: IntoIterator<Item = Capability>>(&mut self, capabilities: I) {
        self.capabilities.extend(capabilities);
    }
}

impl<'a> IntoIterator for &'a CapabilityReport {
    type Item = &'a Capability;
    type IntoIter = std::slice::Iter<'a, Capability>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Facade => "facade",
        })
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Experimental => "experimental",
            Self::Planned => "planned",
            Self::Unavailable => "unavailable",
        })
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} passed on {}",
            self.suite, self.passed, self.server_version
        )
    }
}

impl fmt::Display for CapabilityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "adapter",
            "database",
            "strategy",
            "enforcement",
            "support",
            "evidence",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.capabilities.iter().map(|capability| {
            [
                capability.adapter.clone(),
                capability.database.clone(),
                capability.strategy.to_string(),
                capability.enforcement.to_string(),
                capability.support.to_string(),
                capability
                    .evidence
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), Evidence::to_string),
            ]
        }));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<_> = (0..head.len())
            .map(|column| width(column).unwrap_or(0))
            .collect();
        for row in &rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}
