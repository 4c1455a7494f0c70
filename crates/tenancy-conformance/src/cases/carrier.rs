//! What carries the scope, and the key: out of reach of the runtime role.

use crate::direct::Direct;
use crate::hex::hex;
use crate::scene::Scene;
use crate::verdict::{Stop, Verdict, ensure};

/// The names of what is in the schema `tenancy`, by the judge.
async fn names(scene: &Scene<'_>, kinds: &str) -> Verdict<Vec<String>> {
    let names = scene
        .stage
        .ask(&format!(
            "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(relname), ' ') FROM pg_catalog.pg_class \
             WHERE relnamespace = 'tenancy'::pg_catalog.regnamespace AND relkind IN ({kinds})"
        ))
        .await?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}

/// The sequences that carry the scope can be neither set nor read.
pub(super) async fn sequences(scene: &Scene<'_>) -> Verdict {
    let sequences = names(scene, "'S'").await?;
    ensure!(
        !sequences.is_empty(),
        "no sequences in the schema tenancy: what carries the scope?"
    );
    let mut session = scene.acquire(&scene.me).await?;
    for name in sequences {
        let name = format!("tenancy.{name}");
        for sql in [
            format!("SELECT setval('{name}', 1)"),
            format!("SELECT setval('{name}', 1, false)"),
            format!("SELECT nextval('{name}')"),
            format!("SELECT currval('{name}')"),
            format!("SELECT last_value FROM {name}"),
            format!("SELECT * FROM {name}"),
            format!("ALTER SEQUENCE {name} RESTART WITH 1"),
            format!("DROP SEQUENCE {name} CASCADE"),
        ] {
            // In a transaction that is undone, in case it is not refused.
            let done = session.attempt(&format!("BEGIN; {sql}")).await?;
            session.rows("ROLLBACK").await?;
            ensure!(done.is_err(), "the runtime role may: {sql}");
        }
        // Refused on 15, NULL from 16 on.
        if let Ok(rows) = session
            .attempt(&format!("SELECT pg_sequence_last_value('{name}')"))
            .await?
        {
            ensure!(
                rows.iter().flatten().flatten().next().is_none(),
                "the runtime role reads the value of {name}"
            );
        }
    }
    scene.reads_own(&scene.me, &mut session).await
}

/// A temporary or own sequence of the same name takes nobody's place.
pub(super) async fn shadowed(scene: &Scene<'_>) -> Verdict {
    for name in names(scene, "'S'").await? {
        let mut session = scene.acquire_again(&scene.me).await?;
        for sql in [
            format!("CREATE TEMPORARY SEQUENCE {name}"),
            format!("CREATE SEQUENCE public.{name}"),
            format!("CREATE SEQUENCE tenancy.{name}_mine"),
        ] {
            session.refused(&sql).await?;
        }
    }
    Ok(())
}

/// No table of the schema `tenancy` gives the key away, nor do the statistics about it.
pub(super) async fn key_tables(scene: &Scene<'_>) -> Verdict {
    let needles = needles(scene)?;
    let mut session = scene.acquire(&scene.me).await?;
    let mut answers = Vec::new();
    let mut selects = vec![
        "SELECT most_common_vals::text || histogram_bounds::text FROM pg_stats WHERE schemaname = 'tenancy'".to_owned(),
        "SELECT s::text FROM pg_statistic s".to_owned(),
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace::regnamespace::text = 'tenancy'".to_owned(),
        "SELECT prosrc FROM pg_proc".to_owned(),
        "SELECT pg_read_file('postgresql.conf')".to_owned(),
        "SELECT pg_ls_dir('.')".to_owned(),
        "SELECT rolpassword FROM pg_authid".to_owned(),
        "SELECT name || setting FROM pg_settings".to_owned(),
    ];
    for table in names(scene, "'r','v','m','p'").await? {
        for select in ["SELECT t::text FROM", "SELECT count(*) FROM"] {
            selects.push(format!("{select} tenancy.{table} AS t"));
        }
        selects.push(format!("TABLE tenancy.{table} FOR UPDATE"));
        selects.push(format!(
            "UPDATE tenancy.{table} AS t SET ctid = ctid RETURNING t::text"
        ));
        selects.push(format!(
            "SELECT query_to_xml('TABLE tenancy.{table}', true, false, '')"
        ));
    }
    for sql in selects {
        if let Ok(rows) = session.attempt(&sql).await? {
            answers.extend(
                rows.into_iter()
                    .flatten()
                    .flatten()
                    .map(|value| (sql.clone(), value)),
            );
        }
    }
    for (sql, value) in answers {
        let value = value.to_lowercase();
        ensure!(
            !needles.iter().any(|needle| value.contains(needle)),
            "the sealing key came back: {sql}"
        );
    }
    Ok(())
}

/// No debug output, plan or trace of an honest `enter` prints the key, at whatever level.
pub(super) async fn debug_output(scene: &Scene<'_>) -> Verdict {
    let needles = needles(scene)?;
    let stage = scene.stage;
    let attacker = stage.attacker().await?;
    let raise = "SET client_min_messages = debug5; SET debug_print_plan = on; SET debug_print_parse = on; \
                 SET debug_print_rewritten = on; SET debug_pretty_print = off; DISCARD PLANS";
    attacker.simple(raise).await.map_err(Stop::failed)?;
    attacker
        .enter(
            stage.key()?,
            &scene.me.side.id,
            stage.kind,
            tenancy_postgres::seal::Binding::Session,
        )
        .await?;
    for sql in [
        "SELECT tenancy.current_tenant()",
        "SELECT * FROM conformance.notes",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT tenancy.current_tenant() FROM conformance.notes",
        "INSERT INTO conformance.notes (id, title) VALUES (990, 'x')",
        "DISCARD PLANS",
        "SELECT tenancy.enter(1, 64, 0, 0, 0, 0, 0, 0, 0, 0, '')",
        "SELECT tenancy.leave()",
    ] {
        for setting in [
            "SET client_min_messages = log",
            "SET client_min_messages = debug5",
        ] {
            attacker.simple(setting).await.map_err(Stop::failed)?;
            let _ = attacker.simple(sql).await;
        }
    }
    ensure!(
        heard_something(&attacker),
        "no debug output came at all, so nothing was tried"
    );
    let heard = attacker.notices().to_lowercase();
    // Plans print constants as bytes in decimal, between brackets.
    let plain: String = heard.chars().filter(|c| !c.is_whitespace()).collect();
    ensure!(
        !needles
            .iter()
            .any(|needle| heard.contains(needle) || plain.contains(needle)),
        "the sealing key was printed"
    );
    let decimal = decimal_needles(scene)?;
    let spaced = heard.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        !decimal.iter().any(|needle| spaced.contains(needle)),
        "the sealing key was printed as a constant of a plan"
    );
    Ok(())
}

fn heard_something(attacker: &Direct) -> bool {
    attacker.notices().contains("{PLANNEDSTMT") || attacker.notices().contains("{QUERY")
}

/// The key's bytes, alone and padded as HMAC pads them; its first half is enough to be found.
fn secrets(scene: &Scene<'_>) -> Verdict<Vec<Vec<u8>>> {
    use base64::Engine as _;
    use secrecy::ExposeSecret as _;
    let text = scene.stage.key()?.to_secret_string();
    let base64 = text
        .expose_secret()
        .split_once(':')
        .map(|(_, base64)| base64.to_owned())
        .unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(base64)
        .map_err(Stop::failed)?;
    Ok([0, 0x36, 0x5c]
        .map(|pad| bytes.iter().take(16).map(|byte| byte ^ pad).collect())
        .into())
}

fn needles(scene: &Scene<'_>) -> Verdict<Vec<String>> {
    use base64::Engine as _;
    let secrets = secrets(scene)?;
    let hex = secrets.iter().map(|bytes| hex(bytes));
    // 15 bytes fill whole groups of base64.
    let base64 = secrets.iter().map(|bytes| {
        base64::engine::general_purpose::STANDARD
            .encode(&bytes[..15])
            .to_lowercase()
    });
    Ok(hex.chain(base64).collect())
}

/// As a plan prints a bytea: each byte as a signed decimal.
fn decimal_needles(scene: &Scene<'_>) -> Verdict<Vec<String>> {
    let words = |bytes: &Vec<u8>| {
        bytes
            .iter()
            .map(|byte| byte.cast_signed().to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    Ok(secrets(scene)?.iter().map(words).collect())
}
