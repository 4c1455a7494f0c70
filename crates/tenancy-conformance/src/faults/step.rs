//! What one step does, and what goes wrong meanwhile: drawn from the seed alone.

use std::time::Duration;

use super::random::Random;
use crate::Tier;

/// A use of the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Reads every row, and compares.
    Read,
    /// Counts what is its own and what is not.
    Count,
    /// Writes, each statement for itself.
    Write,
    /// Removes a row that is there.
    Remove,
    /// Writes to every row that it can see.
    Touch,
    /// `begin`, statements, and an end.
    Transaction,
    /// The closure's verb.
    Closure,
    /// Leaves something behind on the connection.
    Leave,
    /// Leaves a transaction open that SQL began.
    LeftOpen,
    /// Looks for what others left behind.
    Look,
    /// A statement that takes longer than anyone waits for it.
    Slow,
    /// A COPY that is given up half-read.
    HalfCopy,
    /// Two checkouts of one task's.
    Two,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// The future is dropped after so many polls.
    DropAt(usize),
    /// The future is dropped after this time.
    DropAfter(Duration),
    /// A panic, so many awaits after the checkout.
    Panic(usize),
    /// The administrator ends one of the connections.
    Kill(usize),
    /// The tenant is evicted.
    Evict,
    /// The tenant's password changes.
    Rotate,
}

/// One step.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) side: usize,
    pub(super) verb: Verb,
    pub(super) trouble: Trouble,
    /// What the verb draws from.
    pub(super) random: Random,
}

/// How often, of 1,000.
const VERBS: &[(usize, Verb)] = &[
    (200, Verb::Read),
    (60, Verb::Count),
    (200, Verb::Write),
    (60, Verb::Remove),
    (20, Verb::Touch),
    (170, Verb::Transaction),
    (80, Verb::Closure),
    (80, Verb::Leave),
    (30, Verb::LeftOpen),
    (60, Verb::Look),
    (15, Verb::Slow),
    (15, Verb::HalfCopy),
    (10, Verb::Two),
];

const TROUBLES: &[(usize, Kind)] = &[
    (560, Kind::None),
    (270, Kind::DropAt),
    (70, Kind::DropAfter),
    (50, Kind::Panic),
    (25, Kind::Kill),
    (20, Kind::Evict),
    (5, Kind::Rotate),
];

#[derive(Clone, Copy)]
enum Kind {
    None,
    DropAt,
    DropAfter,
    Panic,
    Kill,
    Evict,
    Rotate,
}

impl Step {
    pub(super) fn draw(mut random: Random, tier: Tier) -> Self {
        let side = random.below(2);
        let verb = match random.weighted(VERBS).unwrap_or(Verb::Read) {
            // A checkout is one transaction there, which ends with it.
            Verb::Write | Verb::Remove | Verb::Touch | Verb::Two if tier.is_pooled() => {
                Verb::Transaction
            }
            verb => verb,
        };
        let trouble = if verb == Verb::Slow {
            // Nobody waits for it.
            Trouble::DropAfter(Duration::from_micros(2000 + random.next() % 40_000))
        } else {
            draw(&mut random)
        };
        Self {
            side,
            verb,
            trouble,
            random,
        }
    }
}

fn draw(random: &mut Random) -> Trouble {
    match random.weighted(TROUBLES).unwrap_or(Kind::None) {
        Kind::None => Trouble::None,
        // Most awaits are early ones.
        Kind::DropAt => {
            let most = 1 + random.below(24);
            Trouble::DropAt(1 + random.below(most))
        }
        Kind::DropAfter => Trouble::DropAfter(Duration::from_micros(random.next() % 6000)),
        Kind::Panic => Trouble::Panic(random.below(4)),
        Kind::Kill => Trouble::Kill(random.below(1000)),
        Kind::Evict => Trouble::Evict,
        Kind::Rotate => Trouble::Rotate,
    }
}
