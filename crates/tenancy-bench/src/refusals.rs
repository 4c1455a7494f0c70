//! Whether the time of an answer tells an unknown tenant from a suspended or a forbidden one.
//!
//! Each request is timed in this process, where no network blurs the difference: an attacker outside
//! sees less. What is reported is how often a guess by two answers' times alone is right, of a tenant
//! of one kind and one of another: 50 % is what a coin gives.

use std::fmt;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use serde::Serialize;
use tenancy_core::{
    BoxError, CustomDomain, Domain, MemoryStore, RequestView, Subdomain, Tenancy, Tenant, TenantId,
    TenantStatus,
};
use tenancy_tower::{Routes, TenancyLayer, TenantScope};
use tower::{Service as _, ServiceExt};

use crate::Failed;
use crate::measure::{Random, middle};

/// Ids of each kind.
const IDS: u32 = 1_000;
/// Requests of each kind that are not counted.
const WARM_UP: u32 = 2_000;
const KINDS: [&str; 3] = ["unknown", "suspended", "forbidden"];
/// What names the tenant, and what is behind its name.
const NAMED_BY: [(&str, &str); 2] = [("subdomain", "example.com"), ("domain", "shop.test")];

/// Two kinds of refusals, compared.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// What names the tenant.
    pub by: &'static str,
    /// One kind.
    pub one: &'static str,
    /// The other.
    pub other: &'static str,
    /// The median of the one, in microseconds.
    pub one_us: f64,
    /// The median of the other.
    pub other_us: f64,
    /// How often the one takes longer than the other, for a pair drawn by chance, from 0 to 1.
    pub longer: f64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = self.longer.max(1.0 - self.longer) * 100.0;
        write!(
            f,
            "{:<9} {:<9} {:>6.2} us, {:<9} {:>6.2} us: a guess by the time is right in {right:.1} % (50.0 is a coin's)",
            self.by, self.one, self.one_us, self.other, self.other_us
        )
    }
}

/// Asks for so many tenants of each kind, in an order drawn by chance.
///
/// # Errors
/// Where a request is answered otherwise than the others.
pub async fn measure(requests: u32) -> Result<Vec<Told>, Failed> {
    let mut told = Vec::new();
    for (by, domain) in NAMED_BY {
        told.extend(compare(by, domain, requests).await?);
    }
    Ok(told)
}

async fn compare(
    by: &'static str,
    domain: &str,
    requests: u32,
) -> Result<impl Iterator<Item = Told>, Failed> {
    let mut service = service()?;
    let mut random = Random(20_261_122);
    let mut times: [Vec<f64>; 3] = Default::default();
    let total = 3 * (requests + WARM_UP);
    for asked in 0..total {
        let kind = usize::try_from(random.draw() % 3)?;
        // Of one length, whatever the kind.
        let (letter, at) = (&KINDS[kind][..1], random.draw() % u64::from(IDS));
        let host = format!("{letter}{at}.{domain}");
        let request = Request::get("/").header("host", host).body(Body::empty())?;
        let service = ServiceExt::<Request<Body>>::ready(&mut service).await?;
        let since = Instant::now();
        let answer = service.call(request).await?;
        let took = since.elapsed().as_secs_f64() * 1e6;
        if answer.status() != StatusCode::NOT_FOUND {
            return Err(format!("a refusal was answered with {}", answer.status()).into());
        }
        if asked >= 3 * WARM_UP {
            times[kind].push(took);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    let pairs = [(0, 1), (0, 2), (1, 2)];
    Ok(pairs.into_iter().map(move |(one, other)| Told {
        by,
        one: KINDS[one],
        other: KINDS[other],
        one_us: middle(&times[one]),
        other_us: middle(&times[other]),
        longer: longer(&times[one], &times[other]),
    }))
}

/// The share of pairs in which the first is the larger; of equal ones, half (Mann and Whitney's U,
/// divided by all pairs). Both sorted.
fn longer(one: &[f64], other: &[f64]) -> f64 {
    let (mut below, mut upto, mut sum) = (0, 0, 0.0);
    for value in one {
        while other.get(below).is_some_and(|other| other < value) {
            below += 1;
        }
        upto = upto.max(below);
        while other.get(upto).is_some_and(|other| other <= value) {
            upto += 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let half = (below + upto) as f64 / 2.0;
        sum += half;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let pairs = one.len() as f64 * other.len() as f64;
    sum / pairs
}

fn service() -> Result<Router, Failed> {
    let store = MemoryStore::default();
    for at in 0..IDS {
        for kind in ["f", "s"] {
            let id = TenantId::new(format!("{kind}{at}"))?;
            store.insert(Tenant::new(id.clone()))?;
            let (_, domain) = NAMED_BY[1];
            store.add_domain(&id, &Domain::new(format!("{id}.{domain}"))?)?;
            if kind == "s" {
                store.set_status(&id, TenantStatus::Suspended)?;
            }
        }
    }
    let tenancy = Tenancy::builder(store)
        .resolve(Subdomain::of(NAMED_BY[0].1))
        .resolve(CustomDomain::except(NAMED_BY[0].1))
        .authorize(|_: &TenantId, _: &dyn RequestView| std::future::ready(Ok::<_, BoxError>(false)))
        .build();
    let routes = Routes::new(TenancyLayer::new(tenancy));
    Ok(routes
        .tenant("/", get(async |_: TenantScope| "never"))
        .finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_pairs_in_which_one_is_larger() {
        for (one, other, share) in [
            (&[1.0, 2.0][..], &[3.0, 4.0][..], 0.0),
            (&[3.0, 4.0], &[1.0, 2.0], 1.0),
            (&[1.0, 2.0], &[1.0, 2.0], 0.5),
            (&[1.0, 3.0], &[2.0], 0.5),
            (&[2.0, 2.0, 2.0], &[2.0], 0.5),
            (&[1.0, 2.0, 3.0], &[2.0, 2.0], 0.5),
            (&[2.0, 3.0], &[1.0, 2.0], 0.875),
        ] {
            let found = longer(one, other);
            assert!((found - share).abs() < 1e-9, "{one:?} {other:?}: {found}");
        }
    }
}
