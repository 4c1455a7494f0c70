//! The targets, beside what was found.

use std::fmt;

use crate::adapters::Adapter;
use crate::case::Case;
use crate::crowd::BUDGET;
use crate::key::Key;
use crate::row::{Row, State};
use crate::tier::{Binding, Strategy};

/// One target.
#[derive(Clone, Debug)]
pub struct Target {
    what: String,
    found: f64,
    limit: f64,
}

impl Target {
    /// Whether it is met.
    pub fn is_met(&self) -> bool {
        self.found <= self.limit
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_met() { "met" } else { "NOT MET" };
        write!(
            f,
            "{:<90} at most {:>6.2}, found {:>6.2}: {verdict}",
            self.what, self.limit, self.found
        )
    }
}

/// The targets that these rows speak of.
pub fn targets(rows: &[Row]) -> Vec<Target> {
    let mut targets: Vec<_> = rows.iter().flat_map(of_row).collect();
    targets.extend(hostile(rows));
    targets.extend(memory(rows));
    targets
}

fn of_row(row: &Row) -> Vec<Target> {
    let far = row.delay_ms > 0.0;
    let mut found = Vec::new();
    let mut add = |what: &str, value: Option<f64>, limit: f64| {
        found.extend(value.map(|value| Target {
            what: format!(
                "{} {} {} {} {} at {} ms, {what}",
                row.adapter, row.tier.strategy, row.tier.binding, row.key, row.case, row.delay_ms
            ),
            found: value,
            limit,
        }));
    };
    let row_level = row.tier.strategy == Strategy::RowLevel;
    if row.case == Case::SelectInTransaction.to_string() && row_level && !far {
        add("enforcement", row.enforcement, 1.25);
    }
    if row.case == "many" {
        #[allow(clippy::cast_precision_loss)] // of some tens
        let peak = row.load.peak_connections.map(|peak| peak as f64);
        add("connections at their peak", peak, f64::from(BUDGET));
    }
    if row.case != Case::Select.to_string() {
        return found;
    }
    match row.state {
        State::Warm if row_level => {
            let limit = match (row.tier.binding, row.key) {
                _ if far => 1.02,
                (Binding::Login, _) => 1.1,
                (_, Key::Bigint) => 1.28,
                (_, Key::Text63) => 1.5,
                (_, Key::Text16 | Key::Uuid) => 1.35,
            };
            add("enforcement", row.enforcement, limit);
            let limit = if far { 1.03 } else { 1.1 };
            add("warm against (b)", row.ratio_bound, limit);
        }
        State::Warm => add("warm against (a)", row.ratio_unscoped, 1.15),
        State::Cold if row_level && row.adapter.is_pipelined() => {
            let limit = if far { 1.08 } else { 2.2 };
            add("cold against (b)", row.ratio_bound, limit);
        }
        State::Cold if row_level && far => add("cold against (a)", row.ratio_unscoped, 3.3),
        State::Cold => {}
    }
    found
}

fn hostile(rows: &[Row]) -> Vec<Target> {
    let p99 = |adapter: Adapter, case: &str| {
        let mut found = rows.iter();
        found
            .find(|row| row.adapter == adapter && row.case == case)?
            .load
            .p99_us
    };
    let with = rows.iter().filter(|row| row.case == "hostile_with");
    let targets = with.filter_map(|row| {
        let without = p99(row.adapter, "hostile_without")?;
        Some(Target {
            what: format!("{}, p99 of the polite beside a hostile tenant", row.adapter),
            found: row.load.p99_us? / without,
            limit: 1.15,
        })
    });
    targets.collect()
}

/// What is held at the end, against what was held after a fifth.
fn memory(rows: &[Row]) -> Vec<Target> {
    let marks = rows.iter().filter(|row| row.case.starts_with("memory_"));
    let marks: Vec<&Row> = marks.collect();
    let by_adapter = marks.chunk_by(|one, other| one.adapter == other.adapter);
    let targets = by_adapter.filter_map(|marks| {
        #[allow(clippy::cast_precision_loss)] // of some megabytes
        let at = |mark: usize| Some(marks.get(mark)?.load.resident_kb? as f64);
        Some(Target {
            what: format!("{}, memory at the last scope", marks.first()?.adapter),
            found: at(marks.len() - 1)? / at(1)?,
            limit: 1.05,
        })
    });
    targets.collect()
}

#[cfg(test)]
mod tests {
    use super::{Target, targets};
    use crate::adapters::Adapter;
    use crate::key::Key;
    use crate::measure::Spread;
    use crate::row::{Row, State};
    use crate::tier::Tier;

    fn judged(tier: Tier, state: State, delay_ms: f64, ratio_unscoped: f64) -> Vec<bool> {
        let adapter = Adapter::Sqlx;
        let row = Row {
            delay_ms,
            ratio_unscoped: Some(ratio_unscoped),
            ..Row::plain(
                adapter,
                tier,
                Key::Text16,
                "select",
                state,
                Spread::default(),
            )
        };
        targets(&[row]).iter().map(Target::is_met).collect()
    }

    #[test]
    fn what_is_a_tenants_own_is_judged_warm() {
        for tier in [Tier::SCHEMA_LOGINS, Tier::DATABASES] {
            assert_eq!(judged(tier, State::Warm, 0.0, 1.15), [true]);
            assert_eq!(judged(tier, State::Warm, 0.0, 1.16), [false]);
            assert_eq!(judged(tier, State::Warm, 1.0, 1.16), [false]);
        }
        assert!(judged(Tier::ROUTED_SCHEMAS, State::Cold, 0.0, 9.0).is_empty());
    }
}
