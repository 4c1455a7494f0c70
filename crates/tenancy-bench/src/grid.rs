//! Every case by every tier, key and delay.

use std::time::Duration;

use tenancy_postgres_pool::Separation;
use tenancy_testkit::postgres::Server;
use tenancy_testkit::proxy::Proxy;

use crate::Failed;
use crate::adapters::{Adapter, Kind, Way};
use crate::case::Case;
use crate::costs::costs;
use crate::key::Key;
use crate::measure::{Effort, Figures, Pace, Random, Runner};
use crate::own::Own;
use crate::place::Place;
use crate::row::{Row, State};
use crate::session::Session;
use crate::stage::{Size, Stage, hold, tenancy};
use crate::tier::{Binding, Strategy, Tier};

/// Enough for a client to have queued all it has before the first answer.
const COUNTING: Duration = Duration::from_millis(3);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Grid {
    /// By whom.
    pub adapters: Vec<Adapter>,
    /// Which cases.
    pub cases: Vec<Case>,
    /// Which keys, on tables that tenants share.
    pub keys: Vec<Key>,
    /// What the network adds to each round trip, in milliseconds.
    pub delays: Vec<f64>,
    /// How much data.
    pub size: Size,
    /// How much work.
    pub effort: Effort,
}

impl Grid {
    /// Measures these tiers, and tells each row as it comes.
    ///
    /// # Errors
    /// The database's, and the adapters'.
    pub async fn run(
        &self,
        server: &Server,
        tiers: &[Tier],
        mut tell: impl FnMut(&Row),
    ) -> Result<Vec<Row>, Failed> {
        let mut rows = Vec::new();
        let mut add = |row: Row| {
            tell(&row);
            rows.push(row);
        };
        let sealed = Stage::sealed(server).await?;
        let ground = Ground { server, sealed };
        for tier in tiers {
            if tier.strategy == Strategy::RowLevel {
                self.tables(&ground, *tier, &mut add).await?;
            } else {
                self.own(&ground, *tier, &mut add).await?;
            }
        }
        Ok(rows)
    }

    /// On tables that all tenants share.
    async fn tables(
        &self,
        ground: &Ground<'_>,
        tier: Tier,
        add: &mut dyn FnMut(Row),
    ) -> Result<(), Failed> {
        let logins;
        let stage = if tier == Tier::LOGINS {
            logins = Stage::for_logins(ground.server).await?;
            &logins
        } else {
            &ground.sealed
        };
        // The longest id leaves a login's name no room for a prefix.
        let fits = |key: &&Key| tier != Tier::LOGINS || **key != Key::Text63;
        for key in self.keys.iter().filter(fits) {
            stage.fill(*key, self.size).await?;
            let tenancy = tenancy(key.tenants(self.size.tenants)?);
            let held = hold(&tenancy, key.tenant(self.size.tenants / 2)?).await?;
            let separation = stage.separation(*key, held.scope.tenant_id()).await?;
            let near = stage.place(*key, &held.scope, &separation);
            self.cells(ground, tier, &near, add).await?;
        }
        Ok(())
    }

    /// On what is one tenant's own.
    async fn own(
        &self,
        ground: &Ground<'_>,
        tier: Tier,
        add: &mut dyn FnMut(Row),
    ) -> Result<(), Failed> {
        let own = Own::make(ground.server, tier, self.size.rows).await?;
        let id = own.tenant.id().clone();
        let held = hold(&tenancy(vec![own.tenant.clone()]), id).await?;
        self.cells(ground, tier, &own.place(&held.scope), add).await
    }

    async fn cells(
        &self,
        ground: &Ground<'_>,
        tier: Tier,
        near: &Place,
        add: &mut dyn FnMut(Row),
    ) -> Result<(), Failed> {
        let aside = ground
            .sealed
            .place(near.key, &near.scope, &Separation::sealed());
        let aside = Session::connect(&aside).await?;
        let mut cells = Cells {
            grid: self,
            server: ground.server,
            tier,
            runner: Runner {
                effort: self.effort,
                rows: self.size.rows,
                aside: &aside,
                random: Random(u64::from(self.size.tenants)),
                inserted: 0,
            },
        };
        for adapter in &self.adapters {
            for case in &self.cases {
                let rows = cells.of(*adapter, *case, near).await?;
                rows.into_iter().for_each(&mut *add);
            }
        }
        // The statements are the same for every adapter.
        if let (Some(adapter), true) = (self.adapters.first(), tier == Tier::SEALED) {
            for (step, spread) in costs(near, self.effort).await? {
                add(Row::plain(
                    *adapter,
                    tier,
                    near.key,
                    step,
                    State::Cold,
                    spread,
                ));
            }
        }
        Ok(())
    }
}

/// The server, and where a connection beside those that are measured does its work.
struct Ground<'a> {
    server: &'a Server,
    sealed: Stage,
}

/// The cells of one place.
struct Cells<'a> {
    grid: &'a Grid,
    server: &'a Server,
    tier: Tier,
    runner: Runner<'a>,
}

impl Cells<'_> {
    async fn of(&mut self, adapter: Adapter, case: Case, near: &Place) -> Result<Vec<Row>, Failed> {
        let trips = self.trips(adapter, case, near).await?;
        let mut rows = Vec::new();
        for delay in &self.grid.delays {
            let proxy = Proxy::in_front_of(self.server)?;
            let far = near.through(&proxy)?;
            let place = if *delay > 0.0 { &far } else { near };
            let mut ways = self.ways(adapter, case, place).await?;
            proxy.delay(Duration::from_secs_f64(delay / 2e3));
            let tight = self
                .runner
                .measure(case, Pace::Tight, &mut ways[..2])
                .await?;
            let figures = self.runner.measure(case, Pace::Scopes, &mut ways).await?;
            rows.extend(self.rows(
                (adapter, case, near.key),
                *delay,
                [&figures, &tight],
                &trips,
            ));
        }
        Ok(rows)
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        let binding = self.tier.binding;
        Kind::ALL.into_iter().filter(move |kind| match kind {
            Kind::Warm => binding != Binding::Routed,
            Kind::Cold => binding != Binding::Login,
            _ => true,
        })
    }

    async fn ways(
        &self,
        adapter: Adapter,
        case: Case,
        place: &Place,
    ) -> Result<Vec<(Kind, Box<dyn Way>)>, Failed> {
        let mut ways = Vec::new();
        for kind in self.kinds() {
            if let Some(way) = adapter.way(kind, case, place).await? {
                ways.push((kind, way));
            }
        }
        Ok(ways)
    }

    /// Counted on the wire, by themselves: what counts also delays.
    async fn trips(
        &mut self,
        adapter: Adapter,
        case: Case,
        near: &Place,
    ) -> Result<Vec<(Kind, usize)>, Failed> {
        let proxy = Proxy::in_front_of(self.server)?;
        let place = near.through(&proxy)?;
        let mut trips = Vec::new();
        for kind in self.kinds() {
            proxy.delay(Duration::ZERO);
            let Some(mut way) = adapter.way(kind, case, &place).await? else {
                continue;
            };
            // The second finds its statement prepared.
            self.runner.once(case, Pace::Scopes, &mut *way).await?;
            self.runner.once(case, Pace::Scopes, &mut *way).await?;
            while !way.is_settled() {
                self.runner.aside.turn().await?;
            }
            proxy.delay(COUNTING);
            let row = self.runner.row(case);
            proxy.reset();
            way.run(case, row).await?;
            // Or it would be called warm or cold, and be neither. SQLx's own pool may connect again.
            let is_ours = matches!(kind, Kind::Warm | Kind::Cold);
            if is_ours && proxy.connections() > 0 {
                return Err(format!("{adapter}, {case}, {kind:?}: it had to connect").into());
            }
            trips.push((kind, proxy.trips()));
        }
        Ok(trips)
    }

    fn rows(
        &self,
        (adapter, case, key): (Adapter, Case, Key),
        delay: f64,
        [figures, tight]: [&Figures; 2],
        trips: &[(Kind, usize)],
    ) -> Vec<Row> {
        // Inside an open transaction there is no pool to go through: the held one is the row.
        let kinds = match case {
            Case::SelectInTransaction => [(Kind::Bound, State::Warm)].to_vec(),
            _ => [(Kind::Warm, State::Warm), (Kind::Cold, State::Cold)].to_vec(),
        };
        let rows = kinds.into_iter().filter_map(|(kind, state)| {
            let spread = figures.of(kind)?;
            let plain = Row::plain(adapter, self.tier, key, case.to_string(), state, spread);
            let counted = trips.iter().find(|(of, _)| *of == kind);
            Some(Row {
                delay_ms: delay,
                ratio_unscoped: figures.ratio(kind, Kind::Unscoped),
                ratio_bound: figures.ratio(kind, Kind::Bound),
                ratio_pool: figures.ratio(kind, Kind::Pooled),
                ratio_usual: figures.ratio(kind, Kind::Usual),
                trips: counted.map(|(_, trips)| *trips),
                enforcement: tight.ratio(Kind::Bound, Kind::Unscoped),
                ..plain
            })
        });
        rows.collect()
    }
}
