//! Adapters and databases that are broken on purpose. Each must be caught, and by the case that is
//! there to catch it.

mod adapters;
mod databases;
mod seals;
mod tiers;

use std::time::Duration;

use tenancy_conformance::{Report, Suite};
use tenancy_postgres::seal::TenantKind;
use tenancy_testkit::postgres::{Database, Major};

use crate::reference::{Fault, Reference};
use crate::world::World;

/// One broken build.
struct Broken {
    what: &'static str,
    fault: Option<Fault>,
    /// Run by the administrator over a sound installation.
    sql: fn(&Database) -> String,
    /// Who the adapter logs in as.
    login: fn(&Database) -> String,
    /// The oldest major on which it is a hole.
    since: Major,
    /// The cases that must fail. Others may.
    caught_by: &'static [&'static str],
    /// Who does central work.
    central: fn(&Database) -> String,
}

const SOUND: Broken = Broken {
    what: "",
    fault: None,
    sql: |_| String::new(),
    login: Database::runtime_url,
    since: Major::V15,
    caught_by: &[],
    central: Database::central_url,
};

/// Plays the cases that must catch it, and answers what they said.
async fn play(broken: &Broken, major: Major) -> Report {
    let database = tenancy_testkit::postgres::Server::shared(major)
        .await
        .unwrap()
        .database()
        .await
        .unwrap();
    let World {
        stage, database, ..
    } = World::on(database, TenantKind::Text, broken.login).await;
    let admin = database.admin().await.unwrap();
    admin.batch_execute(&(broken.sql)(&database)).await.unwrap();
    let key = stage.sealing_key().unwrap().clone();
    let url = (broken.login)(&database);
    let reference = Reference::new(&url, key, TenantKind::Text, broken.fault)
        .with_central((broken.central)(&database));
    let suite = Suite::row_level_postgres().only(broken.caught_by);
    suite
        .time_limit(Duration::from_secs(10))
        .run(&reference, &stage)
        .await
}

/// Every one of `builds` is caught by each case that is named for it.
async fn all_are_caught(builds: &[Broken], majors: &[Major]) {
    let mut missed = Vec::new();
    for major in majors {
        for broken in builds.iter().filter(|broken| broken.since <= *major) {
            let report = play(broken, *major).await;
            println!("{major}: {}\n{report}\n", broken.what);
            for case in broken.caught_by {
                if !report.failures().any(|(failed, _)| failed == *case) {
                    missed.push(format!(
                        "{case} did not catch, on {major}: {}\n{report}",
                        broken.what
                    ));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
