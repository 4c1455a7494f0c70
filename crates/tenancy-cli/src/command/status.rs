//! `tenancy status`: versions over the fleet.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use tenancy_core::{Strategy, TenantStatus};
use tenancy_fleet::migrations::MigrationSet;
use tenancy_fleet::registry::{Entry, List, Provisioning};
use tenancy_fleet::run::Outcome;

use crate::base::{BaseArguments, Context};
use crate::config::Side;
use crate::error::{CliError, Exit};
use crate::output::{Report, plain, table};

/// Tells from the registry who is behind, failed or drifted; nothing is looked at in tenants' own
/// places (`migrate tenants --all --verify --dry-run` does that).
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Name every tenant, and not only those that are not where they shall be
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    base: BaseArguments,
}

/// Where a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// At the last migration.
    Current,
    /// Below it.
    Behind,
    /// Its last migration failed.
    Failed,
    /// Migrated with other files than these.
    Drifted,
    /// The registry does not know; the next run looks.
    Unknown,
    /// Its place is not ready.
    NotReady,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Failed => "failed",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
            Self::NotReady => "not ready",
        }
    }

    fn of(entry: &Entry, set: &MigrationSet) -> Self {
        let failed = |outcome: &str| outcome.starts_with("failed");
        let version = entry.applied_version();
        if entry.provisioning() != Provisioning::Ready {
            Self::NotReady
        } else if entry.outcome().is_some_and(failed) {
            Self::Failed
        } else if entry.applied_digest().is_none() {
            Self::Unknown
        } else if entry.applied_digest() != set.digest(version).as_deref() {
            Self::Drifted
        } else if version == Some(set.latest()) {
            Self::Current
        } else {
            Self::Behind
        }
    }
}

#[derive(Serialize)]
struct One {
    id: String,
    version: Option<i64>,
    state: State,
    outcome: Option<String>,
}

#[derive(Serialize)]
struct Statuses {
    latest: i64,
    base: Option<Outcome>,
    counts: BTreeMap<&'static str, u64>,
    versions: Vec<Count>,
    tenants: Vec<One>,
}

#[derive(Serialize)]
struct Count {
    version: Option<i64>,
    tenants: u64,
}

impl Report for Statuses {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(base) = &self.base {
            writeln!(out, "base: {}", plain(&base.to_string()))?;
        }
        writeln!(
            out,
            "tenants, of which the last migration is {}:",
            self.latest
        )?;
        for (state, tenants) in &self.counts {
            writeln!(out, "  {tenants} {state}")?;
        }
        for Count { version, tenants } in &self.versions {
            writeln!(out, "  {tenants} at {}", said(*version))?;
        }
        if self.tenants.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.tenants.iter().map(row).collect();
        table(out, ["ID", "STATE", "VERSION", "OUTCOME"], &rows)
    }
}

fn row(one: &One) -> [String; 4] {
    let outcome = one.outcome.as_deref().map(plain);
    [
        one.id.clone(),
        one.state.as_str().to_owned(),
        said(one.version),
        outcome.unwrap_or_default(),
    ]
}

fn said(version: Option<i64>) -> String {
    version.map_or("-".to_owned(), |version| version.to_string())
}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let set = context.migrations(Side::Tenants).await?;
        let registry = context.registry(self.base).await?;
        let base = self::base(context).await?;
        let (mut counts, mut versions) = (BTreeMap::new(), BTreeMap::new());
        let (mut tenants, mut list) = (Vec::new(), List::default().limit(List::MAX_LIMIT));
        loop {
            let page = registry.list(&list).await?;
            let Some(end) = page.last() else { break };
            list = list.after(end.id().clone());
            for entry in page.iter().filter(|entry| has_place(entry)) {
                let state = State::of(entry, &set);
                *counts.entry(state.as_str()).or_default() += 1;
                *versions.entry(entry.applied_version()).or_default() += 1;
                if self.all || state != State::Current {
                    tenants.push(One {
                        id: entry.id().to_string(),
                        version: entry.applied_version(),
                        state,
                        outcome: entry.outcome().map(str::to_owned),
                    });
                }
            }
        }
        let count = |state: State| counts.get(state.as_str()).copied().unwrap_or(0_u64);
        let broken = count(State::Failed) + count(State::Drifted) > 0;
        let versions = versions.into_iter();
        context.output.report(&Statuses {
            latest: set.latest(),
            base,
            counts,
            versions: versions
                .map(|(version, tenants)| Count { version, tenants })
                .collect(),
            tenants,
        })?;
        Ok(if broken { Exit::SomeFailed } else { Exit::Done })
    }
}

/// Whether it has a place of its own to be migrated.
fn has_place(entry: &Entry) -> bool {
    entry.strategy() != Strategy::RowLevel && entry.status() != TenantStatus::Archived
}

/// What is to be done in the base. `None`: it has no migrations.
async fn base(context: &Context) -> Result<Option<Outcome>, CliError> {
    let folder = context.migrations_folder(Side::Base)?;
    if context.embedded.base.is_none() && !folder.is_dir() {
        return Ok(None);
    }
    let set = context.migrations(Side::Base).await?;
    let limits = context.limits()?;
    let base = context.base()?.foresee(&set, None, &limits).await?;
    Ok(Some(base))
}
