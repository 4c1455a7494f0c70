use std::fmt;
use std::str::FromStr;

/// A major version of PostgreSQL that is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Major {
    /// PostgreSQL 15, the oldest.
    V15,
    /// PostgreSQL 16.
    V16,
    /// PostgreSQL 17.
    V17,
    /// PostgreSQL 18, the newest.
    V18,
}

impl Major {
    /// Every supported major, oldest first.
    pub const ALL: [Self; 4] = [Self::V15, Self::V16, Self::V17, Self::V18];

    /// The number, such as `18`.
    pub const fn number(self) -> u16 {
        match self {
            Self::V15 => 15,
            Self::V16 => 16,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }

    /// The version that is brought: the oldest of this major with the fixes that the wall rests on.
    pub const fn release(self) -> &'static str {
        match self {
            Self::V15 => "15.19.0",
            Self::V16 => "16.15.0",
            Self::V17 => "17.11.0",
            Self::V18 => "18.6.0",
        }
    }

    /// The environment variable that gives a server of this major that is already there.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::V15 => "TENANCY_TEST_POSTGRES_15",
            Self::V16 => "TENANCY_TEST_POSTGRES_16",
            Self::V17 => "TENANCY_TEST_POSTGRES_17",
            Self::V18 => "TENANCY_TEST_POSTGRES_18",
        }
    }
}

impl fmt::Display for Major {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl FromStr for Major {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|major| text == major.to_string())
            .ok_or_else(|| {
                format!("{text:?} is no supported major of PostgreSQL: use 15, 16, 17 or 18")
            })
    }
}

/// The majors that this run covers fully: `TENANCY_TEST_MAJORS`, or the oldest and the newest.
///
/// Empty when the run was told to do without PostgreSQL.
///
/// # Panics
/// If the variable names something that isn't a supported major: a run that tested nothing would look green.
pub fn majors() -> Vec<Major> {
    from_environment("TENANCY_TEST_MAJORS", &[Major::V15, Major::V18])
}

/// The majors that the conformance suite covers: `TENANCY_TEST_MAJORS_ALL`, or all of them.
///
/// Empty when the run was told to do without PostgreSQL.
///
/// # Panics
/// As [`majors`].
pub fn majors_all() -> Vec<Major> {
    from_environment("TENANCY_TEST_MAJORS_ALL", &Major::ALL)
}

/// Whether the run was told to do without this server.
pub(crate) fn left_out(server: &str) -> bool {
    std::env::var("TENANCY_TEST_WITHOUT")
        .is_ok_and(|names| names.split(',').any(|name| name.trim() == server))
}

fn from_environment(variable: &str, otherwise: &[Major]) -> Vec<Major> {
    if left_out("postgres") {
        return Vec::new();
    }
    match std::env::var(variable) {
        Ok(list) => parse(&list).unwrap_or_else(|why| panic!("{variable}: {why}")),
        Err(_) => otherwise.to_vec(),
    }
}

fn parse(list: &str) -> Result<Vec<Major>, String> {
    let majors: Vec<Major> = list
        .split(',')
        .map(|name| name.trim().parse())
        .collect::<Result<_, _>>()?;
    Ok(majors)
}

#[cfg(test)]
mod tests {
    use super::{Major, parse};

    #[test]
    fn a_list_is_read_and_a_stranger_is_refused() {
        assert_eq!(parse("15, 18"), Ok(vec![Major::V15, Major::V18]));
        for bad in ["", "14", "18,", "v18", "18.6"] {
            assert!(parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
