//! Runs ways in turn, in blocks, and says how long each took.

use std::time::{Duration, Instant};

use crate::Failed;
use crate::adapters::{Kind, Way};
use crate::case::Case;
use crate::session::Session;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Blocks of each way.
    pub rounds: u32,
    /// How long a block runs at least.
    pub block: Duration,
    /// How often a way is run before anything is measured: PostgreSQL settles on a plan at the
    /// sixth.
    pub warm_up: u32,
}

/// Smallest, middle and largest of the rounds' medians.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Of the best round.
    pub min: f64,
    /// Of the middle one.
    pub median: f64,
    /// Of the worst.
    pub max: f64,
}

impl Spread {
    /// Of these values, at least one.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            min: sorted.first().copied().unwrap_or_default(),
            median: middle(&sorted),
            max: sorted.last().copied().unwrap_or_default(),
        }
    }
}

/// The middle of sorted values.
pub fn middle(sorted: &[f64]) -> f64 {
    let at = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[at],
        _ => f64::midpoint(sorted[at - 1], sorted[at]),
    }
}

/// The medians of each way's rounds, in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<(Kind, Vec<f64>)>);

impl Figures {
    /// How long this way took. `None` where it was not run.
    pub fn of(&self, kind: Kind) -> Option<Spread> {
        self.rounds(kind).map(Spread::of)
    }

    /// How many times as long as `base` this way took: the middle of the rounds' ratios, each of two
    /// blocks that stood beside each other.
    pub fn ratio(&self, kind: Kind, base: Kind) -> Option<f64> {
        let ratios = self.rounds(kind)?.iter().zip(self.rounds(base)?);
        let ratios: Vec<f64> = ratios.map(|(time, base)| time / base).collect();
        Some(Spread::of(&ratios).median)
    }

    fn rounds(&self, kind: Kind) -> Option<&[f64]> {
        let found = self.0.iter().find(|(of, _)| *of == kind);
        found.map(|(_, rounds)| rounds.as_slice())
    }
}

/// What lies between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Nothing: the processor's caches hold this statement and little else.
    Tight,
    /// What a server does between two scopes, on another connection: one is cleaned and bound. The
    /// same for every way, or those that leave such work behind would be compared with those that
    /// run in warm caches.
    Scopes,
}

/// Runs cases on one server.
#[derive(Debug)]
pub struct Runner<'a> {
    /// How much.
    pub effort: Effort,
    /// Rows of the tenant.
    pub rows: i64,
    /// A connection beside those that are measured.
    pub aside: &'a Session,
    /// Chooses rows.
    pub random: Random,
    /// The last row that was inserted.
    pub inserted: i64,
}

impl Runner<'_> {
    /// Runs these ways in turn.
    ///
    /// # Errors
    /// A way's.
    pub async fn measure(
        &mut self,
        case: Case,
        pace: Pace,
        ways: &mut [(Kind, Box<dyn Way>)],
    ) -> Result<Figures, Failed> {
        let mut figures: Vec<_> = ways.iter().map(|(kind, _)| (*kind, Vec::new())).collect();
        for (_, way) in ways.iter_mut() {
            for _ in 0..self.effort.warm_up {
                self.once(case, pace, &mut **way).await?;
            }
        }
        for round in 0..self.effort.rounds {
            let first = usize::try_from(round)? % ways.len().max(1);
            for at in (first..ways.len()).chain(0..first) {
                let median = self.block(case, pace, &mut *ways[at].1).await?;
                figures[at].1.push(median);
            }
        }
        Ok(Figures(figures))
    }

    /// Runs a way once, after what the last run left is done.
    ///
    /// # Errors
    /// The way's.
    pub async fn once(
        &mut self,
        case: Case,
        pace: Pace,
        way: &mut dyn Way,
    ) -> Result<Duration, Failed> {
        while !way.is_settled() {
            // A round trip, so that the server gets the core.
            self.aside.client.batch_execute("").await?;
        }
        if pace == Pace::Scopes {
            self.aside.turn().await?;
        }
        let row = self.row(case);
        let since = Instant::now();
        way.run(case, row).await?;
        Ok(since.elapsed())
    }

    /// The row that a case asks for or inserts.
    pub fn row(&mut self, case: Case) -> i64 {
        if case == Case::Insert {
            self.inserted += 1;
            return self.rows + self.inserted;
        }
        case.first_row(self.random.draw(), self.rows)
    }

    async fn block(&mut self, case: Case, pace: Pace, way: &mut dyn Way) -> Result<f64, Failed> {
        let mut times = Vec::new();
        let since = Instant::now();
        while since.elapsed() < self.effort.block || times.len() < 20 {
            times.push(self.once(case, pace, way).await?.as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        Ok(middle(&times))
    }
}

/// Numbers that look random, the same ones in every run.
#[derive(Clone, Copy, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next one (splitmix64).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
