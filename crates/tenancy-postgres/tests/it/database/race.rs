//! Two tenants that are placed in one database at once, by administrators who share no lock.

use tenancy_postgres::database::TenantDatabase;

use crate::support::{World, on_every_major, run, text};
use crate::tenants::{holes, id, judged, password};

/// An advisory lock is a database's own, so it doesn't hold those apart who come from two.
#[tokio::test]
async fn of_two_who_finish_one_half_made_database_one_gets_it() {
    on_every_major(async |world| {
        let first = world.tenant_database("first");
        let login = world.named("dblogin_second").parse().unwrap();
        let second = TenantDatabase::new(&id("second"), first.name().clone(), login).unwrap();
        let owner = world.roles.table_owner();
        for database in [&first, &second] {
            run(&world.admin, database.role().create(&password()).unwrap()).await;
        }
        let (make, mark) = (first.create(owner), second.create(owner));
        world
            .admin
            .batch_execute(make.steps()[0].sql())
            .await
            .unwrap();

        let elsewhere = world.admin_of("postgres").await.unwrap();
        let pid = text(&elsewhere, "SELECT pg_backend_pid()").await.unwrap();
        world
            .admin
            .batch_execute(&format!("BEGIN; {}", make.steps()[1].sql()))
            .await
            .unwrap();
        let late =
            tokio::spawn(async move { elsewhere.batch_execute(mark.steps()[1].sql()).await });
        wait_until_blocked(&world, &pid).await;
        world.admin.batch_execute("COMMIT").await.unwrap();
        let error = late.await.unwrap().unwrap_err();
        assert_eq!(error.code().unwrap().code(), "TN010", "{error:?}");

        // The first has it whole, and serves.
        run(&world.admin, first.create(owner)).await;
        let inside = world.admin_of(first.name().as_str()).await.unwrap();
        run(&inside, first.open(owner)).await;
        let judgement = judged(&world.enter_database(&first).await, &first.identity()).await;
        assert!(holes(&judgement).is_empty(), "{judgement:#?}");
        drop(inside);
        world.unmake(&first).await;
        run(&world.admin, second.role().drop_plan()).await;
    })
    .await;
}

async fn wait_until_blocked(world: &World, pid: &str) {
    let blocked = format!("SELECT cardinality(pg_blocking_pids({pid}))");
    for _ in 0..1000 {
        if text(&world.admin, &blocked).await.unwrap() != "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the second never waited for the first");
}
