//! Connections that are cut in the middle, and the folder behind them.

use tenancy_fleet::export::ExportError;
use tenancy_fleet::provision::{Confirmed, ProvisionError};
use tenancy_fleet::registry::Provisioning;

use super::{new_folder, onboard};
use crate::provision::ground::{Ground, Kind};
use crate::provision::on_every_site;
use crate::registry::{ada, id};

on_every_site!(a_connection_that_is_killed_drops_nothing);

/// It waits for a table that is locked, and is killed there: that is behind the first file.
async fn a_connection_that_is_killed_drops_nothing(ground: Ground) {
    if ground.is_sqlite() {
        return;
    }
    let acme = id("acme");
    onboard(&ground, &acme).await;
    ground.furnish(&acme, "of acme").await;
    let before = ground.things(&acme).await;
    let mut lock = ground.inside(&acme).await;
    let is_mariadb = matches!(ground.kind, Kind::Mariadb);
    let mut locker = 0;
    if is_mariadb {
        lock.run("CREATE TABLE a (id int); LOCK TABLES notes WRITE")
            .await;
    } else {
        if matches!(ground.kind, Kind::Databases) {
            lock.run("SET search_path = public").await;
        }
        locker = lock.number("SELECT pg_backend_pid()::bigint").await;
        lock.run("BEGIN; LOCK TABLE notes").await;
    }
    let (_parent, folder) = new_folder();
    let confirmed = Confirmed::new(&acme, "acme").unwrap().export_to(&folder);
    let fleet = ground.fleet.clone();
    let removing = tokio::spawn({
        let (acme, confirmed) = (acme.clone(), confirmed.clone());
        async move { fleet.offboard(&acme, &confirmed, &ada()).await }
    });
    let name = format!("{}acme", ground.prefix);
    let mut admin = ground.admin().await;
    let find = if is_mariadb {
        format!(
            "SELECT CAST(COALESCE(MAX(ID), 0) AS SIGNED) FROM information_schema.PROCESSLIST \
             WHERE DB = '{name}' AND STATE = 'Waiting for table metadata lock'"
        )
    } else {
        format!(
            "SELECT COALESCE(max(a.pid), 0)::bigint FROM pg_stat_activity AS a, \
             pg_locks AS w JOIN pg_locks AS h USING (locktype, database, relation) \
             WHERE a.pid = w.pid AND NOT w.granted AND h.granted AND h.pid = {locker}"
        )
    };
    let session = loop {
        let session = admin.number(&find).await;
        if session != 0 {
            break session;
        }
        assert!(!removing.is_finished());
        tokio::task::yield_now().await;
    };
    let kill = if is_mariadb {
        format!("KILL CONNECTION {session}")
    } else {
        format!("SELECT pg_terminate_backend({session})")
    };
    admin.run(&kill).await;
    match removing.await.unwrap() {
        Err(ProvisionError::Export(ExportError::Database(_) | ExportError::Table { .. })) => {}
        other => panic!("{other:?}"),
    }
    assert!(!folder.exists(), "half an export is left");
    assert_eq!(ground.things(&acme).await, before);
    let entry = ground.registry.get(&acme).await.unwrap().unwrap();
    assert_eq!(entry.provisioning(), Provisioning::Removing);
    drop(lock);
    ground
        .fleet
        .offboard(&acme, &confirmed, &ada())
        .await
        .unwrap();
    assert_eq!(ground.things(&acme).await, 0);
}
