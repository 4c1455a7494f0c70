//! The registry: one tenant, one place, for ever.

use tenancy_core::{Placement, TenantId};
use tenancy_postgres::Error;
use tenancy_postgres::placement::{
    Claimed, claim_sql, claimed, forget, found, install, lookup_sql, release_sql,
};
use tenancy_postgres::verify::{Code, Expectations, Snapshot, judge, snapshot_sql};
use tenancy_testkit::postgres::majors;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{World, column, on_every_major, refused, run, text};
use crate::tenants::id;

impl World {
    /// The registry, with the central role as its registrar.
    async fn registrar(&self) -> Client {
        run(&self.admin, install(self.roles.central())).await;
        self.central().await
    }

    async fn central(&self) -> Client {
        let url = self.database.central_url();
        self.database.connect(&url).await.unwrap()
    }
}

async fn claim(client: &Client, tenant: &TenantId, place: &Placement) -> Result<Claimed, Error> {
    let sql = claim_sql(tenant, place)?;
    let rows = column(client, &sql).await.unwrap();
    claimed(rows.last().unwrap().as_deref())
}

async fn lookup(client: &Client, tenant: &TenantId) -> Option<Result<Placement, Error>> {
    let messages = client.simple_query(&lookup_sql(tenant)).await.unwrap();
    messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let columns: Vec<_> = (0..row.len()).map(|at| row.get(at)).collect();
            Some(found(tenant, &columns))
        }
        _ => None,
    })
}

#[tokio::test]
async fn a_place_is_claimed_once_and_found_again() {
    on_every_major(async |world| {
        let client = world.registrar().await;
        run(&world.admin, install(world.roles.central())).await;
        let places = [
            ("a", Placement::schema("a").with_credential("tn_a")),
            ("b", Placement::schema("b")),
            ("c", Placement::schema("a").on_server("eu-1")),
            ("d", Placement::schema("A")),
            ("e", Placement::schema("it's \"e\"; --\\")),
            ("f", Placement::database("f")),
            (
                "g",
                Placement::database("f")
                    .on_server("eu-1")
                    .with_credential("tn_g"),
            ),
            ("h", Placement::shared()),
            ("i", Placement::shared()),
        ];
        for (tenant, place) in &places {
            assert_eq!(
                claim(&client, &id(tenant), place).await,
                Ok(Claimed::Now),
                "{tenant}"
            );
            assert_eq!(
                claim(&client, &id(tenant), place).await,
                Ok(Claimed::Before),
                "{tenant}"
            );
            assert_eq!(
                lookup(&client, &id(tenant)).await,
                Some(Ok(place.clone())),
                "{tenant}"
            );
        }
        assert_eq!(lookup(&client, &id("nobody")).await, None);
        for (tenant, place) in &places {
            let elsewhere = place.clone().with_credential("another");
            assert_eq!(
                claim(&client, &id(tenant), &elsewhere).await,
                Err(Error::PlacedElsewhere)
            );
            let moved = Placement::schema(format!("new_{tenant}"));
            assert_eq!(
                claim(&client, &id(tenant), &moved).await,
                Err(Error::PlacedElsewhere)
            );
            let thief = claim(&client, &id(&format!("thief-{tenant}")), place).await;
            if *place == Placement::shared() {
                assert_eq!(thief, Ok(Claimed::Now), "shared tables have many tenants");
            } else {
                assert_eq!(thief, Err(Error::PlaceTaken), "{tenant}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_tenants_database_holds_no_other_tenants_schema() {
    on_every_major(async |world| {
        let client = world.registrar().await;
        let base = world.database.name();
        let schema_in = |database: &str, schema: &str| -> Placement {
            serde_json::from_value(serde_json::json!({
                "strategy": "schema-per-tenant", "database": database, "schema": schema
            }))
            .unwrap()
        };
        let database_with = |database: &str, schema: &str| -> Placement {
            serde_json::from_value(serde_json::json!({
                "strategy": "database-per-tenant", "database": database, "schema": schema
            }))
            .unwrap()
        };
        assert_eq!(claim(&client, &id("a"), &Placement::database("da")).await, Ok(Claimed::Now));
        assert_eq!(claim(&client, &id("b"), &schema_in("shop", "b")).await, Ok(Claimed::Now));
        for taken in [schema_in("da", "c"), database_with("da", "c"), Placement::database("shop")] {
            assert_eq!(claim(&client, &id("c"), &taken).await, Err(Error::PlaceTaken), "{:?}", taken.schema_name());
        }
        assert_eq!(claim(&client, &id("c"), &schema_in("shop", "c")).await, Ok(Claimed::Now));

        // The base database, with and without its name, is one place, and no tenant's alone.
        assert_eq!(claim(&client, &id("d"), &schema_in(base, "d")).await, Ok(Claimed::Now));
        assert_eq!(lookup(&client, &id("d")).await, Some(Ok(Placement::schema("d"))));
        assert_eq!(claim(&client, &id("d"), &Placement::schema("d")).await, Ok(Claimed::Before));
        assert_eq!(claim(&client, &id("e"), &Placement::schema("d")).await, Err(Error::PlaceTaken));
        let sql = claim_sql(&id("e"), &Placement::database(base)).unwrap();
        assert_eq!(refused(&client, &sql).await, "23514");

        // Who writes without asking is held by the table itself.
        for (row, code) in [
            ("'x', 'database-per-tenant', NULL, 'da', NULL", "23505"),
            ("'x', 'database-per-tenant', NULL, 'da', 'other'", "23505"),
            ("'x', 'schema-per-tenant', NULL, 'shop', 'b'", "23505"),
            ("'x', 'schema-per-tenant', NULL, NULL, 'd'", "23505"),
            ("'a', 'row-level', NULL, NULL, NULL", "23505"),
            ("'x', 'schema-per-tenant', NULL, NULL, NULL", "23514"),
            ("'x', 'database-per-tenant', NULL, NULL, 's'", "23514"),
            ("'x', 'row-level', NULL, 'd', NULL", "23514"),
            ("'x', 'nowhere', NULL, 'd', NULL", "23514"),
            ("'x', 'schema-per-tenant', '', NULL, 's'", "23514"),
            ("'X', 'row-level', NULL, NULL, NULL", "23514"),
            ("'x ', 'row-level', NULL, NULL, NULL", "23514"),
        ] {
            let sql = format!("INSERT INTO tenancy.placement (tenant_id, strategy, server, database_name, schema_name) VALUES ({row})");
            assert_eq!(refused(&client, &sql).await, code, "{row}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_that_claim_at_once_one_wins() {
    on_every_major(async |world| {
        world.registrar().await;
        let mut clients = Vec::new();
        for _ in 0..6 {
            clients.push(world.central().await);
        }
        for round in 0..20 {
            let place = Placement::schema(format!("s{round}"));
            let claims: Vec<_> = clients
                .iter()
                .enumerate()
                .map(|(at, client)| {
                    let sql = claim_sql(&id(&format!("t{round}-{at}")), &place).unwrap();
                    async move { column(client, &sql).await.unwrap().pop().flatten() }
                })
                .collect();
            let answers = join(claims).await;
            let won = answers
                .iter()
                .filter(|answer| answer.as_deref() == Some("claimed"))
                .count();
            let lost = answers
                .iter()
                .filter(|answer| answer.as_deref() == Some("taken"))
                .count();
            assert_eq!((won, lost), (1, 5), "{answers:?}");
        }
        // A database of one tenant's, and schemas of others in it.
        for round in 0..20 {
            let claims: Vec<_> = clients
                .iter()
                .enumerate()
                .map(|(at, client)| {
                    let place: Placement = match at {
                        0 => Placement::database(format!("shared{round}")),
                        _ => serde_json::from_value(serde_json::json!({
                            "strategy": "schema-per-tenant", "database": format!("shared{round}"), "schema": format!("s{at}")
                        }))
                        .unwrap(),
                    };
                    let sql = claim_sql(&id(&format!("x{round}-{at}")), &place).unwrap();
                    async move { column(client, &sql).await.unwrap().pop().flatten() }
                })
                .collect();
            let answers = join(claims).await;
            let claimed: Vec<bool> = answers.iter().map(|answer| answer.as_deref() == Some("claimed")).collect();
            let alone = claimed[0] && claimed[1..].iter().all(|claimed| !claimed);
            let together = !claimed[0] && claimed[1..].iter().all(|claimed| *claimed);
            assert!(alone || together, "{answers:?}");
        }
        // One tenant claimed for two places at once has one of them.
        let claims: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(at, client)| {
                let sql = claim_sql(&id("one"), &Placement::database(format!("d{at}"))).unwrap();
                async move { column(client, &sql).await.unwrap().pop().flatten() }
            })
            .collect();
        let answers = join(claims).await;
        let won = answers
            .iter()
            .filter(|answer| answer.as_deref() == Some("claimed"))
            .count();
        assert_eq!(won, 1, "{answers:?}");
    })
    .await;
}

/// All at once.
async fn join<F: Future + Send>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(context)
            {
                *output = Some(done);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_released_place_stays_as_a_tombstone() {
    on_every_major(async |world| {
        let client = world.registrar().await;
        let (a, place) = (id("a"), Placement::schema("a"));
        assert_eq!(claim(&client, &a, &place).await, Ok(Claimed::Now));
        // What is not released is not forgotten.
        let plan = forget(&a);
        world.admin.batch_execute(plan.steps()[0].sql()).await.unwrap();
        assert_eq!(lookup(&client, &a).await, Some(Ok(place.clone())));

        client.batch_execute(&release_sql(&a)).await.unwrap();
        let since = "SELECT released_at FROM tenancy.placement";
        let first = text(&client, since).await.unwrap();
        client.batch_execute(&release_sql(&a)).await.unwrap();
        assert_eq!(text(&client, since).await.unwrap(), first);
        assert_eq!(lookup(&client, &a).await, Some(Err(Error::PlacementReleased)));
        assert_eq!(claim(&client, &a, &place).await, Err(Error::PlacementReleased));
        assert_eq!(claim(&client, &a, &Placement::schema("new")).await, Err(Error::PlacementReleased));
        assert_eq!(claim(&client, &id("b"), &place).await, Err(Error::PlaceTaken));
        for sql in [
            "DELETE FROM tenancy.placement",
            "TRUNCATE tenancy.placement",
            "UPDATE tenancy.placement SET tenant_id = 'b'",
            "UPDATE tenancy.placement SET schema_name = 'b'",
            "INSERT INTO tenancy.placement (tenant_id, strategy, schema_name, released_at) VALUES ('z', 'schema-per-tenant', 'z', now())",
            "ALTER TABLE tenancy.placement DROP CONSTRAINT placement_pkey",
            "DROP INDEX tenancy.placement_schema",
        ] {
            assert_eq!(refused(&client, sql).await, "42501", "{sql}");
        }
        run(&world.admin, forget(&a)).await;
        assert_eq!(claim(&client, &id("b"), &place).await, Ok(Claimed::Now));
    })
    .await;
}

#[tokio::test]
async fn who_serves_tenants_neither_reads_nor_writes_it() {
    on_every_major(async |world| {
        let central = world.registrar().await;
        claim(&central, &id("a"), &Placement::schema("a")).await.unwrap();
        let runtime = world.runtime().await;
        for sql in [
            lookup_sql(&id("a")),
            release_sql(&id("a")),
            claim_sql(&id("b"), &Placement::schema("b")).unwrap(),
            "DELETE FROM tenancy.placement".to_owned(),
            "COPY tenancy.placement TO STDOUT".to_owned(),
            "BEGIN; LOCK TABLE tenancy.placement".to_owned(),
        ] {
            assert_eq!(refused(&runtime, &sql).await, "42501", "{sql}");
        }
        // The verifier knows the table, and who may not have it.
        let expectations = Expectations::new(world.roles.clone());
        let findings = async || {
            let json = text(&world.admin, &snapshot_sql(&expectations)).await.unwrap();
            judge(&Snapshot::parse(&json).unwrap(), &expectations)
        };
        assert_eq!(findings().await, []);
        let runtime = world.roles.runtime().quoted();
        for (plant, mend) in [
            (format!("GRANT SELECT ON tenancy.placement TO {runtime}"), format!("REVOKE ALL ON tenancy.placement FROM {runtime}")),
            ("GRANT SELECT (server) ON tenancy.placement TO PUBLIC".to_owned(), "REVOKE ALL ON tenancy.placement FROM PUBLIC; REVOKE ALL (server) ON tenancy.placement FROM PUBLIC".to_owned()),
            (
                format!("GRANT DELETE ON tenancy.placement TO {}", world.roles.central().quoted()),
                format!("REVOKE DELETE ON tenancy.placement FROM {}", world.roles.central().quoted()),
            ),
            (
                format!("ALTER TABLE tenancy.placement OWNER TO {}", world.roles.table_owner().quoted()),
                "ALTER TABLE tenancy.placement OWNER TO tenancy_owner".to_owned(),
            ),
        ] {
            world.admin.batch_execute(&plant).await.unwrap();
            let found = findings().await;
            assert!(found.iter().any(|finding| finding.code == Code::Placement && finding.is_hole()), "{plant}: {found:#?}");
            world.admin.batch_execute(&mend).await.unwrap();
            assert_eq!(findings().await, [], "{mend}");
        }
    })
    .await;
}

#[tokio::test]
async fn it_needs_no_sealed_scope_and_doesnt_mind_one() {
    for major in majors() {
        let world = World::bare(major).await;
        let client = world.registrar().await;
        assert_eq!(
            claim(&client, &id("a"), &Placement::schema("a")).await,
            Ok(Claimed::Now)
        );
        let world = world.installed().await;
        assert_eq!(
            claim(&client, &id("a"), &Placement::schema("a")).await,
            Ok(Claimed::Before)
        );
        run(&world.admin, install(world.roles.central())).await;
    }
}

#[test]
fn what_contradicts_itself_is_refused_before_a_trip() {
    for place in [
        serde_json::json!({"strategy": "row-level", "schema": "s"}),
        serde_json::json!({"strategy": "row-level", "database": "d"}),
        serde_json::json!({"strategy": "schema-per-tenant"}),
        serde_json::json!({"strategy": "database-per-tenant", "schema": "s"}),
        serde_json::json!({"strategy": "database-per-tenant", "database": ""}),
        serde_json::json!({"strategy": "schema-per-tenant", "schema": "a\u{0}b"}),
        serde_json::json!({"strategy": "schema-per-tenant", "schema": "a", "server": ""}),
    ] {
        let placement: Placement = serde_json::from_value(place.clone()).unwrap();
        let refused = claim_sql(&id("a"), &placement);
        assert!(matches!(refused, Err(Error::Placement { .. })), "{place}");
    }
}

#[test]
fn an_answer_that_is_no_answer_is_refused() {
    for answer in [None, Some(""), Some("CLAIMED"), Some("t"), Some("claimed ")] {
        assert!(
            matches!(claimed(answer), Err(Error::PlacementAnswer { .. })),
            "{answer:?}"
        );
    }
    let row =
        |of, strategy, schema, released| [Some(of), strategy, None, None, schema, None, released];
    let (strategy, schema, here) = (Some("schema-per-tenant"), Some("a"), Some("false"));
    assert!(found(&id("a"), &row("a", strategy, schema, here)).is_ok());
    for wrong in [
        row("b", strategy, schema, here),
        row("a", None, schema, here),
        row("a", Some("elsewhere"), schema, here),
        row("a", strategy, None, here),
        row("a", strategy, Some(""), here),
        row("a", Some("row-level"), schema, here),
        row("a", strategy, schema, None),
    ] {
        assert!(
            matches!(found(&id("a"), &wrong), Err(Error::PlacementAnswer { .. })),
            "{wrong:?}"
        );
    }
    assert!(found(&id("a"), &row("a", strategy, schema, here)[..6]).is_err());
    assert_eq!(
        found(&id("a"), &row("a", strategy, schema, Some("true"))),
        Err(Error::PlacementReleased)
    );
}
