//! Transactions inside transactions end as they were told to, whatever is dropped.

use std::time::Duration;

use futures_util::StreamExt as _;
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    TransactionSession, TransactionTrait,
};
use tenancy_core::{
    BoxError, Header, MemoryStore, NotSaved, RequestView, Tenancy, Tenant, TenantId,
};
use tenancy_sea_orm::{Error, PoolError, TenantPool};
use tokio::time::timeout;

use super::entities::{Note, new_note};
use super::stage::{ACME, GLOBEX, OpenScope, Stage, all_back, each};

/// Both transactions that others are begun in: the pool's own, and a connection's.
async fn both(
    stage: &Stage,
    pool: &TenantPool,
    acme: &OpenScope,
    test: impl AsyncFn(Outer<'_>) -> Result<(), DbErr>,
) {
    for own in [true, false] {
        let db = pool.acquire(&acme.scope).await;
        let outer = if own {
            drop(db);
            pool.begin(&acme.scope).await.unwrap()
        } else {
            // It holds the connection that it was begun on.
            TransactionTrait::begin(&db.unwrap()).await.unwrap()
        };
        test(outer).await.unwrap();
        all_back(pool).await;
        let sql = "DELETE FROM notes WHERE id > 3";
        stage.admin.batch_execute(sql).await.unwrap();
    }
}

type Outer<'s> = tenancy_sea_orm::TenantTransaction<'s>;

async fn ids(stage: &Stage) -> Vec<i64> {
    let sql = "SELECT id FROM notes WHERE tenant_id = 'acme' AND id > 3 ORDER BY id";
    let rows = stage.admin.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn add<C: ConnectionTrait>(db: &C, id: i64) -> Result<(), DbErr> {
    new_note(id, "nested").insert(db).await.map(drop)
}

#[tokio::test]
async fn they_are_saved_taken_back_or_dropped_one_by_one() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        both(&stage, &pool, &acme, async |outer| {
            add(&outer, 10).await?;
            let kept = TransactionTrait::begin(&outer).await?;
            add(&kept, 11).await?;
            let inner = TransactionTrait::begin(&kept).await?;
            add(&inner, 12).await?;
            inner.rollback().await?;
            add(&kept, 13).await?;
            kept.commit().await?;
            let dropped = TransactionTrait::begin(&outer).await?;
            add(&dropped, 14).await?;
            drop(dropped);
            // It was taken back before this, or this would be a duplicate.
            add(&outer, 14).await?;
            // A failed one takes nothing with it.
            let failed = TransactionTrait::begin(&outer).await?;
            assert!(add(&failed, 14).await.is_err());
            assert!(add(&failed, 15).await.is_err());
            failed.rollback().await?;
            let failed = TransactionTrait::begin(&outer).await?;
            assert!(add(&failed, 14).await.is_err());
            let refused = failed.commit().await.unwrap_err();
            assert!(
                matches!(refused, Error::Pool(PoolError::TransactionFailed)),
                "{refused:?}"
            );
            add(&outer, 16).await?;
            outer.commit().await?;
            assert_eq!(ids(&stage).await, [10, 11, 13, 14, 16]);
            Ok(())
        })
        .await;
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn one_that_could_not_begin_hides_no_error() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        both(&stage, &pool, &acme, async |outer| {
            add(&outer, 10).await?;
            assert!(add(&outer, 10).await.is_err());
            assert!(TransactionTrait::begin(&outer).await.is_err());
            assert!(add(&outer, 11).await.is_err());
            outer.rollback().await?;
            Ok(())
        })
        .await;
        both(&stage, &pool, &acme, async |outer| {
            add(&outer, 10).await?;
            assert!(add(&outer, 10).await.is_err());
            assert!(TransactionTrait::begin(&outer).await.is_err());
            let refused = outer.commit().await.unwrap_err();
            assert!(
                matches!(refused, Error::Pool(PoolError::TransactionFailed)),
                "{refused:?}"
            );
            assert_eq!(ids(&stage).await, [0; 0]);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn one_that_is_dropped_last_is_not_committed_with_the_rest() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        both(&stage, &pool, &acme, async |outer| {
            add(&outer, 10).await?;
            let dropped = TransactionTrait::begin(&outer).await?;
            add(&dropped, 11).await?;
            drop(dropped);
            outer.commit().await?;
            assert_eq!(ids(&stage).await, [10]);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_commit_around_one_that_is_open_saves_nothing() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        both(&stage, &pool, &acme, async |outer| {
            add(&outer, 10).await?;
            let open = TransactionTrait::begin(&outer).await?;
            add(&open, 11).await?;
            let refused = outer.commit().await.unwrap_err();
            assert!(matches!(refused, Error::NestedOpen), "{refused:?}");
            // And it says so itself: nothing pretends to be saved.
            let over = add(&open, 12).await.unwrap_err();
            assert!(matches!(Error::find(&over), Some(Error::Ended)), "{over:?}");
            let over = TransactionSession::commit(open).await.unwrap_err();
            assert!(matches!(Error::find(&over), Some(Error::Ended)), "{over:?}");
            assert_eq!(ids(&stage).await, [0; 0]);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn one_that_outlives_the_one_around_it_is_over() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        both(&stage, &pool, &acme, async |outer| {
            let middle = TransactionTrait::begin(&outer).await?;
            let inner = TransactionTrait::begin(&middle).await?;
            add(&inner, 10).await?;
            drop(middle);
            assert!(add(&inner, 11).await.is_err());
            assert!(matches!(inner.commit().await, Err(Error::Ended)));
            let inner = TransactionTrait::begin(&outer).await?;
            add(&inner, 12).await?;
            drop(outer);
            assert!(add(&inner, 13).await.is_err());
            assert!(matches!(inner.rollback().await, Err(Error::Ended)));
            assert_eq!(ids(&stage).await, [0; 0]);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn sql_that_ends_the_transaction_itself_is_found_at_the_commit() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        for ending in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "ROLLBACK AND CHAIN"] {
            both(&stage, &pool, &acme, async |outer| {
                outer.execute_unprepared(ending).await?;
                let refused = outer.commit().await.unwrap_err();
                assert!(
                    matches!(refused, Error::Pool(PoolError::TransactionOver)),
                    "{refused:?}"
                );
                Ok(())
            })
            .await;
            both(&stage, &pool, &acme, async |outer| {
                let inner = TransactionTrait::begin(&outer).await?;
                inner.execute_unprepared(ending).await?;
                let refused = inner.commit().await.unwrap_err();
                assert!(
                    matches!(refused, Error::Pool(PoolError::TransactionOver)),
                    "{refused:?}"
                );
                assert!(outer.commit().await.is_err());
                Ok(())
            })
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_waits_for_the_transaction_that_was_begun_on_it() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let db = pool.acquire(&acme.scope).await.unwrap();
        let tx = TransactionTrait::begin(&db).await.unwrap();
        // With a pool of SeaORM's, this would be on another connection, and would be kept.
        let refused = add(&db, 10).await.unwrap_err();
        assert!(
            matches!(Error::find(&refused), Some(Error::InTransaction)),
            "{refused:?}"
        );
        assert!(TransactionTrait::begin(&db).await.is_err());
        assert!(db.driver().await.is_err());
        drop(tx);
        add(&db, 10).await.unwrap();
        assert_eq!(ids(&stage).await, [10]);
    })
    .await;
}

/// SQLx is one answer behind after this, and would take any answer for the one to its commit.
#[tokio::test]
async fn a_half_read_answer_is_not_taken_for_an_end() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let half_read = async |tx: &Outer<'_>| {
            let mut driver = tx.driver().await.unwrap();
            let many = "COPY (SELECT repeat('x', 5000) FROM generate_series(1, 2000)) TO STDOUT";
            let mut copy = driver.copy_out_raw(many).await.unwrap();
            copy.next().await.unwrap().unwrap();
        };
        both(&stage, &pool, &acme, async |outer| {
            let inner = TransactionTrait::begin(&outer).await?;
            add(&inner, 10).await?;
            half_read(&inner).await;
            assert!(inner.commit().await.is_err());
            assert!(outer.commit().await.is_err());
            assert_eq!(ids(&stage).await, [0; 0]);
            Ok(())
        })
        .await;
        both(&stage, &pool, &acme, async |outer| {
            half_read(&outer).await;
            assert!(TransactionTrait::begin(&outer).await.is_err());
            Ok(())
        })
        .await;
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);
    })
    .await;
}

/// Cuts a begin, statements, and ends short at every length, on a server that takes its time.
#[tokio::test]
async fn whatever_is_cut_short_the_rest_is_whole_or_refused() {
    each(async |stage: Stage| {
        let proxy = tenancy_testkit::proxy::Proxy::in_front_of(stage.server).unwrap();
        let url = proxy.url(&stage.database.runtime_url()).unwrap();
        let builder = stage.builder(&url).max_connections(1);
        let pool = TenantPool::connect_with(builder).await.unwrap();
        let acme = stage.scope(ACME).await;
        proxy.delay(Duration::from_millis(1));
        let (mut whole, mut refused, mut cut) = (0, 0, 0);
        for round in 0..160_u64 {
            stage
                .admin
                .batch_execute("DELETE FROM notes WHERE id > 3")
                .await
                .unwrap();
            let outer = if round % 2 == 0 {
                pool.begin(&acme.scope).await.unwrap()
            } else {
                let db = pool.acquire(&acme.scope).await.unwrap();
                TransactionTrait::begin(&db).await.unwrap()
            };
            let mut kept = Vec::new();
            let worked = async {
                add(&outer, 10).await?;
                kept.push(10);
                for id in [20, 30] {
                    let work = async {
                        let inner = TransactionTrait::begin(&outer).await?;
                        add(&inner, id).await?;
                        let deep = TransactionTrait::begin(&inner).await?;
                        add(&deep, id + 1).await?;
                        deep.rollback().await?;
                        add(&inner, id + 2).await?;
                        inner.commit().await?;
                        Ok::<_, DbErr>(())
                    };
                    match timeout(Duration::from_micros(100 * (round / 2)), work).await {
                        Ok(done) => {
                            done?;
                            kept.extend([id, id + 2]);
                        }
                        Err(_) => cut += 1,
                    }
                }
                add(&outer, 40).await?;
                kept.push(40);
                Ok::<_, DbErr>(())
            }
            .await;
            let found = match worked {
                Ok(()) => outer.commit().await.map_err(DbErr::from),
                Err(error) => Err(error),
            };
            all_back(&pool).await;
            if found.is_ok() {
                whole += 1;
                assert_eq!(ids(&stage).await, kept, "round {round}");
            } else {
                refused += 1;
                assert_eq!(ids(&stage).await, [0; 0], "round {round}: {found:?}");
            }
        }
        proxy.delay(Duration::ZERO);
        assert!(
            whole > 80 && cut > 100,
            "{whole} whole, {refused} refused, {cut} cut short"
        );
        let db = pool.acquire(&acme.scope).await.unwrap();
        assert!(Note::find().count(&db).await.unwrap() >= 3);
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);
    })
    .await;
}

/// The header `x-tenant` of a request says ACME.
struct Asked;

impl RequestView for Asked {
    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        let named = (name == "x-tenant").then_some(ACME.as_bytes());
        named.into_iter().collect()
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn path(&self) -> &'static str {
        "/"
    }
}

/// Compiles, and is caught when it runs: what is begun in a request's transaction may be moved into a
/// task. Open when the answer begins, it keeps the request from being saved, and runs nothing after.
#[tokio::test]
async fn one_that_is_open_in_a_requests_keeps_that_from_being_saved() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = Tenant::new(TenantId::new(ACME).unwrap());
        let tenancy = Tenancy::builder(MemoryStore::new([acme]))
            .resolve(Header::named("x-tenant"))
            .authorize(async |_: &TenantId, _: &dyn RequestView| Ok::<bool, BoxError>(true))
            .build();
        for save in [true, false] {
            let open = tenancy.open_request(&Asked).await.unwrap();
            let open = open.with_transaction();
            let tx = pool.request_transaction(open.scope()).await.unwrap();
            add(&*tx, 10).await.unwrap();
            let inner = TransactionTrait::begin(&*tx).await.unwrap();
            drop(tx);
            add(&inner, 11).await.unwrap();
            let (answered, until_then) = tokio::sync::oneshot::channel::<()>();
            let task = tokio::spawn(async move {
                until_then.await.unwrap();
                (add(&inner, 12).await, inner.commit().await)
            });
            let ended = open.end_transaction(save).await;
            match (save, &ended) {
                (true, Err(NotSaved::Commit(why))) => {
                    let why = why.downcast_ref();
                    assert!(matches!(why, Some(Error::NestedOpen)), "{why:?}");
                }
                (false, Ok(())) => {}
                other => panic!("{other:?}"),
            }
            answered.send(()).unwrap();
            let (written, committed) = task.await.unwrap();
            assert!(written.is_err() && committed.is_err(), "{committed:?}");
            drop(open);
            all_back(&pool).await;
            assert!(ids(&stage).await.is_empty());
        }
        let globex = stage.scope(GLOBEX).await;
        let db = pool.acquire(&globex.scope).await.unwrap();
        assert_eq!(Note::find().count(&db).await.unwrap(), 3);
        drop(db);
        globex.end().await;
    })
    .await;
}

/// At work when the answer begins, it keeps the request from being saved as well, and holds up nobody.
#[tokio::test]
async fn one_that_is_at_work_in_a_requests_holds_up_no_answer() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = Tenant::new(TenantId::new(ACME).unwrap());
        let tenancy = Tenancy::builder(MemoryStore::new([acme]))
            .resolve(Header::named("x-tenant"))
            .authorize(async |_: &TenantId, _: &dyn RequestView| Ok::<bool, BoxError>(true))
            .build();
        for save in [true, false] {
            let open = tenancy.open_request(&Asked).await.unwrap();
            let open = open.with_transaction();
            let tx = pool.request_transaction(open.scope()).await.unwrap();
            add(&*tx, 10).await.unwrap();
            let inner = TransactionTrait::begin(&*tx).await.unwrap();
            drop(tx);
            let (has_it, at_work) = tokio::sync::oneshot::channel::<()>();
            let (answered, until_then) = tokio::sync::oneshot::channel::<()>();
            let task = tokio::spawn(async move {
                let turn = inner.driver().await.unwrap();
                has_it.send(()).unwrap();
                until_then.await.unwrap();
                drop(turn);
            });
            at_work.await.unwrap();
            let ended = timeout(Duration::from_secs(30), open.end_transaction(save)).await;
            assert_eq!(ended.unwrap().is_err(), save);
            answered.send(()).unwrap();
            task.await.unwrap();
            drop(open);
            all_back(&pool).await;
            assert!(ids(&stage).await.is_empty());
        }
    })
    .await;
}
