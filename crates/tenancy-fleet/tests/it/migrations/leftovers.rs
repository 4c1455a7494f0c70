//! What one tenant's migration leaves on a connection does not hit the next tenant there.

use super::stage::{Ground, Stage, run};
use super::{File, NOTES, set};

/// What a migration finds when it starts, but for the path.
pub(super) const SEEN: &str = "CREATE TABLE seen AS SELECT concat_ws(' ', current_user, session_user, \
     current_setting('default_transaction_read_only'), current_setting('statement_timeout'), \
     current_setting('lock_timeout'), current_setting('standard_conforming_strings'), \
     current_setting('role'), \
     (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors), \
     (SELECT count(*) FROM pg_listening_channels()), \
     (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
     (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()), \
     pg_backend_pid()) AS what, current_setting('search_path') AS path";

/// Everything that a connection keeps.
pub(super) const LITTER: &str = "CREATE TEMP TABLE notes (trap int); PREPARE trap AS SELECT 1; \
     DECLARE trap CURSOR WITH HOLD FOR SELECT 1; LISTEN trap; SELECT pg_advisory_lock(42); \
     SET default_transaction_read_only = on; SET statement_timeout = 700; SET lock_timeout = 1; \
     SET standard_conforming_strings = off; SET search_path TO pg_temp, public";

async fn litter(alone: bool) {
    let mut stage = Stage::schemas().await;
    let ids = stage.tenants(4).await;
    let Ground::Schemas(database) = &stage.ground else {
        unreachable!()
    };
    let runtime = database.runtime_role().to_owned();
    let role = format!("SET SESSION AUTHORIZATION {runtime}; SET ROLE {runtime}");
    let litter = format!("{LITTER}; {role}");
    let seen: File<'_> = (2, SEEN, None);
    let dirty: File<'_> = (3, &litter, None);
    let mut files = vec![NOTES, seen, dirty];
    // A message of several statements is a transaction: what it sets stays when it is over.
    let alone_set = format!("-- no-transaction\n{litter}");
    if alone {
        files[2] = (3, &alone_set, None);
    }
    let all = set(&files);
    let report = stage
        .fleet()
        .migrate(&all, None, &run().jobs(1))
        .await
        .unwrap();
    assert!(report.is_whole(), "{report:?}");
    let mut what = Vec::new();
    for id in &ids {
        let mut side = stage.inside(id).await;
        what.push(side.texts("SELECT what FROM seen").await);
        let path = side.texts("SELECT path FROM seen").await;
        assert!(path.contains(id.as_str()), "{path}");
        assert_eq!(
            side.number("SELECT count(*) FROM notes WHERE title IS NULL")
                .await,
            0
        );
    }
    // One connection, and each found it as the first one did.
    what.dedup();
    assert_eq!(what.len(), 1, "{what:?}");
}

#[tokio::test]
async fn nothing_is_left_for_the_next_tenant() {
    litter(false).await;
}

#[tokio::test]
async fn nothing_is_left_by_what_ran_outside_a_transaction() {
    litter(true).await;
}

/// A role that a migration took is not the next migration's, nor the path, nor a limit.
#[tokio::test]
async fn the_next_migration_of_the_same_tenant_starts_at_home() {
    let mut stage = Stage::schemas().await;
    let id = stage.tenant("acme").await;
    let Ground::Schemas(database) = &stage.ground else {
        unreachable!()
    };
    let astray = format!(
        "SET search_path TO public; SET statement_timeout = 400; SET lock_timeout = 1; SET ROLE {}",
        database.runtime_role()
    );
    let all = set(&[
        (1, &astray, None),
        (2, "CREATE TABLE notes (id int); SELECT pg_sleep(0.6)", None),
    ]);
    let report = stage.fleet().migrate(&all, None, &run()).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    let mut side = stage.inside(&id).await;
    let owner = side
        .texts("SELECT tableowner FROM pg_tables WHERE tablename = 'notes'")
        .await;
    assert_eq!(owner.trim(), database.owner_role());
    let schema = side
        .texts("SELECT schemaname FROM pg_tables WHERE tablename = 'notes'")
        .await;
    assert_eq!(schema.trim(), "tenant_acme");
}

/// On `MariaDB` a migration may go to another tenant's database: the ledger, and the next migration,
/// do not follow it.
#[tokio::test]
async fn a_migration_that_goes_elsewhere_takes_nobody_along() {
    let Some(mut stage) = Stage::mariadb().await else {
        return;
    };
    let ids = stage.tenants(2).await;
    let place = stage.site.placement(&ids[1]).unwrap();
    let astray = format!(
        "USE `{}`; SET autocommit = 0; SET foreign_key_checks = 0",
        place.database_name().unwrap()
    );
    let all = set(&[(1, &astray, None), NOTES_AGAIN]);
    let how = run().only([ids[0].clone()]);
    let report = stage.fleet().migrate(&all, None, &how).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(stage.ledger(&ids[0]).await, "1 2");
    assert_eq!(stage.ledger(&ids[1]).await, "");
    assert!(stage.takes(&ids[0], "SELECT id FROM notes").await);
    assert!(!stage.takes(&ids[1], "SELECT id FROM notes").await);
    stage.end().await;
}

const NOTES_AGAIN: File<'_> = (2, NOTES.1, None);
