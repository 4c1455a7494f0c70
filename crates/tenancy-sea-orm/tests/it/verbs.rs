//! What the pool hands out, and what SeaORM can do with it.

use futures_util::TryStreamExt as _;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, DerivePartialModel,
    EntityTrait as _, FromQueryResult as _, IntoActiveModel as _, LoaderTrait as _,
    ModelTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QueryTrait as _, Set,
    Statement, StreamTrait, TransactionTrait,
};
use tenancy_core::{Error as ScopeError, InCurrentScope as _, TenantScope};
use tenancy_sea_orm::{BulkInsert, Error, Isolation, PoolError, TenantPool, TenantTransaction};

use super::entities::{Note, Tag, new_note, note, tag, titles};
use super::stage::{ACME, GLOBEX, Stage, each};

#[derive(DerivePartialModel)]
#[sea_orm(entity = "Note")]
struct Titled {
    title: String,
}
#[derive(DerivePartialModel)]
#[sea_orm(entity = "Tag")]
struct Tagged {
    tag: String,
    #[sea_orm(nested)]
    of: Titled,
}

/// Runs `work` twice, as a retry would.
async fn twice<F>(pool: &TenantPool, scope: &TenantScope, work: F) -> Result<u64, DbErr>
where
    F: AsyncFn(&TenantTransaction<'_>) -> Result<u64, DbErr>,
{
    let mut sum = 0;
    for _ in 0..2 {
        let tx = pool.begin(scope).await?;
        sum += work(&tx).await?;
        tx.commit().await?;
    }
    Ok(sum)
}

/// What an application has: it knows of no tenant, and not on what it runs.
async fn reads<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    let all = Note::find().order_by_asc(note::Column::Id).all(db).await?;
    assert_eq!(Note::find_by_id(2_i64).one(db).await?.unwrap(), all[1]);
    assert_eq!(Note::find_by_id(4_i64).one(db).await?, None);
    assert_eq!(Note::find().count(db).await?, 3);

    // Related and nested.
    let with_tags = Note::find()
        .find_with_related(Tag)
        .order_by_asc(note::Column::Id)
        .all(db)
        .await?;
    assert_eq!(with_tags.len(), 3);
    let tags = all.load_many(Tag, db).await?;
    for ((one, its_tags), loaded) in with_tags.iter().zip(&tags) {
        assert_eq!(its_tags, loaded);
        assert_eq!(its_tags.len(), 1);
        assert_eq!(its_tags[0].note, one.id);
        assert_eq!(one.find_related(Tag).all(db).await?, *its_tags);
    }
    let with_notes = Tag::find().find_also_related(Note).all(db).await?;
    assert!(with_notes.iter().all(|(_, note)| note.is_some()));
    let flat: Vec<tag::Model> = tags.into_iter().flatten().collect();
    assert_eq!(flat.load_one(Note, db).await?.len(), 3);

    let nested: Vec<Tagged> = Tag::find()
        .left_join(Note)
        .order_by_asc(tag::Column::Note)
        .into_partial_model()
        .all(db)
        .await?;
    for (tagged, note) in nested.iter().zip(&all) {
        assert_eq!(tagged.of.title, note.title);
        assert!(
            note.title
                .starts_with(tagged.tag.strip_prefix("of ").unwrap())
        );
    }

    // Pages, cursors, raw.
    let pages = Note::find().order_by_asc(note::Column::Id).paginate(db, 2);
    assert_eq!(pages.num_pages().await?, 2);
    assert_eq!(titles(pages.fetch_page(1).await?), [all[2].title.clone()]);
    let mut cursor = Note::find().cursor_by(note::Column::Id);
    assert_eq!(
        cursor.after(1_i64).first(1).all(db).await?,
        [all[1].clone()]
    );
    let raw = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT id, title FROM notes WHERE id = $1",
        [3_i64.into()],
    );
    let row = db.query_one_raw(raw.clone()).await?.unwrap();
    assert_eq!(note::Model::from_query_result(&row, "")?, all[2]);
    assert_eq!(db.query_all_raw(raw.clone()).await?.len(), 1);
    let first = Note::find().from_raw_sql(raw).one(db).await?;
    assert_eq!(first.unwrap(), all[2]);
    Ok(titles(all))
}

/// SeaORM's own streams.
async fn streams<C: ConnectionTrait + StreamTrait + Send>(db: &C) -> Result<Vec<String>, DbErr> {
    let notes = Note::find()
        .order_by_asc(note::Column::Id)
        .stream(db)
        .await?;
    Ok(titles(notes.try_collect::<Vec<_>>().await?))
}

fn all_notes() -> Statement {
    Note::find()
        .order_by_asc(note::Column::Id)
        .build(DbBackend::Postgres)
}

/// Leaves the tenant with the notes 1, 2, 3 and 11.
async fn writes<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    assert_eq!(new_note(10, "new").insert(db).await?.title, "new");
    let mut note = Note::find_by_id(10_i64)
        .one(db)
        .await?
        .unwrap()
        .into_active_model();
    note.title = Set("saved".to_owned());
    let saved = note.save(db).await?;
    assert_eq!(saved.title.unwrap(), "saved");
    let updated = Note::update_many()
        .col_expr(note::Column::Title, "all".into())
        .filter(note::Column::Id.lte(10))
        .exec(db)
        .await?;
    assert_eq!(updated.rows_affected, 4);
    Note::insert_many([new_note(11, "many"), new_note(12, "many")])
        .exec(db)
        .await?;
    assert_eq!(Note::delete_by_id(12_i64).exec(db).await?.rows_affected, 1);
    let ten = Note::find_by_id(10_i64).one(db).await?.unwrap();
    assert_eq!(ten.delete(db).await?.rows_affected, 1);
    let done = db.execute_unprepared("UPDATE tags SET tag = 'x'; UPDATE notes SET title = 'mine'");
    assert_eq!(done.await?.rows_affected(), 3 + 4);
    Ok(())
}

#[tokio::test]
async fn code_that_knows_of_no_tenant_reads_its_tenant_only() {
    each(async |stage: Stage| {
        let pool = stage.pool(2).await;
        for tenant in [ACME, GLOBEX] {
            let ticket = stage.scope(tenant).await;
            let expected = stage.titles(tenant).await;
            let db = pool.acquire(&ticket.scope).await.unwrap();
            assert_eq!(reads(&db).await.unwrap(), expected);
            assert_eq!(streams(&db).await.unwrap(), expected);
            let own = TransactionTrait::begin(&db).await.unwrap();
            assert_eq!(reads(&own).await.unwrap(), expected);
            let inner = TransactionTrait::begin(&own).await.unwrap();
            assert_eq!(reads(&inner).await.unwrap(), expected);
            assert_eq!(streams(&inner).await.unwrap(), expected);
            drop((inner, own, db));
            let tx = pool.begin(&ticket.scope).await.unwrap();
            assert_eq!(reads(&tx).await.unwrap(), expected);
            tx.commit().await.unwrap();
            let read = pool
                .transaction(&ticket.scope, async |tx| reads(tx).await)
                .await;
            assert_eq!(read.unwrap(), expected);
            let streamed = pool.transaction(&ticket.scope, async |tx| -> Result<_, Error> {
                let rows = tx.rows(all_notes()).await?.typed::<note::Model>();
                Ok(titles(rows.try_collect::<Vec<_>>().await?))
            });
            assert_eq!(streamed.await.unwrap(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn code_that_knows_of_no_tenant_writes_its_tenant_only() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let before = stage.titles(GLOBEX).await;
        let written = ["mine"; 4];
        let again = async || {
            let sql = "DELETE FROM notes WHERE id > 3";
            stage.admin.batch_execute(sql).await.unwrap();
        };
        let db = pool.acquire(&acme.scope).await.unwrap();
        writes(&db).await.unwrap();
        drop(db);
        assert_eq!(stage.titles(ACME).await, written);
        again().await;
        let tx = pool.begin(&acme.scope).await.unwrap();
        writes(&tx).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(stage.titles(ACME).await, ["mine"; 3]);
        pool.transaction(&acme.scope, async |tx| writes(tx).await)
            .await
            .unwrap();
        assert_eq!(stage.titles(ACME).await, written);
        assert_eq!(stage.titles(GLOBEX).await, before);
        // Another tenant's id in a row is refused.
        let db = pool.acquire(&acme.scope).await.unwrap();
        let sql = "INSERT INTO notes (tenant_id, id, title) VALUES ('globex', 99, 'x')";
        let refused = db.execute_unprepared(sql).await.unwrap_err();
        assert!(
            refused.to_string().contains("row-level security"),
            "{refused}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_closure_commits_on_ok_and_rolls_back_on_err() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let title = "kept".to_owned();
        let kept = pool
            .transaction(&acme.scope, async |tx| -> Result<u64, Error> {
                let update =
                    Note::update_many().col_expr(note::Column::Title, title.as_str().into());
                Ok(update.exec(tx).await?.rows_affected)
            })
            .await;
        assert_eq!(kept.unwrap(), 3);
        let failed = pool
            .transaction(&acme.scope, async |tx: &TenantTransaction<'_>| {
                new_note(9, "lost").insert(tx).await?;
                tx.execute_unprepared("SELECT 1 / 0").await?;
                Ok::<_, Error>(())
            })
            .await;
        assert!(matches!(failed, Err(Error::Statement(_))), "{failed:?}");
        // SeaORM's own closures, on whatever has its trait.
        let db = pool.acquire(&acme.scope).await.unwrap();
        let added = TransactionTrait::transaction(&db, |tx| {
            Box::pin(async move {
                new_note(8, "added").insert(tx).await?;
                let inner = tx.transaction(|tx| {
                    Box::pin(async move { new_note(8, "twice").insert(tx).await })
                });
                assert!(inner.await.is_err());
                Note::find().count(tx).await
            })
        });
        assert_eq!(added.await.unwrap(), 4);
        assert_eq!(stage.titles(ACME).await, ["kept", "kept", "kept", "added"]);
        assert_eq!(stage.titles(GLOBEX).await[0], "globex 1");
    })
    .await;
}

#[tokio::test]
async fn closures_run_in_tasks_boxes_and_retries() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let (deep, ticket) = (pool.clone(), acme.scope.ticket());
        let spawned = tokio::spawn(async move {
            let boxed: futures_util::future::BoxFuture<'_, Result<u64, DbErr>> =
                Box::pin(deep.transaction(&ticket, async |tx| {
                    let (one, other) =
                        futures_util::try_join!(Note::find().count(tx), Tag::find().count(tx))?;
                    Ok(one + other)
                }));
            boxed.await
        });
        assert_eq!(spawned.await.unwrap().unwrap(), 6);
        let (deep, ticket) = (pool.clone(), acme.scope.ticket());
        let spawned = tokio::spawn(async move {
            let db = deep.acquire(&ticket).await?;
            let rows = db.rows(all_notes()).await?.typed::<note::Model>();
            let found: Vec<_> = rows.try_collect().await?;
            assert_eq!(reads(&db).await?, titles(found));
            reads(&db).await
        });
        assert_eq!(spawned.await.unwrap().unwrap().len(), 3);
        let sum = twice(&pool, &acme.scope, async |tx| Note::find().count(tx).await);
        assert_eq!(sum.await.unwrap(), 6);
    })
    .await;
}

#[tokio::test]
async fn isolation_and_access_are_as_asked_for() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let asked = "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') AS it";
        let asked = || Statement::from_string(DbBackend::Postgres, asked);
        let tx = pool.begin_isolated(&acme.scope, Isolation::Serializable).await.unwrap();
        let row = tx.query_one_raw(asked()).await.unwrap().unwrap();
        assert_eq!(row.try_get::<String>("", "it").unwrap(), "serializable off");
        tx.commit().await.unwrap();
        let db = pool.acquire(&acme.scope).await.unwrap();
        let level = Some(sea_orm::IsolationLevel::RepeatableRead);
        let tx = db.begin_with_config(level, Some(sea_orm::AccessMode::ReadOnly)).await.unwrap();
        let row = tx.query_one_raw(asked()).await.unwrap().unwrap();
        assert_eq!(row.try_get::<String>("", "it").unwrap(), "repeatable read on");
        assert!(new_note(7, "read only").insert(&tx).await.is_err());
        tx.rollback().await.unwrap();
        // Too late for one inside another; it is as if it had not begun.
        let tx = TransactionTrait::begin(&db).await.unwrap();
        let late = tx.begin_with_config(Some(sea_orm::IsolationLevel::Serializable), None).await;
        assert!(late.is_err());
        new_note(7, "still sound").insert(&tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stage.titles(ACME).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_bulk_insert_and_sqlx_run_on_the_same_connection() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let globex = stage.scope(GLOBEX).await;
        let tx = pool.begin(&globex.scope).await.unwrap();
        let bulk = BulkInsert::into("notes")
            .column("id", (10_i64..1010).collect::<Vec<_>>())
            .column("title", vec!["bulk".to_owned(); 1000]);
        let inserted = bulk.execute(&mut tx.driver().await.unwrap()).await.unwrap();
        assert_eq!(inserted, 1000);
        assert_eq!(Note::find().count(&tx).await.unwrap(), 1003);
        tx.commit().await.unwrap();
        assert_eq!(stage.titles(GLOBEX).await.len(), 1003);
        assert_eq!(stage.titles(ACME).await.len(), 3);
        // One pool, for both.
        let sqlx = tenancy_sqlx::postgres::TenantPool::from(pool.clone());
        let mut held = sqlx.acquire(&globex.scope).await.unwrap();
        assert_eq!(pool.status().in_use, 1);
        let count =
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM notes").fetch_one(&mut *held);
        assert_eq!(count.await.unwrap(), 1003);
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_its_handler_and_its_scope() {
    each(async |stage: Stage| {
        let pool = stage.pool(1).await;
        let acme = stage.scope(ACME).await;
        let select = || {
            let notes = Note::find().filter(note::Column::Id.gte(2));
            notes
                .order_by_asc(note::Column::Id)
                .build(DbBackend::Postgres)
        };
        let rows = pool.stream(acme.scope.ticket(), select()).await.unwrap();
        let ended = acme.end().await;
        let found: Vec<note::Model> = rows.typed().try_collect().await.unwrap();
        assert_eq!(titles(found), ["acme 2", "acme 3"]);
        assert!(pool.stream(ended, select()).await.is_err());
        // One that is dropped half-way leaves nothing to the next.
        let globex = stage.scope(GLOBEX).await;
        let many = "SELECT n, repeat('x', 1000) AS title FROM generate_series(1, 100000) n";
        let many = Statement::from_string(DbBackend::Postgres, many);
        let mut rows = pool.stream(globex.scope.ticket(), many).await.unwrap();
        rows.try_next().await.unwrap().unwrap();
        drop(rows);
        let db = pool.acquire(&globex.scope).await.unwrap();
        let mut half = Note::find()
            .order_by_asc(note::Column::Id)
            .stream(&db)
            .await
            .unwrap();
        assert_eq!(half.try_next().await.unwrap().unwrap().title, "globex 1");
        drop(half);
        assert_eq!(Note::find().count(&db).await.unwrap(), 3);
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
                        let db = deep.acquire_current().await?;
                        let first = Note::find_by_id(1_i64).one(&db).await?;
                        Ok::<String, Error>(first.unwrap().title)
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
