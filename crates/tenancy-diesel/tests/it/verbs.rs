//! What the pool hands out, and what can be done with it.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Text};
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SaveChangesDsl,
    SimpleAsyncConnection as _,
};
use futures_util::TryStreamExt as _;
use tenancy_core::{Error as ScopeError, InCurrentScope as _, TenantScope};
use tenancy_diesel::{BulkInsert, Error, Isolation, PoolError};

use super::stage::{ACME, GLOBEX, Stage, each};
use super::tables::{notes, tags};

#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable, AsChangeset,
)]
#[diesel(table_name = notes)]
struct Note {
    id: i64,
    title: String,
}

#[derive(Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = tags, primary_key(note, tag), belongs_to(Note, foreign_key = note))]
struct Tag {
    note: i64,
    tag: String,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    setting: String,
}

fn note(id: i64) -> Note {
    Note {
        id,
        title: "new".to_owned(),
    }
}

async fn setting(conn: &mut AsyncPgConnection, name: &str) -> String {
    diesel::sql_query("SELECT current_setting($1) AS setting")
        .bind::<Text, _>(name)
        .get_result::<Setting>(conn)
        .await
        .unwrap()
        .setting
}

#[tokio::test]
async fn a_checkout_sees_its_tenant_only_in_every_form_of_query() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        for tenant in [ACME, GLOBEX] {
            let ticket = stage.scope(tenant).await;
            let mut db = pool.acquire(&ticket.scope).await.unwrap();
            // A join, associations, an aggregate, and a row by its key.
            let joined: Vec<(Note, String)> = notes::table
                .inner_join(tags::table)
                .select((Note::as_select(), tags::tag))
                .order(notes::id)
                .load(&mut *db)
                .await
                .unwrap();
            let titles: Vec<_> = joined.iter().map(|(note, _)| note.title.clone()).collect();
            assert_eq!(titles, stage.titles(tenant).await);
            assert!(joined.iter().all(|(_, tag)| *tag == format!("of {tenant}")));
            let all: Vec<Note> = notes::table.order(notes::id).load(&mut db).await.unwrap();
            let tags: Vec<Tag> = Tag::belonging_to(&all).load(&mut *db).await.unwrap();
            let grouped = tags.grouped_by(&all);
            assert!(grouped.iter().all(|tags| tags.len() == 1), "{grouped:?}");
            let count: i64 = tags::table.count().get_result(&mut *db).await.unwrap();
            assert_eq!(count, 3);
            let found: Note = notes::table.find(2).first(&mut *db).await.unwrap();
            assert_eq!(found.title, format!("{tenant} 2"));
            // Raw SQL, and rows in a stream.
            let raw = diesel::sql_query("SELECT max(title) AS setting FROM notes WHERE id < $1")
                .bind::<BigInt, _>(3)
                .get_result::<Setting>(&mut *db)
                .await
                .unwrap();
            assert_eq!(raw.setting, format!("{tenant} 2"));
            let stream = notes::table.select(notes::id).load_stream::<i64>(&mut *db);
            let ids: Vec<i64> = stream.await.unwrap().try_collect().await.unwrap();
            assert_eq!(ids.len(), 3);
            // Diesel's own transactions, with their savepoints and levels.
            db.transaction(async |db| {
                let taken_back = db
                    .transaction(async |db| {
                        diesel::delete(tags::table).execute(db).await?;
                        Err::<(), _>(DieselError::RollbackTransaction)
                    })
                    .await;
                assert_eq!(taken_back, Err(DieselError::RollbackTransaction));
                let left: i64 = tags::table.count().get_result(db).await?;
                assert_eq!(left, 3);
                QueryResult::Ok(())
            })
            .await
            .unwrap();
            let level = db
                .build_transaction()
                .serializable()
                .run(async |db| QueryResult::Ok(setting(db, "transaction_isolation").await))
                .await;
            assert_eq!(level.unwrap(), "serializable");
        }
    })
    .await;
}

#[tokio::test]
async fn rows_are_written_as_the_tenants() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let globex = stage.scope(GLOBEX).await;
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        diesel::insert_into(notes::table)
            .values(&[note(10), note(11)])
            .execute(&mut *db)
            .await
            .unwrap();
        let mut kept: Note = diesel::insert_into(notes::table)
            .values(note(12))
            .returning(Note::as_returning())
            .get_result(&mut *db)
            .await
            .unwrap();
        kept.title = "saved".to_owned();
        let saved: Note = kept.save_changes(&mut *db).await.unwrap();
        assert_eq!(saved, kept);
        let upserted = diesel::insert_into(notes::table)
            .values(note(12))
            .on_conflict_do_nothing()
            .execute(&mut *db)
            .await;
        assert_eq!(upserted.unwrap(), 0);
        let twice = diesel::insert_into(notes::table)
            .values(note(12))
            .execute(&mut *db)
            .await;
        assert!(matches!(
            twice,
            Err(DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation,
                _
            ))
        ));
        let shown = format!("{:?}", Error::from(twice.unwrap_err()));
        assert_eq!(shown, "Statement { kind: UniqueViolation, .. }");
        drop(db);
        assert_eq!(stage.titles(GLOBEX).await[3..], ["new", "new", "saved"]);
        assert_eq!(stage.titles(ACME).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn transactions_commit_roll_back_and_nest() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let add = |id| diesel::insert_into(notes::table).values(note(id));
        drop({
            let mut tx = pool.begin(&acme.scope).await.unwrap();
            add(10).execute(&mut *tx).await.unwrap();
            tx
        });
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        add(11).execute(&mut *tx).await.unwrap();
        // Diesel's own, each a savepoint in ours.
        let failed = tx
            .transaction(async |tx| {
                add(12).execute(tx).await?;
                add(12).execute(tx).await
            })
            .await;
        assert!(failed.is_err());
        tx.transaction(async |tx| {
            add(13).execute(tx).await?;
            let inner = tx
                .transaction(async |tx| {
                    add(14).execute(tx).await?;
                    Err::<(), _>(DieselError::RollbackTransaction)
                })
                .await;
            assert!(inner.is_err());
            QueryResult::Ok(())
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stage.titles(ACME).await.len(), 5);
        let sql = "SELECT id FROM notes WHERE id >= 10 AND tenant_id = 'acme' ORDER BY id";
        let ids = stage.admin.query(sql, &[]).await.unwrap();
        let ids: Vec<i64> = ids.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [11, 13]);
        assert_eq!(stage.titles(GLOBEX).await.len(), 3);

        let mut tx = pool
            .begin_isolated(&acme.scope, Isolation::Serializable)
            .await
            .unwrap();
        assert_eq!(
            setting(&mut tx, "transaction_isolation").await,
            "serializable"
        );
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_closure_commits_on_ok_and_rolls_back_on_err() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let rename = |title| diesel::update(notes::table).set(notes::title.eq(title));
        let kept = pool
            .transaction(&acme.scope, async |tx| -> Result<usize, Error> {
                Ok(rename("kept").execute(tx).await?)
            })
            .await;
        assert_eq!(kept.unwrap(), 3);
        let failed = pool
            .transaction(&acme.scope, async |tx: &mut AsyncPgConnection| {
                rename("lost").execute(tx).await?;
                tx.batch_execute("SELECT 1 / 0").await?;
                Ok::<_, Error>(())
            })
            .await;
        assert!(matches!(failed, Err(Error::Statement(_))), "{failed:?}");
        for over in ["COMMIT; BEGIN", "COMMIT", "ROLLBACK", "ROLLBACK; BEGIN"] {
            let over = pool
                .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                    Ok(tx.batch_execute(over).await?)
                })
                .await;
            assert!(
                matches!(over, Err(Error::Pool(PoolError::TransactionOver))),
                "{over:?}"
            );
        }
        let passed_over = pool
            .transaction(&acme.scope, async |tx| -> Result<(), Error> {
                let _passed_over = tx.batch_execute("SELECT 1 / 0").await;
                Ok(())
            })
            .await;
        assert!(
            matches!(passed_over, Err(Error::Pool(PoolError::TransactionFailed))),
            "{passed_over:?}"
        );
        assert_eq!(stage.titles(ACME).await, ["kept"; 3]);
        assert_eq!(stage.titles(GLOBEX).await[0], "globex 1");
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_refused_or_lost_is_told_apart() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        stage
            .admin
            .batch_execute("ALTER TABLE tags ALTER CONSTRAINT tags_tenant_id_note_fkey DEFERRABLE INITIALLY DEFERRED")
            .await
            .unwrap();
        let mut tx = pool.begin(&acme.scope).await.unwrap();
        let orphan = (tags::note.eq(99), tags::tag.eq("orphan"));
        diesel::insert_into(tags::table).values(orphan).execute(&mut *tx).await.unwrap();
        let refused = tx.commit().await.unwrap_err();
        let Error::Pool(PoolError::Commit(refused)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refused.code(), Some("23503"));

        let mut tx = pool.begin(&acme.scope).await.unwrap();
        diesel::delete(tags::table).execute(&mut *tx).await.unwrap();
        for pid in stage.backends().await {
            let end = format!("SELECT pg_terminate_backend({pid})");
            stage.admin.batch_execute(&end).await.unwrap();
        }
        let lost = tx.commit().await.unwrap_err();
        assert!(matches!(lost, Error::Pool(PoolError::CommitUnknown(Some(_)))), "{lost:?}");
    })
    .await;
}

#[tokio::test]
async fn a_bulk_insert_stands_in_for_copy_from() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let globex = stage.scope(GLOBEX).await;
        let mut db = pool.acquire(&globex.scope).await.unwrap();
        let refused = db.batch_execute("COPY notes (id, title) FROM STDIN").await;
        assert!(refused.is_err());
        let inserted = BulkInsert::into("notes")
            .column::<BigInt, _>("id", (10_i64..1010).collect())
            .column::<Text, _>("title", vec!["bulk"; 1000])
            .execute(&mut db)
            .await
            .unwrap();
        assert_eq!(inserted, 1000);
        let uneven = BulkInsert::into("notes")
            .column::<BigInt, _>("id", vec![1_i64, 2])
            .column::<Text, _>("title", vec!["one"])
            .execute(&mut db)
            .await;
        assert!(
            matches!(uneven, Err(Error::Pool(PoolError::BulkShape))),
            "{uneven:?}"
        );
        drop(db);
        assert_eq!(stage.titles(GLOBEX).await.len(), 1003);
        assert_eq!(stage.titles(ACME).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_its_handler_and_its_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let query = || notes::table.filter(notes::id.ge(2)).order(notes::id);
        let rows = pool
            .stream::<Note, _, _>(acme.scope.ticket(), query())
            .await
            .unwrap();
        let ended = acme.end().await;
        let rows: Vec<_> = rows.try_collect().await.unwrap();
        let titles: Vec<_> = rows.iter().map(|note| note.title.as_str()).collect();
        assert_eq!(titles, ["acme 2", "acme 3"]);
        let late = pool.stream::<Note, _, _>(ended, query()).await;
        assert!(late.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_ambient_scope_is_enough() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let none = pool.acquire_current().await.unwrap_err();
        let Error::Pool(PoolError::Scope(none)) = none else {
            panic!("{none:?}")
        };
        assert!(matches!(*none, ScopeError::NoScope));
        let deep = pool.clone();
        let title = stage
            .tenancy
            .run(GLOBEX, async |_: &TenantScope| -> Result<String, Error> {
                let found = tokio::spawn(
                    async move {
                        let mut db = deep.acquire_current().await?;
                        let found: Note = notes::table.find(1).first(&mut *db).await?;
                        Ok::<String, Error>(found.title)
                    }
                    .in_current_scope(),
                );
                found.await.unwrap()
            })
            .await;
        assert_eq!(title.unwrap(), "globex 1");
    })
    .await;
}
