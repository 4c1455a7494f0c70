//! A whole trial in a few lines: set a stage, build the adapter on it, play, and note it down.

use std::fmt;

use tenancy_core::BoxError;
use tenancy_postgres::install::Roles;
use tenancy_postgres::seal::TenantKind;

use crate::{FaultReport, FaultRun, Harness, Report, Stage, StageError, Suite, Tier};

/// A throw-away database, and the roles that are there.
pub struct Ground {
    admin_url: String,
    runtime_url: String,
    roles: Roles,
}

impl Ground {
    /// A superuser's URL of the database, the runtime role's, and the roles' names.
    ///
    /// # Errors
    /// [`StageError::Refused`] when one of the names is no role's, or two are the same.
    pub fn new(
        admin_url: impl Into<String>,
        runtime_url: impl Into<String>,
        [runtime, central, owner]: [&str; 3],
    ) -> Result<Self, StageError> {
        Ok(Self {
            admin_url: admin_url.into(),
            runtime_url: runtime_url.into(),
            roles: Roles::new(runtime.parse()?, central.parse()?, owner.parse()?)?,
        })
    }

    /// The same with a login for [`Tier::RowLevelPooled`]; then the runtime URL leads through the
    /// pooler, as that login.
    ///
    /// # Errors
    /// [`StageError::Refused`] when it is no role's name, or another role's.
    pub fn with_pooled(mut self, role: &str) -> Result<Self, StageError> {
        self.roles = self.roles.with_pooled(role.parse()?)?;
        Ok(self)
    }

    /// The runtime role's URL: what an adapter's builder starts from.
    pub fn runtime_url(&self) -> &str {
        &self.runtime_url
    }

    /// The roles.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground")
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// A suite to be played on an adapter, as the adapter's own test does it.
///
/// ```no_run
/// use tenancy_conformance::{FaultRun, Ground, Harness, Stage, Tier, Trial};
/// # struct Adapter; impl Adapter { async fn over(stage: &Stage, ground: &Ground) -> Result<Box<dyn Harness>, tenancy_core::BoxError> { unimplemented!() } }
///
/// # async fn run(ground: &Ground) -> Result<(), Box<dyn std::error::Error>> {
/// // Fails unless every case passed, and notes the evidence down.
/// Trial::of(Tier::SchemaLogins)
///     .play(ground, async |stage| Adapter::over(stage, ground).await)
///     .await?;
/// // Fails with the seed, if anything is found.
/// Trial::of(Tier::SchemaLogins)
///     .endure(FaultRun::with_connections(4), ground, async |stage| Adapter::over(stage, ground).await)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is played before `.play(..)`"]
pub struct Trial {
    tier: Tier,
    kind: TenantKind,
    may_skip: &'static [&'static str],
}

impl Trial {
    /// The whole suite of a tier, with text ids.
    pub fn of(tier: Tier) -> Self {
        Self {
            tier,
            kind: TenantKind::Text,
            may_skip: &[],
        }
    }

    /// The type of the tenants' ids.
    pub fn kind(mut self, kind: TenantKind) -> Self {
        self.kind = kind;
        self
    }

    /// Cases that may be left out, by the starts of their names: `copy.`, for a driver that has no
    /// COPY. Any other that is left out fails the trial.
    pub fn may_skip(mut self, names: &'static [&'static str]) -> Self {
        self.may_skip = names;
        self
    }

    /// Sets the stage, builds the adapter on it with one connection, and plays. A clean run is
    /// noted down ([`Report::note_down`]).
    ///
    /// # Errors
    /// [`TrialError`]: its `Debug` is its `Display`, so that `unwrap` prints the report.
    pub async fn play<H, F>(&self, ground: &Ground, build: F) -> Result<Report, TrialError>
    where
        H: Harness,
        F: AsyncFnOnce(&Stage) -> Result<H, BoxError>,
    {
        let stage = self.stage(ground).await?;
        let harness = build(&stage).await.map_err(TrialError::Adapter)?;
        let report = Suite::of(self.tier).run(&harness, &stage).await;
        let left_out = report
            .skipped()
            .any(|(case, _)| !self.may_skip.iter().any(|name| case.starts_with(name)));
        if !report.is_clean() || left_out {
            return Err(TrialError::Found(Box::new(report)));
        }
        report.note_down().map_err(TrialError::Evidence)?;
        Ok(report)
    }

    /// Sets the stage, builds the adapter on it with as many connections as the run was told, and
    /// lets everything go wrong at random.
    ///
    /// # Errors
    /// [`TrialError`]; its text has the seed.
    pub async fn endure<H, F>(
        &self,
        run: FaultRun<'_>,
        ground: &Ground,
        build: F,
    ) -> Result<FaultReport, TrialError>
    where
        H: Harness,
        F: AsyncFnOnce(&Stage) -> Result<H, BoxError>,
    {
        let stage = self.stage(ground).await?;
        let harness = build(&stage).await.map_err(TrialError::Adapter)?;
        let report = run.run(&harness, &stage).await;
        if report.is_clean() {
            Ok(report)
        } else {
            Err(TrialError::Endured(Box::new(report)))
        }
    }

    async fn stage(&self, ground: &Ground) -> Result<Stage, StageError> {
        let Ground {
            admin_url,
            runtime_url,
            roles,
        } = ground;
        Stage::set(self.tier, admin_url, runtime_url, roles, self.kind).await
    }
}

/// Why a trial is no evidence.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// There is no stage.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The adapter did not start on a sound stage.
    #[error("the adapter did not start on the stage that was set for it: {}", chain(&**.0))]
    Adapter(BoxError),
    /// Cases failed, or were left out.
    #[error("the suite found what breaks the promise, or could not play it all:\n{0}")]
    Found(Box<Report>),
    /// A run of faults found something.
    #[error("what went wrong at random broke the promise:\n{0}")]
    Endured(Box<FaultReport>),
    /// The evidence can't be written.
    #[error("the run was clean, and could not be noted down: {0}")]
    Evidence(std::io::Error),
}

impl fmt::Debug for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
