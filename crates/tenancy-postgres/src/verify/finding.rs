//! What a look at a database may find.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth mending: no wall is open, but a neighbour can be disturbed or something be learnt.
    Warning,
    /// A tenant can reach another's rows, or nobody can tell that it can't: do not serve.
    Hole,
}

/// The kind of a finding. Its [`Display`](fmt::Display) is stable, for reports and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // each is its own words, and `Finding::what` says the rest
pub enum Code {
    NotInstalled,
    OtherVersion,
    ServerVersion,
    PreparedTransactions,
    RoleMissing,
    RoleAttribute,
    Membership,
    SealMembership,
    Ownership,
    RoleSetting,
    DatabaseSetting,
    DatabasePrivilege,
    SchemaPrivilege,
    LanguagePrivilege,
    ParameterPrivilege,
    ServerFunction,
    NeighbourFunction,
    SystemGrant,
    LargeObject,
    DefaultPrivilege,
    EventTrigger,
    SealOwner,
    SealObject,
    SealGrant,
    SealFunction,
    Unwalled,
    RowSecurityOff,
    NotForced,
    WallMissing,
    WallNamesRole,
    WallCommand,
    WallExpression,
    NoPermissivePolicy,
    StrayPolicy,
    TenantColumn,
    TenantDefault,
    TablePrivilege,
    PublicPrivilege,
    UniqueKey,
    Index,
    ForeignKey,
    Rule,
    View,
    StoredRows,
    SharedWrite,
    Sequence,
    DefinerFunction,
    Leakproof,
    Untrusted,
    Identity,
    Mark,
    SearchPath,
    CrossSchema,
    ForeignServer,
    Placement,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `WallNamesRole` is written `wall-names-role`.
        let name = format!("{self:?}");
        for (at, letter) in name.char_indices() {
            if letter.is_ascii_uppercase() && at > 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The table, role, function or setting that was looked at.
    pub object: String,
    /// What is wrong, and what it means.
    pub what: String,
    /// The statement that mends it, or what to do where no statement can.
    pub mend: String,
}

impl Finding {
    pub(crate) fn hole(
        code: Code,
        object: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Hole,
            object: object.into(),
            what: what.into(),
            mend: mend.into(),
        }
    }

    pub(crate) fn warning(
        code: Code,
        object: impl Into<String>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::hole(code, object, what, mend)
        }
    }

    /// Whether the pool must not serve over it.
    pub fn is_hole(&self) -> bool {
        self.severity == Severity::Hole
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            severity,
            object,
            what,
            mend,
        } = self;
        let severity = match severity {
            Severity::Hole => "HOLE",
            Severity::Warning => "warning",
        };
        write!(f, "{severity} {code}: {object}: {what}. Mend: {mend}")
    }
}
