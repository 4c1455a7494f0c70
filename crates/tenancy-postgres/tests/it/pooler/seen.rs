//! Whether something stands between, and whether it resets: asked, never assumed.

use tenancy_postgres::pooler::{
    Console, ConsoleRows, Pinned, Probe, Probed, RESET_QUERY, SHOW_CONFIG, SHOW_DATABASES,
    SHOW_USERS, judge_console,
};
use tenancy_testkit::pgbouncer::{PgBouncer, PgBouncerConfig, PoolMode};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::{borrowed, last_row, on_every_major, one, pooled};
use crate::support::{World, column, text};

/// A connection whose startup options hold the nonce, as a pool makes it.
async fn connect(url: &str, pinned: &Pinned) -> Result<Client, tokio_postgres::Error> {
    let mut config: Config = url.parse().unwrap();
    let (name, value) = pinned.option();
    config.options(format!("-c {name}={value}"));
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn check(client: &Client, pinned: &Pinned) -> Result<(), String> {
    let answer = column(client, Pinned::SQL).await.unwrap().remove(0);
    pinned
        .check(answer.as_deref())
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_session_of_ones_own_knows_its_nonce_and_keeps_it() {
    on_every_major(async |world| {
        let pinned = Pinned::random().unwrap();
        let client = connect(&world.database.runtime_url(), &pinned)
            .await
            .unwrap();
        check(&client, &pinned).await.unwrap();
        client
            .batch_execute("SET tenancy.pinned = 'x'")
            .await
            .unwrap();
        assert!(
            check(&client, &pinned)
                .await
                .unwrap_err()
                .contains("replaced")
        );
        client.batch_execute("RESET ALL").await.unwrap();
        check(&client, &pinned).await.unwrap();
        // Injected SQL can't give it to later connections.
        let refused =
            crate::support::refused(&client, "ALTER ROLE CURRENT_USER SET tenancy.pinned = 'x'")
                .await;
        assert_eq!(refused, "42501");
    })
    .await;
}

#[tokio::test]
async fn a_pooler_that_swallows_replaces_or_refuses_the_options_is_found() {
    on_every_major(async |world| {
        let role = world.database.runtime_role();
        let pooler = one(PgBouncerConfig::careful(&world.database)).await;
        let url = pooler.url_for(role, world.database.password());
        let pinned = Pinned::random().unwrap();
        let client = connect(&url, &pinned).await.unwrap();
        // The one thing that looks like a session of its own.
        let pid = text(&client, "SELECT pg_backend_pid()").await.unwrap();
        assert_eq!(text(&client, "SELECT pg_backend_pid()").await.unwrap(), pid);
        assert!(
            check(&client, &pinned)
                .await
                .unwrap_err()
                .contains("dropped")
        );

        world
            .admin
            .batch_execute(&format!("ALTER ROLE {role} SET tenancy.pinned = 'another'"))
            .await
            .unwrap();
        let replacing = one(PgBouncerConfig::careful(&world.database)).await;
        let url = replacing.url_for(role, world.database.password());
        let client = connect(&url, &pinned).await.unwrap();
        assert!(
            check(&client, &pinned)
                .await
                .unwrap_err()
                .contains("replaced")
        );

        let strict = one(PgBouncerConfig {
            ignore_startup_parameters: String::new(),
            ..PgBouncerConfig::careful(&world.database)
        })
        .await;
        let url = strict.url_for(role, world.database.password());
        let error = connect(&url, &pinned).await.err().unwrap();
        let error = error.as_db_error().unwrap();
        let explained = Pinned::explain(error.code().code(), error.message()).unwrap();
        assert!(explained.to_string().contains("refused"), "{explained}");
    })
    .await;
}

async fn probe(client: &Client) -> Result<Probed, String> {
    let probe = Probe::random().unwrap();
    let planted = last_row(client, &probe.plant_sql()).await.unwrap();
    let row = last_row(client, &probe.look_sql()).await.unwrap();
    probe
        .judge(planted[0].as_deref().unwrap(), &borrowed(&row))
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_probe_sees_what_is_not_reset() {
    on_every_major(async |world| {
        let careful = PgBouncerConfig::careful(&world.database);
        let everything = [
            "settings",
            "prepared statements",
            "cursors",
            "listeners",
            "advisory locks",
        ];
        let cases = [
            (careful.clone(), &[][..]),
            (
                PgBouncerConfig {
                    server_reset_query: RESET_QUERY.to_owned(),
                    ..careful.clone()
                },
                &[][..],
            ),
            (PgBouncerConfig::careless(&world.database), &everything[..]),
            (
                PgBouncerConfig {
                    pool_mode: PoolMode::Session,
                    ..careful.clone()
                },
                &everything[..],
            ),
            (
                PgBouncerConfig {
                    server_reset_query: "RESET ALL".to_owned(),
                    ..careful.clone()
                },
                &everything[1..],
            ),
            (
                PgBouncerConfig {
                    server_reset_query: "DEALLOCATE ALL".to_owned(),
                    ..careful.clone()
                },
                &["settings", "cursors", "listeners", "advisory locks"][..],
            ),
            (
                PgBouncerConfig {
                    server_reset_query: "CLOSE ALL; RESET ALL; DEALLOCATE ALL; UNLISTEN *"
                        .to_owned(),
                    ..careful
                },
                &["advisory locks"][..],
            ),
        ];
        for (config, left) in cases {
            let pooler = one(config).await;
            let client = pooled(world, &pooler).await;
            match probe(&client).await {
                Ok(probed) => assert_eq!((probed, left.len()), (Probed::Reset, 0)),
                Err(refused) => {
                    for what in everything {
                        assert_eq!(
                            refused.contains(what),
                            left.contains(&what),
                            "{what}: {refused}"
                        );
                    }
                }
            }
        }
        // No pooler at all: nobody resets between two transactions there.
        let direct = world
            .database
            .connect(&world.database.pooled_url())
            .await
            .unwrap();
        assert!(probe(&direct).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_probe_shows_nothing_over_two_server_connections() {
    on_every_major(async |world| {
        let pooler = PgBouncer::start(PgBouncerConfig::careless(&world.database))
            .await
            .unwrap();
        let (client, other) = (pooled(world, &pooler).await, pooled(world, &pooler).await);
        let probe = Probe::random().unwrap();
        let planted = last_row(&client, &probe.plant_sql()).await.unwrap();
        // Somebody else holds that server connection now.
        let held = last_row(&other, "BEGIN; SELECT pg_backend_pid()")
            .await
            .unwrap();
        assert_eq!(held, planted);
        let row = last_row(&client, &probe.look_sql()).await.unwrap();
        let probed = probe
            .judge(planted[0].as_deref().unwrap(), &borrowed(&row))
            .unwrap();
        assert_eq!(probed, Probed::OtherConnection);
    })
    .await;
}

async fn show(console: &Client, what: &str) -> ConsoleRows {
    let mut rows = ConsoleRows::default();
    for message in console.simple_query(what).await.unwrap() {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                rows.columns = columns
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect();
            }
            SimpleQueryMessage::Row(row) => {
                rows.rows.push(
                    (0..row.len())
                        .map(|at| row.get(at).map(str::to_owned))
                        .collect(),
                );
            }
            _ => {}
        }
    }
    rows
}

async fn console(world: &World, config: PgBouncerConfig) -> Console {
    let pooler = one(config).await;
    // A user is known to it once there was one.
    let _client = pooled(world, &pooler).await;
    let console = pooler.admin().await.unwrap();
    Console {
        config: show(&console, SHOW_CONFIG).await,
        databases: show(&console, SHOW_DATABASES).await,
        users: show(&console, SHOW_USERS).await,
    }
}

#[tokio::test]
async fn the_console_tells_what_is_wrong() {
    on_every_major(async |world| {
        let careful = PgBouncerConfig::careful(&world.database);
        let login = world.database.pooled_role();
        let judge = |console: &Console| {
            judge_console(console, world.database.name(), login).map_err(|error| error.to_string())
        };
        let sound = console(world, careful.clone()).await;
        judge(&sound).unwrap();
        let cheaper = PgBouncerConfig {
            server_reset_query: format!("{}; ", RESET_QUERY.to_lowercase()),
            ..careful.clone()
        };
        judge(&console(world, cheaper).await).unwrap();

        let of_user = vec![(format!("[users]\n{login}"), "pool_mode=session".to_owned())];
        for (config, reason) in [
            (
                PgBouncerConfig {
                    pool_mode: PoolMode::Session,
                    ..careful.clone()
                },
                "pool_mode is session",
            ),
            (
                PgBouncerConfig {
                    pool_mode: PoolMode::Statement,
                    ..careful.clone()
                },
                "pool_mode is statement",
            ),
            (
                PgBouncerConfig {
                    extra: of_user,
                    ..careful.clone()
                },
                "pool_mode is session",
            ),
            (
                PgBouncerConfig::careless(&world.database),
                "server_reset_query_always",
            ),
            (
                PgBouncerConfig {
                    server_reset_query: "RESET ALL".to_owned(),
                    ..careful.clone()
                },
                "less than DISCARD ALL",
            ),
            (
                PgBouncerConfig {
                    server_reset_query: String::new(),
                    ..careful.clone()
                },
                "less than DISCARD ALL",
            ),
        ] {
            let refused = judge(&console(world, config).await).unwrap_err();
            assert!(refused.contains(reason), "{reason}: {refused}");
        }

        // What only a database's own entry says.
        let spoilt = |column: &str, value: &str| {
            let mut console = sound.clone();
            let at = console
                .databases
                .columns
                .iter()
                .position(|name| name == column)
                .unwrap();
            for row in &mut console.databases.rows {
                row[at] = Some(value.to_owned());
            }
            judge(&console).unwrap_err()
        };
        assert!(spoilt("pool_mode", "session").contains("pool_mode is session"));
        assert!(spoilt("force_user", "somebody").contains("force_user"));
        assert!(spoilt("name", "*").contains("SHOW DATABASES"));
    })
    .await;
}
