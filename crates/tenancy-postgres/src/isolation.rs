//! How far a transaction is kept apart from those beside it.

/// How far a transaction is kept apart from those beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    #[default]
    ReadCommitted,
    /// The whole transaction sees what was committed before it.
    RepeatableRead,
    /// As if the transactions had run one after another; be ready to try again (40001).
    Serializable,
}

impl Isolation {
    /// What begins a transaction at this level.
    pub fn begin_sql(self) -> &'static str {
        match self {
            // What is pinned when a connection is made.
            Self::ReadCommitted => "BEGIN",
            Self::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }

    /// The level's name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}
