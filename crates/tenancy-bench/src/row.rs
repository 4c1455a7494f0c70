//! What a run says: rows, as a table and as JSON.

use serde::Serialize;

use crate::adapters::Adapter;
use crate::key::Key;
use crate::measure::Spread;
use crate::tier::Tier;

/// Whether a connection stood on the tenant's shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Bound to nobody.
    Cold,
    /// Bound to the tenant already.
    Warm,
}

/// What is told of a pool under load only.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Load {
    /// In microseconds, waiting included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// Scopes each second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// As the server saw them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_connections: Option<i64>,
    /// What the client's process holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_kb: Option<u64>,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Who ran it.
    pub adapter: Adapter,
    /// How tenants are kept apart: a `strategy` and a `binding`.
    #[serde(flatten)]
    pub tier: Tier,
    /// The type of the tenant column, or of the tenant's id where no column holds it.
    pub key: Key,
    /// What was run.
    pub case: String,
    /// What the network adds to each round trip, in milliseconds.
    pub delay_ms: f64,
    /// How the connection was found.
    pub state: State,
    /// In microseconds: the middle of the rounds' medians.
    pub median_us: f64,
    /// The best round's.
    pub min_us: f64,
    /// The worst round's.
    pub max_us: f64,
    /// Against (a), the same statement unscoped on a held connection.
    pub ratio_unscoped: Option<f64>,
    /// Against (b), the same statement on a held connection that is bound already: for a login, one
    /// that the tenant's pool handed out and that is kept.
    pub ratio_bound: Option<f64>,
    /// Against (c), the driver's own pool, unscoped.
    pub ratio_pool: Option<f64>,
    /// Against (d), begin, set, run and commit in sequence; where the connection is the tenant's own,
    /// nothing is set.
    pub ratio_usual: Option<f64>,
    /// Round trips that are waited for.
    pub trips: Option<usize>,
    /// (b) against (a): what enforcement itself costs.
    pub enforcement: Option<f64>,
    /// Under load.
    #[serde(flatten)]
    pub load: Load,
}

impl Row {
    /// A line without ratios.
    pub fn plain(
        adapter: Adapter,
        tier: Tier,
        key: Key,
        case: impl Into<String>,
        state: State,
        spread: Spread,
    ) -> Self {
        Self {
            adapter,
            tier,
            key,
            case: case.into(),
            delay_ms: 0.0,
            state,
            median_us: spread.median,
            min_us: spread.min,
            max_us: spread.max,
            ratio_unscoped: None,
            ratio_bound: None,
            ratio_pool: None,
            ratio_usual: None,
            trips: None,
            enforcement: None,
            load: Load::default(),
        }
    }

    /// The table's head.
    pub fn head() -> String {
        format!(
            "{:<15}{:<11}{:<8}{:<8}{:<22}{:>5}  {:<5}{:>9}{:>9}{:>9}  {:>6}{:>6}{:>6}{:>6}{:>8}{:>6}",
            "adapter",
            "strategy",
            "binding",
            "key",
            "case",
            "delay",
            "state",
            "min µs",
            "median",
            "max",
            "/(a)",
            "/(b)",
            "/(c)",
            "/(d)",
            "(b)/(a)",
            "trips"
        )
    }

    /// One line of the table.
    pub fn line(&self) -> String {
        let ratio =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let state = match self.state {
            State::Cold => "cold",
            State::Warm => "warm",
        };
        let mut line = format!(
            "{:<15}{:<11}{:<8}{:<8}{:<22}{:>5}  {:<5}{:>9.1}{:>9.1}{:>9.1}  {:>6}{:>6}{:>6}{:>6}{:>8}{:>6}",
            self.adapter.to_string(),
            self.tier.strategy.to_string(),
            self.tier.binding.to_string(),
            self.key.to_string(),
            self.case,
            self.delay_ms,
            state,
            self.min_us,
            self.median_us,
            self.max_us,
            ratio(self.ratio_unscoped),
            ratio(self.ratio_bound),
            ratio(self.ratio_pool),
            ratio(self.ratio_usual),
            ratio(self.enforcement),
            self.trips.map_or("-".to_owned(), |trips| trips.to_string()),
        );
        let Load {
            p99_us,
            per_second,
            peak_connections,
            resident_kb,
        } = self.load;
        let more = [
            p99_us.map(|time| format!("p99 {time:.0} µs")),
            per_second.map(|rate| format!("{rate:.0}/s")),
            peak_connections.map(|peak| format!("peak {peak} connections")),
            resident_kb.map(|held| format!("{held} kB")),
        ];
        for text in more.into_iter().flatten() {
            line += "  ";
            line += &text;
        }
        line
    }
}
