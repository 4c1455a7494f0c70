//! Seeding one place.

use std::collections::{BTreeMap, BTreeSet};

use super::set::Seed;
use super::{SeedError, SeedSet};
use crate::db::{Cell, FaultKind, Row};
use crate::script::{Book, Desk, Limits, Tries, text};
use crate::site::Open;

/// Runs the seeds that have not run there, or all of them `again`; answers with their names. The
/// `open` of a failure is to be dropped.
pub(crate) async fn plant(
    open: &mut Open,
    set: &SeedSet,
    limits: &Limits,
    again: bool,
) -> Result<Vec<String>, SeedError> {
    let mut planted = Vec::new();
    let mut tries = Tries::new(limits);
    loop {
        let error = match next(open, set, limits, again, &planted).await {
            Ok(Some(name)) => {
                planted.push(name);
                continue;
            }
            Ok(None) => return Ok(planted),
            Err(error) => error,
        };
        let again = match &error {
            SeedError::Busy => tries.again_when_free().await,
            SeedError::Script { said, .. } => {
                said.fault().is(FaultKind::Passing) && tries.again().await
            }
            SeedError::Database(fault) => fault.is(FaultKind::Passing) && tries.again().await,
            _ => false,
        };
        if !again {
            return Err(error);
        }
    }
}

/// What [`plant`] would run, without running it.
pub(crate) async fn foresee(
    open: &mut Open,
    set: &SeedSet,
    limits: &Limits,
    again: bool,
) -> Result<Vec<String>, SeedError> {
    let mut desk = Desk::at(open, Book::Seeds, limits)?;
    let there = if desk.has_book().await? {
        let rows = desk.begin().await?;
        desk.leave().await?;
        read(rows)?
    } else {
        BTreeMap::new()
    };
    if !again {
        pending(set, &there)?;
    }
    let wanted = |seed: &&Seed| again || !there.contains_key(&seed.name);
    Ok(set
        .seeds
        .iter()
        .filter(wanted)
        .map(|seed| seed.name.clone())
        .collect())
}

/// The next one, in a transaction of its own. `None`: there is none.
async fn next(
    open: &mut Open,
    set: &SeedSet,
    limits: &Limits,
    again: bool,
    planted: &[String],
) -> Result<Option<String>, SeedError> {
    let mut desk = Desk::at(open, Book::Seeds, limits)?;
    let rows = desk.begin().await?;
    let chosen = read(rows).and_then(|there| {
        if again {
            let done: BTreeSet<_> = planted.iter().collect();
            return Ok(set.seeds.iter().find(|seed| !done.contains(&seed.name)));
        }
        pending(set, &there)
    });
    let seed = match chosen {
        Ok(Some(seed)) => seed,
        other => {
            desk.leave().await?;
            return other.map(|_| None);
        }
    };
    let of = |trouble| SeedError::of(trouble, &seed.name);
    desk.run(&seed.sql).await.map_err(of)?;
    let (kind, table) = (desk.kind(), desk.table());
    let (name, checksum) = (
        text::text(kind, &seed.name),
        text::bytes(kind, &seed.checksum),
    );
    let statement = format!(
        "DELETE FROM {table} WHERE name = {name}; \
         INSERT INTO {table} (name, checksum) VALUES ({name}, {checksum})"
    );
    desk.note(&statement, true).await.map_err(of)?;
    Ok(Some(seed.name.clone()))
}

/// Names, and checksums in hexadecimal.
fn read(rows: Vec<Row>) -> Result<BTreeMap<String, String>, SeedError> {
    let one = |row: Row| match <[Cell; 2]>::try_from(row) {
        Ok([Cell::Text(name), Cell::Text(checksum)]) => Ok((name, checksum)),
        _ => Err(SeedError::Ledger),
    };
    rows.into_iter().map(one).collect()
}

/// The first that has not run. Nothing runs where one was edited.
fn pending<'a>(
    set: &'a SeedSet,
    there: &BTreeMap<String, String>,
) -> Result<Option<&'a Seed>, SeedError> {
    let mut first = None;
    for seed in set.seeds.iter() {
        match there.get(&seed.name) {
            None => {
                first.get_or_insert(seed);
            }
            Some(checksum) if *checksum == text::hex(&seed.checksum) => {}
            Some(_) => {
                return Err(SeedError::Edited {
                    name: seed.name.clone(),
                });
            }
        }
    }
    Ok(first)
}
